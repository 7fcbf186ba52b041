"""step_param: the step of one parameter, by itself, its index and its name."""

from __future__ import annotations

import numpy as np
import pytest

import libmuon
from libmuon import AdamW, InvalidArgumentError, Muon, NonFiniteGradientError, Parameter, ShapeError


def made(kind=Muon, dtype=np.float32):
    rng = np.random.default_rng(0)
    return kind([Parameter(rng.standard_normal((6, 4)).astype(dtype), name) for name in ("a", None, "c")], lr=0.1)


def gradients(seed, dtype=np.float32):
    return [np.random.default_rng((seed, i)).standard_normal((6, 4)).astype(dtype) for i in range(3)]


@pytest.mark.parametrize("kind", [Muon, AdamW])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_it_is_a_step_of_all_to_the_bit(kind, dtype):
    one, all_ = made(kind, dtype), made(kind, dtype)
    buffer = np.empty((6, 4), dtype)
    for step in range(4):
        all_.step(gradients(step, dtype))
        for which, grad in zip((one.parameters[0], "param1", 2), gradients(step, dtype)):
            buffer[:] = grad
            one.step_param(which, buffer)
        for mine, theirs in zip(one.parameters, all_.parameters):
            assert np.array_equal(mine.data, theirs.data) and mine.grad is None


def test_the_others_stay_as_they_are():
    optimizer = made()
    before = [parameter.data.copy() for parameter in optimizer.parameters]
    optimizer.parameters[0].grad = np.full((6, 4), np.nan, np.float32)
    optimizer.step_param("c", gradients(0)[0])
    assert [np.array_equal(p.data, b) for p, b in zip(optimizer.parameters, before)] == [True, True, False]


@pytest.mark.parametrize(
    ("which", "grad", "error", "text"),
    [
        ("z", np.ones((6, 4), np.float32), InvalidArgumentError, "z"),
        (3, np.ones((6, 4), np.float32), InvalidArgumentError, "there is no parameter 3: there are 3"),
        (-1, np.ones((6, 4), np.float32), InvalidArgumentError, "there is no parameter -1"),
        (0.5, np.ones((6, 4), np.float32), TypeError, "a whole number is expected"),
        ("a", np.ones((4, 6), np.float32), ShapeError, "parameter 'a': gradient: shape"),
        (1, np.ones((6, 4)), libmuon.DTypeError, "'param1': gradient: dtype float32 is expected"),
        ("a", None, TypeError, "an array is expected, not None"),
        ("a", np.full((6, 4), np.inf, np.float32), NonFiniteGradientError, "a"),
    ],
)
def test_what_cannot_be_used(which, grad, error, text):
    optimizer = made()
    before = optimizer.parameters[0].data.copy()
    with pytest.raises(error, match=text):
        optimizer.step_param(which, grad)
    with pytest.raises(InvalidArgumentError, match="not in this optimizer"):
        optimizer.step_param(Parameter(np.ones((6, 4), np.float32)), np.ones((6, 4), np.float32))
    assert np.array_equal(optimizer.parameters[0].data, before)


def test_it_reads_the_gradient_only_during_the_call():
    optimizer = made()
    grad = gradients(0)[0]
    optimizer.step_param(0, grad)
    kept = optimizer.parameters[0].data.copy()
    grad[:] = np.nan
    optimizer.step()
    assert np.array_equal(optimizer.parameters[0].data, kept)
