"""Matrices of rank 1, and others of exactly low rank: singular values of 1, where polynomials are steep,
and zeros, where rounding is all there is. The bounds are those of muon.h and the README.

Seen were 1.7e-4 with the standard method (9e-3 after ten steps, of which rounding X alone makes 5e-3), and with
the Gram matrix 4e-4 (cubic5 9e-3), all on products of two vectors of two values each: of equal numbers sums err the
same way.
"""

from __future__ import annotations

import numpy as np
import pytest

import reference
from libmuon import UnsupportedError, backend_coefficients, orthogonalize

# After ten steps rounding errors have grown for longer.
BARS = {"deepseekv4": 2e-2, "orthogonalize": 2e-2}
GRAM_BARS = {"polar_express": 1e-3, "cans": 1e-3, "cubic5": 3e-2}
GRAM = ["newtonschulz5", "polar_express", "you", "cans", "cubic5"]
SHAPES = [(300, 300), (2, 500), (500, 2), (31, 33), (33, 1000), (1000, 33), (64, 512), (2, 2)]


def of_rank_1(rng, r, c):
    """Exactly, in float32."""
    row, column = np.zeros((r, c)), np.zeros((r, c))
    row[r // 3] = rng.standard_normal(c)
    column[:, c // 3] = rng.standard_normal(r)
    yield "one row", row
    yield "one column", column
    yield "equal rows", np.ones((r, 1)) * rng.standard_normal(c).astype(np.float32)
    yield "equal columns", np.ones(c) * rng.standard_normal((r, 1)).astype(np.float32)
    yield "a product", rng.integers(-2000, 2000, (r, 1)) * rng.integers(1, 2000, c)
    for _ in range(5):
        (a, b), (i, j) = np.round(rng.uniform(-2, 2, 2), 2), rng.integers(1, [r, c])
        left, right = np.where(np.arange(r) < i, a, 1), np.where(np.arange(c) < j, b, 1)
        yield "two values each", left[:, None].astype(np.float32) * right.astype(np.float32)
    yield "ones", np.ones((r, c))
    yield "tenths", np.full((r, c), np.float32(0.1))


def value(sigma, backend):
    for a, b, c in backend_coefficients(backend):
        sigma = a * sigma + b * sigma**3 + c * sigma**5
    return sigma


def check(g, backend, expected):
    bar = BARS.get(backend, 2e-4)
    assert reference.error(orthogonalize(g, backend=backend, method="standard"), expected) <= bar
    if backend in GRAM:
        bar = GRAM_BARS.get(backend, 2e-4)
        assert reference.error(orthogonalize(g, backend=backend, method="gram"), expected) <= bar


@pytest.mark.parametrize("backend", [name for name in reference.TABLES if name != "turbo"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rank_1(rng, backend, shape):
    for _, matrix in of_rank_1(rng, *shape):
        # Its one singular value is its norm.
        norm = np.linalg.norm(matrix)
        expected = value(norm / (norm + 1e-8), backend) / norm * matrix
        check(np.ascontiguousarray(matrix, np.float32), backend, expected)


@pytest.mark.parametrize("backend", GRAM)
def test_rank_1_at_the_end_of_the_bound(rng, backend):
    """Of equal numbers sums err the same way, and the more the longer they are."""
    g = np.ones((1024, 1)) * rng.standard_normal(1030).astype(np.float32)
    norm = np.linalg.norm(g)
    expected = value(norm / (norm + 1e-8), backend) / norm * g
    result = orthogonalize(g.astype(np.float32), backend=backend, method="gram")
    assert reference.error(result, expected) <= GRAM_BARS.get(backend, 1e-4)


@pytest.mark.parametrize("backend", list(reference.TABLES))
@pytest.mark.parametrize("shape", [(31, 33), (33, 300), (70, 40)], ids=str)
def test_low_rank(rng, backend, shape):
    matrices = [matrix for _, matrix in of_rank_1(rng, *shape)]
    for rank in (2, 3, 8):
        integers = [rng.integers(-100, 100, size) for size in ((shape[0], rank), (rank, shape[1]))]
        matrices.append(integers[0] @ integers[1])
        matrices.append(rng.standard_normal((rank, shape[1]))[np.arange(shape[0]) % rank])
    for matrix in matrices:
        g = np.ascontiguousarray(matrix, np.float32)
        check(g, backend, reference.orthogonal(g, backend, 1e-8))


def test_cans_stays_in_its_range():
    """In all of (0, 1], and where rounding may take a singular value of 1."""
    sigma = np.concatenate([np.linspace(5e-3, 1, 100_001), 1 + np.linspace(0, 1e-3, 11)])
    assert 0.86 <= value(sigma, "cans").min() and value(sigma, "cans").max() <= 1.12


@pytest.mark.parametrize("shape", [*SHAPES, (129, 131), (300, 200), (500, 500)], ids=str)
def test_svd_keeps_no_rounding_errors(rng, shape):
    """Of one direction, one: the others are what LAPACK's rounding left."""
    for name, matrix in of_rank_1(rng, *shape):
        g = np.ascontiguousarray(matrix, np.float32)
        expected = matrix / np.linalg.norm(matrix)
        assert reference.error(orthogonalize(g, backend="svd"), expected) <= 1e-4, name


@pytest.mark.parametrize("backend", ["newtonschulz5", "you"])
@pytest.mark.parametrize("shape", [(90, 65), (150, 200), (256, 256), (300, 70)], ids=str)
def test_auto_on_few_rows_and_columns(rng, backend, shape):
    for count in (2, 3, 4, 5, 8):
        whole = rng.standard_normal(shape)
        for name in ("zero rows", "zero columns", "equal rows", "equal columns"):
            g = whole.copy() if name.endswith("rows") else whole.T.copy()
            g[count:] = 0 if name.startswith("zero") else g[0]
            g = np.ascontiguousarray(g if name.endswith("rows") else g.T, np.float32)
            result = orthogonalize(g, backend=backend, precision="auto")
            assert reference.error(result, reference.orthogonal(g, backend, 1e-8)) <= 1e-2, (name, count)


@pytest.mark.parametrize("backend", ["polar_express", "cans"])
def test_int8_is_refused_where_it_may_go_to_infinity(rng, backend):
    g = rng.standard_normal((126, 80)).astype(np.float32)
    for steps in (1, 5, 6, 9, 99):
        try:
            result = orthogonalize(g, backend=backend, steps=steps, precision="int8")
        except UnsupportedError as error:
            if "processor" in str(error):
                pytest.skip("no such products here")
            assert steps > 5 and "more than 5 steps" in str(error)
        else:
            assert steps <= 5 and np.isfinite(result).all()


@pytest.mark.parametrize("shape", [(100_000, 10), (300_000, 3), (3, 300_000), (1_000_000, 2)], ids=str)
def test_svd_of_many_equal_rows(shape):
    """Sums of so many equal terms are rounded one way, and leave more."""
    expected = np.full(shape, 1 / np.sqrt(np.prod(shape)))
    result = orthogonalize(np.ones(shape, np.float32), backend="svd")
    assert reference.error(result, expected) <= 2e-8 * max(shape)
