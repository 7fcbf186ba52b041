"""NaN and infinity in gradients."""

from __future__ import annotations

import numpy as np
import pytest

import libmuon
from libmuon import AdamW, Muon, Parameter
from test_state import same


@pytest.fixture(params=[Muon, AdamW])
def kind(request):
    return request.param


def prepared(kind, rng, **options):
    weights = [rng.standard_normal((9, 13), dtype=np.float32) for _ in range(2)]
    optimizer = kind([("a", weights[0]), ("b", weights[1])], **options)
    grads = [rng.standard_normal((9, 13), dtype=np.float32) for _ in range(2)]
    optimizer.step(grads)
    return optimizer, weights, grads


BAD = [float("nan"), float("inf"), float("-inf")]
# The last element too: inner loops have tails.
PLACES = [(0, 0), (4, 6), (8, 12)]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("policy", ["error", "skip"])
def test_nothing_changes(kind, rng, bad, place, policy):
    optimizer, weights, grads = prepared(kind, rng, nonfinite=policy)
    before = [each.tobytes() for each in weights], optimizer.state_dict()
    # The second parameter has it: the first must not have moved by then.
    grads[1][place] = bad
    if policy == "error":
        with pytest.raises(libmuon.NonFiniteGradientError, match="b") as caught:
            optimizer.step(grads)
        assert isinstance(caught.value, FloatingPointError)
        assert optimizer.skipped_steps == 0
    else:
        optimizer.step(grads)
        assert optimizer.skipped_steps == 1
    assert [each.tobytes() for each in weights] == before[0]
    same(optimizer.state_dict(), before[1])
    grads[1][place] = 1
    optimizer.step(grads)
    assert [each.tobytes() for each in weights] != before[0]


def test_propagate_goes_on(rng):
    optimizer, weights, grads = prepared(AdamW, rng, nonfinite="propagate")
    grads[1][0, 0] = float("nan")
    optimizer.step(grads)
    assert np.isnan(weights[1][0, 0]) and np.isfinite(weights[0]).all()
    assert optimizer.skipped_steps == 0


def test_propagate_makes_a_matrix_nan(rng):
    optimizer, weights, grads = prepared(Muon, rng, nonfinite="propagate")
    grads[1][0, 0] = float("nan")
    optimizer.step(grads)
    assert np.isnan(weights[1]).any() and np.isfinite(weights[0]).all()


def test_the_policy_can_be_changed(kind, rng):
    optimizer, _, grads = prepared(kind, rng)
    assert optimizer.nonfinite == "error"
    optimizer.nonfinite = "skip"
    assert optimizer.nonfinite == "skip"
    with pytest.raises(ValueError, match="'error', 'skip', 'propagate'"):
        optimizer.nonfinite = "ignore"
    with pytest.raises(ValueError, match="nonfinite"):
        kind([np.ones((2, 2), np.float32)], nonfinite="ignore")


def test_a_nan_parameter_is_not_the_gradients_fault(kind):
    weight = np.full((2, 3), np.nan, np.float32)
    kind([weight]).step([np.ones((2, 3), np.float32)])
    assert np.isnan(weight).all()


def test_a_failed_step_leaves_the_gradients_that_were_there():
    weights = [Parameter(np.ones((2, 2), np.float32), name) for name in "ab"]
    optimizer = Muon(weights)
    before = [np.full((2, 2), 3, np.float32), None]
    for weight, grad in zip(weights, before):
        weight.grad = grad
    good, bad = np.ones((2, 2), np.float32), np.full((2, 2), np.nan, np.float32)
    with pytest.raises(libmuon.NonFiniteGradientError):
        optimizer.step([good, bad])
    assert [weight.grad for weight in weights] == before
    optimizer.step()
    assert (weights[0].data != 1).any() and (weights[1].data == 1).all()
