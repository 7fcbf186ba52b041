"""Finite gradients that would leave state with infinity or NaN in it, and state that has it already."""

from __future__ import annotations

import numpy as np
import pytest

import libmuon
import reference
from libmuon import AdamW, Muon
from test_state import same

# Where the vectors are, and in what is left behind them; in one of several parts.
PLACES = [0, 70, -1]


def contents(optimizer, weights):
    return [weight.tobytes() for weight in weights], optimizer.state_dict()


def unchanged(optimizer, weights, before):
    assert [weight.tobytes() for weight in weights] == before[0]
    same(optimizer.state_dict(), before[1])


def refuses(optimizer, weights, grads, words):
    """Under both policies, and nothing has changed."""
    before, skipped = contents(optimizer, weights), optimizer.skipped_steps
    optimizer.nonfinite = "error"
    with pytest.raises(libmuon.NonFiniteGradientError) as caught:
        optimizer.step(grads)
    assert words in str(caught.value) and "parameter b" in str(caught.value)
    unchanged(optimizer, weights, before)
    optimizer.nonfinite = "skip"
    optimizer.step(grads)
    assert optimizer.skipped_steps == skipped + 1
    unchanged(optimizer, weights, before)
    optimizer.nonfinite = "error"


def pair(kind, shape=(9, 13), **options):
    weights = [np.ones(shape, np.float32) for _ in range(2)]
    optimizer = kind([("a", weights[0]), ("b", weights[1])], **options)
    return optimizer, weights, [np.ones(shape, np.float32) for _ in range(2)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shape", [(9, 13), (600, 700)], ids=str)
@pytest.mark.parametrize(
    ("kind", "options", "value", "words"),
    [
        (Muon, {}, 3e38, "momentum"),  # u = g + 0.95 m
        (Muon, {"momentum_style": "ema"}, 3.4e38, ""),
        (AdamW, {}, 1e25, "exp_avg_sq"),
        (AdamW, {}, -2e19, "exp_avg_sq"),
    ],
    ids=str,
)
def test_too_large_a_gradient_is_refused(kind, options, value, words, shape, place):
    optimizer, weights, grads = pair(kind, shape, **options)
    optimizer.step(grads)
    grads[1].reshape(-1)[place] = value
    if words:
        refuses(optimizer, weights, grads, words)
        grads[1].reshape(-1)[place] = 1
    optimizer.step(grads)
    for weight, state in zip(weights, optimizer.state_dict()["state"].values()):
        assert np.isfinite(weight).all()
        assert all(np.isfinite(each).all() for key, each in state.items() if key != "step")


def test_momentum_that_grows_is_refused_when_it_leaves_float32():
    """Each gradient is harmless alone; a classic momentum comes to 1/(1 - b) of it."""
    optimizer, weights, grads = pair(Muon, momentum=0.99, nesterov=False)
    grads[1][0, 0] = 1e38
    for _ in range(3):
        optimizer.step(grads)
    assert optimizer.state_dict()["state"][1]["momentum_buffer"][0, 0] > 2.9e38
    refuses(optimizer, weights, grads, "momentum")
    # Without the last straw it goes on.
    grads[1][0, 0] = 1e29
    optimizer.step(grads)
    assert np.isfinite(weights[1]).all()


@pytest.mark.parametrize("beta", [0.95, 1 - 2.0**-24])
@pytest.mark.parametrize("nesterov", [True, False])
def test_what_is_not_read_cannot_overflow(beta, nesterov):
    """The largest momentum there is, and the largest gradients with which it is not looked at."""
    largest = np.finfo(np.float32).max
    optimizer, weights, grads = pair(Muon, momentum=beta, nesterov=nesterov)
    saved = optimizer.state_dict()
    saved["state"][1]["momentum_buffer"][:] = largest
    optimizer.load_state_dict(saved)
    for _ in range(20):
        grads[1][:] = np.nextafter(np.float32(2.0**99), np.float32(0))
        optimizer.step(grads)
        assert np.isfinite(optimizer.state_dict()["state"][1]["momentum_buffer"]).all()
        assert np.isfinite(weights[1]).all()


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.999, 1 - 2.0**-24, 1 - 1.49 * 2.0**-24])
def test_what_adamw_does_not_read_cannot_overflow(beta):
    largest = np.finfo(np.float32).max
    optimizer, weights, grads = pair(AdamW, betas=(beta, beta))
    saved = optimizer.state_dict()
    saved["state"][1]["exp_avg"][:] = largest
    saved["state"][1]["exp_avg_sq"][:] = largest
    optimizer.load_state_dict(saved)
    for _ in range(20):
        grads[1][:] = np.nextafter(np.float32(2.0**62), np.float32(0))
        optimizer.step(grads)
        state = optimizer.state_dict()["state"][1]
        assert np.isfinite(state["exp_avg"]).all() and np.isfinite(state["exp_avg_sq"]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("kind", "key"), [(Muon, "momentum_buffer"), (AdamW, "exp_avg"), (AdamW, "exp_avg_sq")]
)
def test_state_that_is_not_finite_is_refused(kind, key, bad):
    """With the name of the buffer; and after it was mended, steps go on."""
    optimizer, weights, grads = pair(kind)
    optimizer.step(grads)
    good = optimizer.state_dict()
    spoilt = optimizer.state_dict()
    spoilt["state"][1][key][2, 3] = bad
    optimizer.load_state_dict(spoilt)
    refuses(optimizer, weights, grads, f"the {key.removesuffix('_buffer')} of parameter b has NaN or infinity")
    optimizer.load_state_dict(good)
    optimizer.step(grads)


@pytest.mark.parametrize("kind", [Muon, AdamW])
def test_propagate_goes_on_and_error_sees_what_it_left(kind):
    optimizer, weights, grads = pair(kind, nonfinite="propagate")
    grads[1][0, 0] = 3e38
    optimizer.step(grads)
    assert np.isfinite(weights[0]).all()
    grads[1][0, 0] = 1
    optimizer.step(grads)
    if kind is AdamW:
        refuses(optimizer, weights, grads, "exp_avg_sq")


def test_the_largest_momenta_make_a_step():
    """Norms of 1e38 and more are taken, and divided by, in float64."""
    for backend in ["newtonschulz5", "svd", "turbo"]:
        optimizer, weights, grads = pair(Muon, backend=backend, lr=1.0)
        rng = np.random.default_rng(4)
        grads = [(rng.uniform(-1, 1, (9, 13)) * 1.7e38).astype(np.float32) for _ in range(2)]
        optimizer.step(grads)
        direction = grads[1].astype(np.float64)
        assert reference.error(1 - weights[1], reference.orthogonal(direction, backend, 0)) <= 1e-4
