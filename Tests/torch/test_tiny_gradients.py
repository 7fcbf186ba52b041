"""AdamW where squares of gradients are denormal, or nothing, against torch's own."""

from __future__ import annotations

import pytest
import torch

from libmuon.torch import AdamW


@pytest.mark.parametrize("eps", [0.0, 1e-30, 1e-20, 1e-15, 1e-12, 1e-8])
@pytest.mark.parametrize("scale", [1e-18, 1e-19, 1e-21, 1e-24, 1e-38])
def test_like_torch(eps, scale):
    start = torch.randn(33, 17)
    grads = [(torch.rand(33, 17) + 1) * torch.randn(33, 17).sign() * scale for _ in range(5)]
    results = []
    for kind in (AdamW, torch.optim.AdamW):
        parameter = torch.nn.Parameter(start.clone())
        optimizer = kind([parameter], eps=eps, weight_decay=0.0)
        for grad in grads:
            parameter.grad = grad.clone()
            optimizer.step()
        results.append(parameter.detach() - start)
    ours, theirs = results
    # Where v is nothing and eps too: infinity, in both, of the same sign.
    finite = theirs.isfinite()
    assert torch.equal(finite, ours.isfinite())
    assert torch.equal(ours[~finite].sign(), theirs[~finite].sign())
    # Two roundings of a few units of v, and of the sum with the parameter.
    units = scale * scale * 1e-3 * 2.0**149
    bar = 1e-4 if units > 1e5 or eps >= 1e-12 else 4 / max(units, 1.0)
    difference = (ours - theirs)[finite]
    assert difference.abs().max() <= bar * theirs[finite].abs().max() + 1e-6 if finite.any() else True
