"""Several optimizers as one; and steps of one parameter, by the library itself."""

from __future__ import annotations

from ctypes import c_float

import numpy as np
import pytest

import libmuon
from libmuon import AdamW, Muon, Parameter
from libmuon._library import check, lib

CONFIG = {"training": {"optimizer": "Muon", "learning_rate": 0.02}}


def pair(seed=0):
    rng = np.random.default_rng(seed)
    w = Parameter(rng.standard_normal((6, 4), dtype=np.float32), "w")
    b = Parameter(rng.standard_normal(5, dtype=np.float32), "b")
    give(w, b, seed=seed)
    return libmuon.build_optimizers([w, b], CONFIG), w, b


def give(*parameters, seed):
    rng = np.random.default_rng(seed)
    for each in parameters:
        each.grad = rng.standard_normal(each.data.shape, dtype=np.float32)


def contents(optimizers):
    return [
        (each.parameters[0].data.tobytes(), *(np.asarray(v).tobytes() for v in state.values()))
        for each in optimizers
        for state in each.state_dict()["state"].values()
    ]


def test_a_step_of_all_is_a_step_of_each():
    together, *params = pair()
    alone, *others = pair()
    for step in range(1, 4):
        libmuon.step(together)
        for optimizer in alone:
            optimizer.step()
        assert contents(together) == contents(alone)
        give(*params, seed=step)  # new arrays, which have to be bound
        give(*others, seed=step)
    libmuon.step([])
    libmuon.step(together[0])


@pytest.mark.parametrize("culprit", [0, 1])
@pytest.mark.parametrize("policy", ["error", "skip"])
def test_nan_in_one_leaves_all_as_they_were(culprit, policy):
    optimizers, *params = pair()
    libmuon.step(optimizers)
    for optimizer in optimizers:
        optimizer.nonfinite = policy
    params[culprit].grad.reshape(-1)[2] = np.nan
    before = contents(optimizers)
    if policy == "error":
        kind = optimizers[culprit].kind
        with pytest.raises(libmuon.NonFiniteGradientError, match=rf"optimizer {culprit} \({kind}\)"):
            libmuon.step(optimizers)
    else:
        libmuon.step(optimizers)
    assert contents(optimizers) == before
    assert [each.skipped_steps for each in optimizers] == [policy == "skip"] * 2


def test_rates_and_zeros_of_all():
    optimizers, w, b = pair()
    optimizers[0].add_param_group({"params": [np.zeros((2, 2), np.float32)], "lr": 0.5})
    libmuon.set_lr(optimizers, 0.25)
    assert [group["lr"] for each in optimizers for group in each.param_groups] == [0.25] * 3
    with pytest.raises(libmuon.InvalidArgumentError):
        libmuon.set_lr(optimizers, -1)
    libmuon.zero_grad(optimizers)
    assert not w.grad.any() and not b.grad.any()
    libmuon.zero_grad(optimizers, set_to_none=True)
    assert w.grad is None and b.grad is None


def test_what_is_no_set():
    optimizers, *_ = pair()
    with pytest.raises(libmuon.InvalidArgumentError, match="optimizer 2 is there twice"):
        libmuon.step([*optimizers, optimizers[0]])
    with pytest.raises(TypeError, match="an optimizer is expected, not int"):
        libmuon.step([*optimizers, 1])
    with pytest.raises(libmuon.InvalidArgumentError, match="at most 256"):
        libmuon.step([AdamW([np.zeros(1, np.float32)]) for _ in range(257)])


def test_256_optimizers_make_a_step_as_one():
    optimizers = [AdamW([Parameter(np.ones(1, np.float32))], lr=0.5) for _ in range(256)]
    for each in optimizers:
        each.parameters[0].grad = np.ones(1, np.float32)
    libmuon.step(optimizers)
    assert all(each.parameters[0].data[0] < 1 for each in optimizers)


@pytest.mark.parametrize("make", [Muon, AdamW])
def test_a_step_of_one_parameter_with_memory_that_is_only_read(make):
    rng = np.random.default_rng(3)
    weights = [rng.standard_normal((5, 7), dtype=np.float32) for _ in range(3)]
    whole = make([Parameter(each.copy()) for each in weights])
    single = make([Parameter(each.copy()) for each in weights])
    for _ in range(3):
        grads = [rng.standard_normal((5, 7), dtype=np.float32) for _ in weights]
        whole.step(grads)
        for index, grad in enumerate(grads):
            data = grad.tobytes()
            buffer = (c_float * 35).from_buffer_copy(data)  # one for each, gone after the call
            check(lib.muon_optimizer_step_param(single._handle, index, buffer, 35))
            assert bytes(buffer) == data
    for a, b in zip(whole.parameters, single.parameters):
        assert a.data.tobytes() == b.data.tobytes()
    own = single.parameters[0].data.ctypes.data_as(lib.muon_optimizer_step_param.argtypes[2])
    status = lib.muon_optimizer_step_param(single._handle, 1, own, 35)
    assert status == libmuon.InvalidArgumentError.status
    assert b"overlaps" in lib.muon_last_error()


