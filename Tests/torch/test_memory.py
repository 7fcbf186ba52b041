"""Whose memory is updated: types, layouts, moving gradients, and everything that is refused."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch.nn import Parameter

import libmuon
import reference
from libmuon._library import lib
from libmuon.torch import AdamW, Muon
from training import assert_same, copies, error, gradients, moved, parameters, snapshot, train

BOTH = [Muon, AdamW]


@pytest.mark.parametrize("cls", BOTH)
def test_float32_is_updated_where_it_is(cls):
    params = parameters((6, 8))
    optimizer = cls(params)
    train(optimizer, params, 1)
    addresses = {key: value.data_ptr() for key, value in optimizer.state[params[0]].items()}
    address, first = params[0].data_ptr(), snapshot(optimizer, params)
    session = optimizer._session
    group = optimizer.param_groups[0]
    train(optimizer, params, 3, each=lambda index: group.update(lr=0.1 * (index + 1)))
    assert optimizer._session is session
    state = optimizer.state[params[0]]
    assert params[0].data_ptr() == address
    assert {key: value.data_ptr() for key, value in state.items()} == addresses
    for key, value in state.items():
        assert not torch.equal(value, first[1][0][key])
    (slot,) = optimizer._session.slots.values()
    assert slot.data is params[0]


@pytest.mark.parametrize("cls", BOTH)
def test_gradients_that_move_and_gradients_that_stay(cls):
    moving = parameters((6, 8), (5, 7))
    staying = copies(moving)
    for p in staying:
        p.grad = torch.zeros_like(p)
    one, two = cls(moving), cls(staying)
    for grads in gradients(moving, 6):
        for p, q, grad in zip(moving, staying, grads):
            p.grad = grad.clone()
            q.grad.copy_(grad)
        one.step()
        two.step()
        one.zero_grad()
        assert moving[0].grad is None
        two.zero_grad(set_to_none=False)
        assert not staying[0].grad.any()
    for p, q in zip(moving, staying):
        assert torch.equal(p, q)


@pytest.mark.parametrize("cls", BOTH)
def test_a_gradient_is_not_kept_alive(cls):
    params = parameters((6, 8))
    optimizer = cls(params)
    params[0].grad = torch.ones(6, 8)
    gone = weakref.ref(params[0].grad)
    optimizer.step()
    optimizer.zero_grad()
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("cls", BOTH)
def test_memory_of_old_gradients_is_used_again(cls):
    """State that is made later may lie where a gradient lay before."""
    params = parameters(*[(64, 64)] * 12)
    expected = copies(params)
    one, two = cls(params), cls(expected)
    for index in range(12):
        for p in params[: index + 1]:
            p.grad = torch.full((64, 64), 0.5) + torch.eye(64)
        one.step()
        one.zero_grad()
        for p in expected[: index + 1]:
            p.grad = torch.full((64, 64), 0.5) + torch.eye(64)
        two.step()
    for p, q in zip(params, expected):
        assert torch.equal(p, q)


@pytest.mark.parametrize("cls", BOTH)
def test_without_a_gradient_nothing_happens(cls):
    params = parameters((6, 8), (5, 7))
    optimizer = cls(params, weight_decay=0.5)
    params[0].grad = torch.ones(6, 8)
    before = params[1].detach().clone()
    optimizer.step()
    assert torch.equal(params[1], before) and params[1] not in optimizer.state
    train(optimizer, params, 2)
    saved = snapshot(optimizer, params[1:])
    params[0].grad, params[1].grad = torch.ones(6, 8), None
    optimizer.step()
    assert_same(saved, snapshot(optimizer, params[1:]))


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_is_trained_in_float32(cls, dtype):
    params = parameters((24, 36), dtype=dtype)
    start = params[0].detach().float().numpy()
    if cls is Muon:
        optimizer = Muon(params, precision="f32")
        expected = reference.Muon(
            start, lr=1e-3, weight_decay=0.1, momentum_style="ema", shape_scale="original"
        )
    else:
        optimizer, expected = AdamW(params), reference.AdamW(start)
    for grads in gradients(params, 50):
        params[0].grad = grads[0]
        optimizer.step()
        expected.step(grads[0].float().numpy())
    state = optimizer.state[params[0]]
    assert error(state["master"], expected.p) <= 1e-5
    assert all(value.dtype is torch.float32 for value in state.values())
    assert torch.equal(params[0], state["master"].to(dtype))
    # Rounding after each step, without a master, would have lost most of it.
    assert moved(state["master"], torch.as_tensor(expected.p), torch.as_tensor(start)) <= 1e-3


@pytest.mark.parametrize("cls", BOTH)
def test_what_others_write_into_a_low_precision_parameter_counts(cls):
    params = parameters((4, 6), dtype=torch.bfloat16)
    optimizer = cls(params, lr=1e-4)
    train(optimizer, params, 3)
    master = optimizer.state[params[0]]["master"].clone()
    with torch.no_grad():
        params[0][1] = 2.0
    params[0].grad = torch.zeros_like(params[0])
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    optimizer.step()
    assert (params[0][1] == 2).all()
    master[1] = 2.0  # the other rows keep the bits that bfloat16 does not have
    assert torch.equal(optimizer.state[params[0]]["master"], master)


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("which", ["parameter", "gradient", "both"])
def test_other_layouts(cls, which):
    plain = parameters((6, 8))
    strided = torch.empty(8, 6).t() if which != "gradient" else torch.empty(6, 8)
    other = Parameter(strided.copy_(plain[0].detach()))
    one, two = cls(plain), cls([other])
    for grads in gradients(plain, 5):
        plain[0].grad = grads[0]
        other.grad = grads[0] if which == "parameter" else grads[0].t().contiguous().t()
        one.step()
        two.step()
        assert torch.equal(plain[0], other)
        with torch.no_grad():  # what others write counts here too
            plain[0][0, 0], other[0, 0] = 1.0, 1.0
    assert other.is_contiguous() == (which == "gradient")


@pytest.mark.parametrize("cls", BOTH)
def test_a_gradient_that_is_stored_negated(cls):
    """As autograd makes them of imaginary parts: the memory has the other sign."""
    params = parameters((6, 8))
    expected = copies(params)
    train(cls(expected), expected, 1)
    ((grad,),) = gradients(params, 1)
    params[0].grad = torch._neg_view(-grad)
    assert params[0].grad.is_neg()
    cls(params).step()
    assert torch.equal(params[0], expected[0])


def test_channels_last():
    weight = torch.randn(4, 3, 5, 5)
    one, two = Parameter(weight.clone()), Parameter(weight.to(memory_format=torch.channels_last))
    for p in (one, two):
        train(AdamW([p]), [p], 3)
    assert torch.equal(one, two) and two.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("cls", BOTH)
def test_parameters_and_state_that_are_moved(cls):
    params = parameters((6, 8), (5, 7))
    expected = copies(params)
    one, two = cls(params), cls(expected)
    train(one, params, 2)
    train(two, expected, 2)

    def exchange_parameter():
        params[0].data = params[0].data.clone()

    def exchange_state():
        for key, value in one.state[params[1]].items():
            one.state[params[1]][key] = value.clone()

    def exchange_memory_of_state():
        for value in one.state[params[0]].values():
            value.data = value.data.clone()

    for seed, move in enumerate((exchange_parameter, exchange_state, exchange_memory_of_state)):
        move()
        train(one, params, 2, seed=seed)
        train(two, expected, 2, seed=seed)
        assert_same(snapshot(two, expected), snapshot(one, params))
    # To another type and back.
    params[0].data = params[0].data.bfloat16()
    train(one, params, 1)
    assert "master" in one.state[params[0]]
    params[0].data = params[0].data.float()
    train(one, params, 1)
    assert "master" not in one.state[params[0]]


@pytest.mark.parametrize("cls", BOTH)
def test_autograd_learns_of_the_update(cls):
    params = parameters((6, 8))
    optimizer = cls(params)
    loss = (params[0] * params[0]).sum()
    loss.backward(retain_graph=True)
    version = params[0]._version
    optimizer.step()
    assert params[0]._version > version
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


class Standin(torch.Tensor):
    """A tensor without memory, as DTensor is."""

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise AssertionError(f"{function} is called")


def sparse(shape):
    return torch.sparse_coo_tensor([[0], [0]], [1.0], shape, check_invariants=True)


REFUSED = {
    "complex": (torch.randn(6, 8, dtype=torch.complex64), None, "does not support complex"),
    "float64": (torch.randn(6, 8, dtype=torch.float64), None, "float16 is expected"),
    "meta": (torch.empty(6, 8, device="meta"), None, "CPU memory is expected"),
    "sparse gradient": (torch.randn(6, 8), sparse((6, 8)), "does not support sparse"),
    "expanded": (torch.randn(6, 1).expand(6, 8), None, "share memory"),
}


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_changes_nothing(cls, case):
    data, grad, text = REFUSED[case]
    (good,) = parameters((3, 4))
    bad = data.detach().requires_grad_()
    optimizer = cls([("good", good), ("bad", bad)])
    train(optimizer, [good], 2)
    before = snapshot(optimizer, [good])
    good.grad = torch.ones(3, 4)
    bad.grad = torch.ones_like(data) if grad is None else grad
    for _ in range(2):
        with pytest.raises((RuntimeError, ValueError), match=text) as caught:
            optimizer.step()
        assert "bad" in str(caught.value) and isinstance(caught.value, libmuon.MuonError)
        assert_same(before, snapshot(optimizer, [good]))
        assert bad not in optimizer.state
    bad.grad = None
    optimizer.step()
    assert not torch.equal(good, before[0][0])


@pytest.mark.parametrize("cls", BOTH)
def test_tensors_without_memory_are_refused(cls):
    bad = Standin(torch.zeros(6, 8))
    optimizer = cls([("bad", bad)])
    bad.grad = Standin(torch.zeros(6, 8))
    with pytest.raises(RuntimeError, match="bad: a plain tensor is expected, not a Standin"):
        optimizer.step()
    (good,) = parameters((6, 8))
    optimizer = cls([("good", good)])
    train(optimizer, [good], 1)
    good.grad = Standin(torch.zeros(6, 8))
    with pytest.raises(RuntimeError, match="gradient of good: a plain tensor is expected"):
        optimizer.step()


@pytest.mark.parametrize("cls", BOTH)
def test_parameters_that_share_memory(cls):
    memory = torch.randn(4, 6)
    one, two = Parameter(memory), Parameter(memory[2:])
    optimizer = cls([("one", one), ("two", two)])
    one.grad, two.grad = torch.ones(4, 6), torch.ones(2, 6)
    before = memory.clone()
    with pytest.raises(ValueError, match="two overlaps the data of parameter one"):
        optimizer.step()
    assert torch.equal(memory, before) and not optimizer.state


def test_what_a_failed_step_began_is_forgotten():
    """The library knows the first of two matrices before the second turns out not to fit."""
    memory = torch.randn(24)
    experts, one = Parameter(memory.view(2, 3, 4)), Parameter(memory[12:].view(3, 4))
    optimizer = Muon([experts, one], higher_dims="batch")
    one.grad = torch.ones(3, 4)
    optimizer.step()
    experts.grad = torch.ones(2, 3, 4)
    with pytest.raises(ValueError, match="overlaps"):
        optimizer.step()
    before = memory.clone()
    experts.grad = None
    optimizer.step()
    assert torch.equal(memory[:12], before[:12]) and not torch.equal(memory[12:], before[12:])


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nonfinite_gradients(cls, value):
    params = parameters((3, 4), (5, 6), (2, 2))
    names = ["a", "b.weight", "c"]

    def make(policy):
        return cls(list(zip(names, params)), **({} if policy is None else {"nonfinite": policy}))

    for policy in (None, "error", "skip"):
        optimizer = make(policy)
        train(optimizer, params[:2], 2)
        before = snapshot(optimizer, params)
        for p in params:
            p.grad = torch.ones_like(p)
        params[1].grad[4, 5] = value
        if policy == "skip":
            optimizer.step()
            optimizer.step()
            assert optimizer.skipped_steps == 2
        else:
            for _ in range(2):
                with pytest.raises(libmuon.NonFiniteGradientError, match="parameter b.weight "):
                    optimizer.step()
        assert_same(before, snapshot(optimizer, params))  # the third has no state yet
        params[1].grad[4, 5] = 1.0
        optimizer.step()
        assert not torch.equal(before[0][1], params[1])
    optimizer = make("propagate")
    params[1].grad[4, 5] = value
    optimizer.step()
    assert params[1].isnan().any() and params[0].isfinite().all()
    with pytest.raises(ValueError, match="nonfinite"):
        optimizer.nonfinite = "ignore"
    optimizer.nonfinite = "error"
    with pytest.raises(libmuon.NonFiniteGradientError):
        optimizer.step()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_empty_parameters(shape):
    for cls in BOTH:
        params = parameters(shape, (3, 4))
        train(cls(params), params, 3)
        assert params[0].shape == shape


def test_convolutions_as_matrices():
    (weight,) = parameters((8, 3, 5, 5))
    matrix = Parameter(weight.detach().reshape(8, 75).clone())
    one, two = Muon([weight], higher_dims="flatten"), Muon([matrix])
    for grads in gradients([weight], 5):
        weight.grad, matrix.grad = grads[0], grads[0].reshape(8, 75).clone()
        one.step()
        two.step()
    assert torch.equal(weight.reshape(8, 75), matrix)
    assert one.state[weight]["momentum_buffer"].shape == weight.shape


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_batch_of_matrices(dtype):
    (experts,) = parameters((2, 3, 12, 8), dtype=dtype)
    matrices = [Parameter(each.clone()) for each in experts.detach().reshape(6, 12, 8)]
    one, two = Muon([experts], higher_dims="batch"), Muon(matrices)
    for grads in gradients([experts], 5):
        experts.grad = grads[0]
        for p, grad in zip(matrices, grads[0].reshape(6, 12, 8)):
            p.grad = grad.clone()
        one.step()
        two.step()
    assert torch.equal(experts.reshape(6, 12, 8), torch.stack(matrices))
    one.param_groups[0]["higher_dims"] = "flatten"
    one.step()
    experts.grad = experts.grad.clone()
    experts.grad[1, 1, 0, 0] = float("nan")
    one.param_groups[0]["higher_dims"] = "batch"
    with pytest.raises(libmuon.NonFiniteGradientError, match=r"param0\[4\]"):
        one.step()


def test_what_is_no_matrix():
    conv, vector = parameters((8, 3, 5, 5), (4,))
    with pytest.raises(ValueError, match="only supports 2D.*param0.*higher_dims"):
        Muon([conv])
    for option in ("refuse", "flatten", "batch"):
        with pytest.raises(ValueError, match="only supports 2D.*bias"):
            Muon([("bias", vector)], higher_dims=option)
    with pytest.raises(ValueError, match="higher_dims: 'split' is not one of"):
        Muon([conv], higher_dims="split")


def test_the_library_is_told_when_an_optimizer_ends():
    params = parameters((6, 8))
    optimizer = Muon(params)
    train(optimizer, params, 1)
    handle = optimizer._session.handle
    assert lib.muon_optimizer_set_lr(handle, 0, 0.1) == 0
    del optimizer
    gc.collect()
    assert lib.muon_optimizer_set_lr(handle, 0, 0.1) == libmuon.InvalidHandleError.status
