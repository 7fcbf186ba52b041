"""torch.compile around what libmuon computes: it ends the graph there; with fullgraph=True an error says why."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import libmuon.torch

CONFIG = {"training": {"optimizer": "Muon", "learning_rate": 0.1}}
CALLS = {
    "Muon": (lambda m: libmuon.torch.Muon([m[0].weight]), lambda o: o.step()),
    "AdamW": (lambda m: libmuon.torch.AdamW(m.parameters()), lambda o: o.step()),
    "both": (libmuon.torch.MuonWithAdamW, lambda o: o.step()),
    "a set": (lambda m: libmuon.torch.build_optimizers(m.parameters(), CONFIG), libmuon.torch.step),
    "clipping": (
        lambda m: libmuon.torch.build_optimizers(m.parameters(), CONFIG),
        lambda o: libmuon.torch.clip_grad_norm(o, 1e-3) and libmuon.torch.step(o)),
    "orthogonalize": (lambda m: m, lambda m: libmuon.torch.orthogonalize(m[0].weight, out=m[0].weight)),
}


def trained(what, compiled, **options):
    """The parameters after some steps of a function with forward, backward and this call."""
    torch.manual_seed(1)
    torch._dynamo.reset()
    model = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 4))
    make, call = CALLS[what]
    made, inputs = make(model), torch.randn(3, 5, 6)

    def step(x):
        model.zero_grad()
        model(x).square().mean().backward()
        call(made)

    step = torch.compile(step, backend="eager", **options) if compiled else step
    for x in inputs:
        step(x)
    return [each.detach().clone() for each in model.parameters()]


@pytest.mark.parametrize("what", CALLS)
def test_a_compiled_step_is_the_step(what):
    plain = trained(what, compiled=False)
    assert all(map(torch.equal, trained(what, compiled=True), plain))


@pytest.mark.parametrize("what", CALLS)
def test_fullgraph_is_an_error_that_says_why(what):
    torch._dynamo.reset()
    model = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 4))
    make, call = CALLS[what]
    made = make(model)
    model(torch.randn(5, 6)).square().mean().backward()
    before = [each.detach().clone() for each in model.parameters()]
    with pytest.raises(torch._dynamo.exc.Unsupported, match="outside of torch's graphs: compile the model"):
        torch.compile(lambda: call(made), backend="eager", fullgraph=True)()
    assert all(map(torch.equal, before, model.parameters()))
    call(made)
    assert not torch.equal(before[0], model[0].weight)
