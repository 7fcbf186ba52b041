"""Numbers so small that float32 has no more than a few bits of them, or of their squares.

Steps flush denormal numbers to zero, which is faster, where that makes no difference that counts. With an
eps that is tiny or 0 it would: the root of a v that was flushed is what AdamW divides by.
"""

from __future__ import annotations

import numpy as np
import pytest

import reference
from libmuon import AdamW, Muon, orthogonalize

TINY = float(np.finfo(np.float32).tiny)


def gradients(rng, scale, steps=5, shape=(7, 11)):
    """Of both signs, and no element much smaller than the others."""
    signs = np.sign(rng.standard_normal(shape))
    return [
        np.asarray(signs * rng.uniform(1, 2, shape) * scale, np.float32) for _ in range(steps)
    ]


@pytest.mark.parametrize("eps", [0.0, 1e-40, 1e-30, 1e-20, 1e-16, 1e-12, 1e-10, 1e-8])
@pytest.mark.parametrize("scale", [1e-18, 1e-17, 1e-15])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.9, 0.95), (0.0, 0.0), (0.99, 0.99999)], ids=str)
def test_adamw_divides_by_roots_of_tiny_numbers(rng, eps, scale, betas):
    weight = np.zeros((7, 11), np.float32)
    expected = reference.AdamW(weight, betas=betas, eps=eps)
    optimizer = AdamW([weight], betas=betas, eps=eps)
    for grad in gradients(rng, scale):
        optimizer.step([grad])
        expected.step(grad)
    # Of v, which is 1e-41 at least, float32 has 13 bits; the root makes it 14.
    bar = 1e-5 if scale * scale * (1 - betas[1]) > TINY else 2e-3
    assert reference.error(weight, expected.p) <= bar


def test_adamw_is_as_before_with_its_own_eps(rng):
    """Denormal numbers are zeros there."""
    weight = np.ones(40, np.float32)
    optimizer = AdamW([weight], weight_decay=0.0)
    optimizer.step([np.full(40, TINY / 8, np.float32)])
    assert (weight == 1).all()
    state = optimizer.state_dict()["state"][0]
    assert not state["exp_avg"].any() and not state["exp_avg_sq"].any()


def test_groups_of_adamw_differ(rng):
    """One that flushes before and after one that does not, in one step."""
    weights = [np.zeros(33, np.float32) for _ in range(3)]
    optimizer = AdamW([{"params": [weight], "eps": eps} for weight, eps in
                       zip(weights, [1e-8, 0.0, 1e-8])], weight_decay=0.0)
    grad = np.full(33, 1e-18, np.float32)
    optimizer.step([grad] * 3)
    assert reference.error(weights[1], np.full(33, -1e-3)) <= 1e-5
    assert np.abs(weights[0]).max() <= 1e-12 and (weights[0] == weights[2]).all()


@pytest.mark.parametrize("backend", ["newtonschulz5", "turbo", "svd"])
@pytest.mark.parametrize("shape", [(5, 9), (1, 9)], ids=str)
@pytest.mark.parametrize("scale", [1e-40, 1e-38, 1e-30])
def test_muon_normalizes_tiny_numbers(rng, backend, shape, scale):
    """eps is 0: nothing is too small to have a direction."""
    weight = np.zeros(shape, np.float32)
    optimizer = Muon([weight], backend=backend, eps=0.0, lr=1.0)
    grad = gradients(rng, scale, 1, shape)[0]
    optimizer.step([grad])
    momentum = optimizer.state_dict()["state"][0]["momentum_buffer"]
    assert (momentum == grad).all()
    # 0.95 of a denormal number has an error of its own.
    direction = (grad + np.float32(0.95) * momentum).astype(np.float64)
    expected = -reference.orthogonal(direction, backend, 0.0)
    assert reference.error(weight, expected) <= 1e-4


@pytest.mark.parametrize("backend", ["newtonschulz5", "turbo", "cans", "svd"])
@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (1, 9)], ids=str)
@pytest.mark.parametrize("scale", [1e-43, 1e-40, 1e-38, 1e-19, 1e19, 1e38])
def test_orthogonalize_at_any_scale(rng, backend, shape, scale):
    g = gradients(rng, scale, 1, shape)[0]
    expected = reference.orthogonal(g, backend, 0.0)
    assert reference.error(orthogonalize(g, backend=backend, eps=0.0), expected) <= 1e-4


def test_orthogonalize_flushes_what_is_next_to_nothing():
    """As steps do; a row that is 1e-39 of the others."""
    g = np.zeros((2, 3), np.float32)
    g[0, 0], g[1, 1] = 1, 1e-39
    result = orthogonalize(g, backend="newtonschulz5")
    assert result[0, 0] > 0.5 and result[1, 1] == 0


def test_statistics_see_denormal_gradients():
    for kind in (Muon, AdamW):
        optimizer = kind([np.zeros((3, 4), np.float32)])
        optimizer.statistics_level = "basic"
        optimizer.step([np.full((3, 4), TINY / 4, np.float32)])
        norm = optimizer.statistics(0).grad_norm
        assert abs(norm / (TINY / 4 * 12**0.5) - 1) <= 1e-6
