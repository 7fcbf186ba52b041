"""A step that cannot be made says why, and changes nothing; and steps that can after all."""

from __future__ import annotations

import pytest
import torch
from torch.nn import Parameter

import libmuon
from libmuon.torch import AdamW, Muon
from training import assert_same, copies, gradients, parameters, snapshot, train

BOTH = [Muon, AdamW]


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_state_that_is_made_in_inference_mode(cls, dtype):
    params = parameters((4, 6), dtype=dtype)
    expected = copies(params)
    one, two = cls(params), cls(expected)
    with torch.inference_mode():
        train(one, params, 1)
    train(two, expected, 1)
    for seed in (1, 2):
        train(one, params, 1, seed)
        train(two, expected, 1, seed)
        assert_same(snapshot(two, expected), snapshot(one, params))


@pytest.mark.parametrize("cls", BOTH)
def test_state_that_is_loaded_in_inference_mode(cls):
    params = parameters((4, 6))
    expected = copies(params)
    one, two = cls(params), cls(expected)
    train(one, params, 2)
    train(two, expected, 2)
    with torch.inference_mode():
        one.load_state_dict(one.state_dict())
    train(one, params, 2)
    train(two, expected, 2)
    assert_same(snapshot(two, expected), snapshot(one, params))


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_parameters_of_inference_mode_that_need_a_copy(cls, dtype):
    (good,) = parameters((3, 4))
    with torch.inference_mode():
        bad = Parameter(torch.ones(6, 4, dtype=dtype).t())
        grad = torch.ones_like(bad)
    optimizer = cls([("good", good), ("bad", bad)])
    train(optimizer, [good], 1)
    before = snapshot(optimizer, [good, bad])
    good.grad, bad.grad = torch.ones(3, 4), grad
    with pytest.raises(libmuon.UnsupportedError, match="bad: .*inference_mode"):
        optimizer.step()
    assert_same(before, snapshot(optimizer, [good, bad]))


@pytest.mark.parametrize(
    "step", [-1.0, 1.5, float("nan"), float("inf"), 1e30], ids=lambda step: f"{step:g}"
)
def test_a_count_of_steps_that_is_none(step):
    params = parameters((4, 6))
    optimizer = AdamW([("a", params[0])])
    train(optimizer, params, 2)
    before = snapshot(optimizer, params)
    optimizer.state[params[0]]["step"].fill_(step)
    with pytest.raises(libmuon.InvalidArgumentError, match="a: step: a whole number >= 0 is"):
        optimizer.step()
    state = optimizer.state_dict()
    with pytest.raises(libmuon.InvalidArgumentError, match="a: step: a whole number >= 0 is"):
        optimizer.load_state_dict(state)
    optimizer.state[params[0]]["step"].fill_(2)
    assert_same(before, snapshot(optimizer, params))


@pytest.mark.parametrize(
    "step", [torch.tensor(True), torch._neg_view(torch.tensor(-1.0))], ids=["bool", "negated view"]
)
def test_a_count_of_steps_of_another_type(step):
    params = parameters((4, 6))
    expected = copies(params)
    one, two = AdamW(params), AdamW(expected)
    train(one, params, 1)
    train(two, expected, 1)
    one.state[params[0]]["step"] = step
    train(one, params, 2)
    train(two, expected, 2)
    assert_same(snapshot(two, expected), snapshot(one, params))


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("value", ["x", None])
def test_a_rate_that_is_no_number(cls, value):
    params = parameters((4, 6))
    optimizer = cls(params)
    train(optimizer, params, 1)
    before = snapshot(optimizer, params)
    optimizer.param_groups[0]["lr"] = value
    with pytest.raises(TypeError, match="lr: a number is expected, not"):
        optimizer.step()
    assert_same(before, snapshot(optimizer, params))


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("bound", [False, True])
def test_a_gradient_whose_memory_was_freed(cls, bound):
    params = parameters((3, 4), (4, 6))
    optimizer = cls([("a", params[0]), ("b", params[1])])
    train(optimizer, params if bound else params[:1], 1)
    before = snapshot(optimizer, params)
    for p in params:
        p.grad = torch.ones_like(p)
    params[1].grad.untyped_storage().resize_(0)
    with pytest.raises(libmuon.InvalidArgumentError, match="the gradient of b: its memory"):
        optimizer.step()
    assert_same(before, snapshot(optimizer, params))


class Elsewhere(torch.Tensor):
    """A tensor that is wrong about where it is."""

    def data_ptr(self):
        return 4096


@pytest.mark.parametrize("cls", BOTH)
def test_tensors_that_say_they_are_elsewhere(cls):
    expected = parameters((4, 6))
    params = [Parameter(expected[0].detach().clone().as_subclass(Elsewhere))]
    assert params[0].data_ptr() == 4096
    one, two = cls(params), cls(expected)
    for ((grad,),) in zip(gradients(expected, 4)):
        params[0].grad, expected[0].grad = grad.clone().as_subclass(Elsewhere), grad
        one.step()
        two.step()
        if "step" not in one.state[params[0]]:
            buffer = one.state[params[0]]["momentum_buffer"]
            one.state[params[0]]["momentum_buffer"] = buffer.as_subclass(Elsewhere)
    assert torch.equal(params[0].as_subclass(torch.Tensor), expected[0])


@pytest.mark.parametrize("cls", BOTH)
def test_float64_gradients_of_float32_parameters(cls):
    params = parameters((4, 6))
    expected = copies(params)
    params[0].grad_dtype = None
    params[0].grad, expected[0].grad = torch.ones(4, 6, dtype=torch.float64), torch.ones(4, 6)
    cls(params).step()
    cls(expected).step()
    assert torch.equal(params[0], expected[0])
