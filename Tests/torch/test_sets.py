"""Several torch optimizers that make a step as one."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LinearLR

import libmuon
import libmuon.torch as lt

CONFIG = {"training": {"optimizer": "Muon", "learning_rate": 0.02, "weight_decay": 0.1}}


def made(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4)).to(dtype)
    return model, lt.build_optimizers(model.named_parameters(), CONFIG)


def backward(model, seed):
    torch.manual_seed(seed)
    model.zero_grad()
    x = torch.randn(16, 6, dtype=next(model.parameters()).dtype)
    model(x).square().mean().backward()


def contents(model, optimizers):
    values = [p.detach().clone() for p in model.parameters()]
    for optimizer in optimizers:
        for own in optimizer.state.values():
            values += [value.clone() for value in own.values()]
    return values


def same(a, b):
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_step_of_all_is_a_step_of_each(dtype):
    (model, optimizers), (other, alone) = made(dtype=dtype), made(dtype=dtype)
    for seed in range(4):
        backward(model, seed)
        backward(other, seed)
        lt.step(optimizers)
        for each in alone:
            each.step()
        assert same(contents(model, optimizers), contents(other, alone))
    lt.step([])


@pytest.mark.parametrize("culprit", [0, 1])
@pytest.mark.parametrize("policy", ["error", "skip"])
@pytest.mark.parametrize("first", [True, False])
def test_nan_in_one_leaves_all_as_they_were(culprit, policy, first):
    model, optimizers = made()
    for each in optimizers:
        each.nonfinite = policy
    if not first:
        backward(model, 0)
        lt.step(optimizers)
    backward(model, 1)
    optimizers[culprit].param_groups[0]["params"][0].grad.view(-1)[1] = float("nan")
    before = contents(model, optimizers)
    if policy == "error":
        with pytest.raises(libmuon.NonFiniteGradientError, match=f"^optimizer {culprit} "):
            lt.step(optimizers)
    else:
        lt.step(optimizers)
    assert same(contents(model, optimizers), before)
    assert [each.skipped_steps for each in optimizers] == [policy == "skip"] * 2
    backward(model, 2)
    lt.step(optimizers)
    assert not same(contents(model, optimizers), before)


def test_a_gradient_whose_square_is_too_large_for_adamw():
    model, optimizers = made()
    backward(model, 0)
    model[0].bias.grad[0] = 1e30
    before = contents(model, optimizers)
    with pytest.raises(libmuon.NonFiniteGradientError, match="too large"):
        lt.step(optimizers)
    assert same(contents(model, optimizers), before)


def test_hooks_and_schedulers_know_of_it():
    model, optimizers = made()
    schedulers = [LinearLR(each) for each in optimizers]
    seen = []
    for number, each in enumerate(optimizers):
        each.register_step_pre_hook(lambda *_, number=number: seen.append(("before", number)))
        each.register_step_post_hook(lambda *_, number=number: seen.append(("after", number)))
    backward(model, 0)
    before = contents(model, [])
    optimizers[1].register_step_pre_hook(lambda *_: seen.append(same(before, contents(model, []))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lt.step(optimizers)
        for each in schedulers:
            each.step()
    assert seen == [("before", 0), ("before", 1), True, ("after", 1), ("after", 0)]


def test_one_for_a_whole_module_beside_another():
    torch.manual_seed(0)
    model, head = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8)), nn.Linear(8, 2)
    optimizers = [lt.MuonWithAdamW(model), lt.AdamW(head.parameters())]
    head(model(torch.randn(5, 6))).sum().backward()
    head.bias.grad[0] = float("inf")
    before = contents(model, optimizers)
    # Both sides of the first are numbered.
    with pytest.raises(libmuon.NonFiniteGradientError, match="^optimizer 2 "):
        lt.step(optimizers)
    assert same(before, contents(model, optimizers))
    head.bias.grad[0] = 0
    lt.step(optimizers)
    assert not same(before, contents(model, optimizers))


def test_what_is_no_set():
    model, optimizers = made()
    backward(model, 0)
    with pytest.raises(libmuon.InvalidArgumentError, match=r"optimizers\[2\] is there twice"):
        lt.step([*optimizers, optimizers[0]])
    with pytest.raises(TypeError, match=r"optimizers\[1\]: an optimizer of libmuon.torch .* SGD"):
        lt.step([optimizers[0], torch.optim.SGD(model.parameters())])


@pytest.mark.parametrize("max_norm", [1e-3, 0.05, 100.0])
@pytest.mark.parametrize("kind", ["pair", "module"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_clipping_agrees_with_torch(max_norm, kind, dtype):
    def made_of(seed):
        model, optimizers = made(seed, dtype)
        return model, optimizers if kind == "pair" else [lt.MuonWithAdamW(model)]

    (model, optimizers), (other, others) = made_of(0), made_of(0)
    for seed in range(4):
        backward(model, seed)
        backward(other, seed)
        grads = [p.grad.clone() for p in model.parameters()]
        norm = lt.clip_grad_norm(optimizers, max_norm)
        assert same(grads, [p.grad for p in model.parameters()])
        expected = torch.nn.utils.clip_grad_norm_(other.parameters(), max_norm)
        tolerance = 1e-6 if dtype == torch.float32 else 1e-2
        assert norm == pytest.approx(expected.item(), rel=tolerance)
        lt.step(optimizers)
        lt.step(others)
        for a, b in zip(model.parameters(), other.parameters()):
            torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


def test_the_scale_outlives_what_moves_and_is_for_one_step():
    (model, optimizers), (other, others) = made(), made()
    backward(model, 0)
    backward(other, 0)
    lt.clip_grad_norm(optimizers, 1e-3)
    # The library's optimizer is made anew.
    optimizers[1].load_state_dict(optimizers[1].state_dict())
    for each in model.parameters():
        each.data = each.data.clone()
    torch.nn.utils.clip_grad_norm_(other.parameters(), 1e-3)
    lt.step(optimizers)
    lt.step(others)
    for a, b in zip(contents(model, optimizers), contents(other, others)):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9)
    assert [each._grad_scale for each in optimizers] == [1, 1]
    # A step that is refused for NaN takes it with it; after another error it can be tried again.
    lt.clip_grad_norm(optimizers, 1e-3)
    scales = [each._grad_scale for each in optimizers]
    grad = model[0].weight.grad
    model[0].weight.grad = grad.to_sparse()
    with pytest.raises(libmuon.UnsupportedError):
        lt.step(optimizers)
    assert [each._ready().grad_scale for each in optimizers] == scales
    model[0].weight.grad = grad * float("nan")
    with pytest.raises(libmuon.NonFiniteGradientError):
        lt.step(optimizers)
    assert [each._ready().grad_scale for each in optimizers] == [1, 1]
