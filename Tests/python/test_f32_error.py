"""`f32` is within 1e-4 of the float64 polynomial on every kind of spectrum, with both methods, from a short
side of 64 on. Where the polynomial is so steep that X rounded to float32, and nothing else, would be off by
more than half of that, the bar is twice what that does: no float32 iteration can promise less.

Exempt are the Gram iteration of `cans` and `cubic5`; test_low_rank.py has their bars, and those of products of
vectors of two values each.
"""

from __future__ import annotations

import numpy as np
import pytest

import reference
from libmuon import orthogonalize

SHAPES = [(64, 512), (500, 100)]
BAR = 1e-4
GRAM = ["newtonschulz5", "you", "polar_express"]


def with_singular_values(rng, shape, values):
    m, n = min(shape), max(shape)
    left = np.linalg.qr(rng.standard_normal((m, m)))[0]
    right = np.linalg.qr(rng.standard_normal((n, m)))[0]
    wide = (left * values) @ right.T
    return wide if shape[0] <= shape[1] else wide.T


def noisy_rank_8(rng, r, c):
    signal = rng.standard_normal((r, 8)) @ rng.standard_normal((8, c)) / np.sqrt(8)
    return signal + 0.01 * rng.standard_normal((r, c))


SPECTRA = {
    "gaussian": lambda rng, r, c: rng.standard_normal((r, c)),
    "power law": lambda rng, r, c: with_singular_values(rng, (r, c), 1 / np.arange(1, min(r, c) + 1)),
    "logspace": lambda rng, r, c: with_singular_values(rng, (r, c), np.logspace(0, -4, min(r, c))),
    "rank 8 and noise": noisy_rank_8,
    "scaled": lambda rng, r, c: (
        rng.standard_normal((r, c)) * rng.lognormal(0, 1.5, (r, 1)) * rng.lognormal(0, 1.5, c)
    ),
    "spikes": lambda rng, r, c: rng.standard_t(1.5, (r, c)),
    "rank 1": lambda rng, r, c: rng.standard_normal((r, 1)) * rng.standard_normal(c),
    "one row": lambda rng, r, c: np.eye(r, 1) * rng.standard_normal(c),
    "one column": lambda rng, r, c: rng.standard_normal((r, 1)) * np.eye(1, c),
    "equal rows": lambda rng, r, c: np.ones((r, 1)) * rng.standard_normal(c),
    "equal columns": lambda rng, r, c: rng.standard_normal((r, 1)) * np.ones(c),
    "ones": lambda rng, r, c: np.ones((r, c)),
}


@pytest.mark.parametrize("backend", [name for name in reference.TABLES])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_spectrum(rng, backend, shape):
    methods = ["standard"] + (["gram"] if backend in GRAM else [])
    for name, make in SPECTRA.items():
        g = make(rng, *shape).astype(np.float32)
        expected = reference.orthogonal(g, backend, 1e-8)
        rounded = reference.error(reference.orthogonal(g, backend, 1e-8, rng), expected)
        for method in methods:
            result = orthogonalize(g, backend=backend, method=method, precision="f32")
            assert reference.error(result, expected) <= max(BAR, 2 * rounded), (name, method)
