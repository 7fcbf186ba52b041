"""Backend `turbo` against optax, whose numbers Tests/Fixtures/make_turbo.py wrote."""

from __future__ import annotations

import base64
import json
import runpy

import numpy as np
import pytest

import reference
from libmuon import orthogonalize


def test_optax(root):
    cases = json.loads((root / "Tests" / "Fixtures" / "turbo.json").read_text())["cases"]
    assert len(cases) == 14
    uniform = runpy.run_path(str(root / "Tests" / "Fixtures" / "inputs.py"))["uniform"]
    for case in cases:
        shape = tuple(case["shape"])
        g = np.eye(*shape, dtype=np.float32) if case["matrix"] == "eye" else uniform(1, shape)
        expected = np.frombuffer(base64.b64decode(case["result"]), "<f4").reshape(shape)
        assert reference.error(orthogonalize(g, backend="turbo"), expected) <= 1e-5, case["shape"]


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (4, 9), (9, 4), (6, 6), (3, 2000)], ids=str)
def test_nothing_is_turned_around(rng, shape):
    """Every singular value comes to be near 1, those of rows that are orthogonal already too."""
    u, _, vt = np.linalg.svd(rng.standard_normal(shape), full_matrices=False)
    for g in (u @ vt, rng.standard_normal(shape), np.eye(*shape)):
        g = np.asarray(g, np.float32)
        along = np.sum(orthogonalize(g, backend="turbo") * reference.polar(g))
        assert along >= 0.9 * min(shape)


@pytest.mark.parametrize("eps", [1e-12, 1e-8, 1e-3, 1.0])
@pytest.mark.parametrize("scale", [1e-30, 1e-21, 1e-17, 1e-10, 1.0, 1e30])
def test_neither_scale_nor_eps_counts(rng, scale, eps):
    """AOL scaling takes any factor out again, also where the squares of the elements are lost."""
    g = (rng.standard_normal((8, 12)) * scale).astype(np.float32)
    expected = reference.orthogonal(g.astype(float) / np.linalg.norm(g.astype(float)), "turbo", 0)
    assert reference.error(orthogonalize(g, backend="turbo", eps=eps), expected) <= 1e-4