# ---- Clipping


def norm_of(*arrays):
    return np.sqrt(sum(np.square(each, dtype=np.float64).sum() for each in arrays))


@pytest.mark.parametrize("policy", ["error", "propagate"])
@pytest.mark.parametrize("max_norm", [0.5, 2.0, 1e3, np.inf])
@pytest.mark.parametrize("scale", [1.0, 0.25, 3.0])
def test_clipping_is_a_step_with_scaled_gradients(policy, max_norm, scale):
    """The same bits as of gradients that were multiplied in float32."""
    clipped, *params = pair()
    scaled, *others = pair()
    for optimizer in (*clipped, *scaled):
        optimizer.nonfinite = policy
    clipped[0].param_groups[0].update(momentum_style="ema")
    scaled[0].param_groups[0].update(momentum_style="ema")
    for step in range(3):
        give(*params, seed=step)
        give(*others, seed=step)
        norm = libmuon.clip_grad_norm(clipped, max_norm, scale)
        expected = scale * norm_of(*(each.grad for each in params))
        assert norm == pytest.approx(expected, rel=1e-14)
        t = scale * min(1, max_norm / (expected + 1e-6))
        assert [each.grad_scale for each in clipped] == [pytest.approx(t, rel=1e-14)] * 2
        before = [each.grad.copy() for each in params]
        libmuon.step(clipped)
        assert all(np.array_equal(a, each.grad) for a, each in zip(before, params))
        for each in others:
            each.grad *= np.float32(t)
        libmuon.step(scaled)
        assert contents(clipped) == contents(scaled)
        assert [each.grad_scale for each in clipped] == [1, 1]


def test_the_norm_has_the_same_bits_for_every_number_of_threads():
    rng = np.random.default_rng(1)
    shapes = [(700, 800), (3, 5), (1, 1), (600, 900)]
    params = [Parameter(np.zeros(shape, np.float32)) for shape in shapes]
    for each in params:
        each.grad = rng.standard_normal(each.data.shape, dtype=np.float32)
    optimizers = [Muon(params[:2]), AdamW(params[2:])]
    norms = set()
    try:
        for threads in (1, 2, 3, 7):
            libmuon.set_num_threads(threads)
            norms.add(libmuon.clip_grad_norm(optimizers, 1.0))
    finally:
        libmuon.set_num_threads(0)
    assert len(norms) == 1
    assert norms.pop() == pytest.approx(norm_of(*(each.grad for each in params)), rel=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_is_not_finite_is_left_to_the_policies(bad):
    optimizers, w, b = pair()
    b.grad[1] = bad
    assert not np.isfinite(libmuon.clip_grad_norm(optimizers, 1.0, 0.5))
    assert [each.grad_scale for each in optimizers] == [0.5, 0.5]
    before = contents(optimizers)
    with pytest.raises(libmuon.NonFiniteGradientError):
        libmuon.step(optimizers)
    assert contents(optimizers) == before
    # It was for that step.
    assert [each.grad_scale for each in optimizers] == [1, 1]


def test_a_large_scale_makes_a_gradient_too_large_and_a_small_one_makes_it_fit():
    optimizers, w, b = pair()
    b.grad[:] = 1e15
    optimizers[1].grad_scale = 1e5
    with pytest.raises(libmuon.NonFiniteGradientError, match="parameter b is too large"):
        libmuon.step(optimizers)
    b.grad[:] = 1e30
    assert libmuon.clip_grad_norm(optimizers, 1.0) > 1e30
    libmuon.step(optimizers)


def test_a_step_of_one_parameter_leaves_the_scale_for_a_whole_one():
    optimizers, w, b = pair()
    libmuon.clip_grad_norm(optimizers, 0.1)
    scale = optimizers[1].grad_scale
    grad = (c_float * 5)(1, 2, 3, 4, 5)
    check(lib.muon_optimizer_step_param(optimizers[1]._handle, 0, grad, 5))
    assert optimizers[1].grad_scale == scale < 1


@pytest.mark.parametrize(
    ("max_norm", "scale"), [(-1, 1), (np.nan, 1), (1, -1), (1, np.nan), (1, np.inf), (1, 1e39)]
)
def test_what_is_no_limit(max_norm, scale):
    optimizers, *_ = pair()
    with pytest.raises(libmuon.InvalidArgumentError, match="max_norm|grad_scale"):
        libmuon.clip_grad_norm(optimizers, max_norm, scale)
    assert [each.grad_scale for each in optimizers] == [1, 1]
