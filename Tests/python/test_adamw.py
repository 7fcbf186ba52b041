"""AdamW against a float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

import reference
from libmuon import AdamW, Parameter


def train(rng, shape, steps=50, **options):
    weight = np.asarray(rng.standard_normal(shape), np.float32)
    parameter = Parameter(weight, "w")
    expected = reference.AdamW(weight, **options)
    optimizer = AdamW([parameter], **options)
    for _ in range(steps):
        parameter.grad = np.asarray(rng.standard_normal(shape), np.float32)
        expected.step(parameter.grad)
        optimizer.step()
    return optimizer, expected


@pytest.mark.parametrize("shape", [(), (1,), (7,), (33, 17), (2, 3, 4, 5), (1,) * 7 + (2,)])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01, 0.3])
def test_trajectories(rng, shape, weight_decay):
    optimizer, expected = train(rng, shape, weight_decay=weight_decay)
    state = optimizer.state_dict()["state"][0]
    assert reference.error(optimizer.parameters[0].data, expected.p) <= 1e-5
    assert reference.error(state["exp_avg"], expected.exp_avg) <= 1e-5
    assert reference.error(state["exp_avg_sq"], expected.exp_avg_sq) <= 1e-5
    assert state["step"] == 50
    assert state["exp_avg"].shape == shape


@pytest.mark.parametrize(
    "options",
    [
        {"cautious_weight_decay": True, "weight_decay": 0.9, "lr": 0.05},
        {"betas": (0.0, 0.0)},
        {"betas": (0.9, 0.95)},
        {"eps": 1e-3},
        {"lr": 0.1},
        {"eps": 0.0},
    ],
    ids=str,
)
def test_options(rng, options):
    optimizer, expected = train(rng, (5, 6), **options)
    assert reference.error(optimizer.parameters[0].data, expected.p) <= 1e-5


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 0, 2)])
def test_empty(shape):
    optimizer = AdamW([np.zeros(shape, np.float32)])
    optimizer.step([np.zeros(shape, np.float32)])
    assert optimizer.state_dict()["state"][0]["exp_avg"].shape == shape


def test_parameters_count_their_own_steps(rng):
    """A parameter that misses steps is corrected for the steps it made, as in torch."""
    weights = [rng.standard_normal(5).astype(np.float32) for _ in range(2)]
    expected = [reference.AdamW(each) for each in weights]
    optimizer = AdamW(weights)
    for step in range(20):
        grads = [rng.standard_normal(5).astype(np.float32) for _ in range(2)]
        if step % 3:
            grads[1] = None
        for each, grad in zip(expected, grads):
            if grad is not None:
                each.step(grad)
        optimizer.step(grads)
    state = optimizer.state_dict()["state"]
    assert [state[0]["step"], state[1]["step"]] == [20, 7]
    for weight, each in zip(weights, expected):
        assert reference.error(weight, each.p) <= 1e-5


def test_nine_extents_are_too_many():
    import libmuon

    with pytest.raises(libmuon.MuonError):
        AdamW([np.zeros((1,) * 9, np.float32)])
