"""orthogonalize and the backends' tables, against float64."""

from __future__ import annotations

import numpy as np
import pytest

import libmuon
import reference
from libmuon import backend_coefficients, orthogonalize

SHAPES = [(16, 16), (40, 12), (12, 40), (17, 33), (1, 9), (9, 1), (1, 1), (130, 70)]
POLYNOMIALS = list(reference.TABLES)


def gaussian(rng, shape):
    return rng.standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_default(rng, shape):
    g = gaussian(rng, shape)
    before = g.copy()
    result = orthogonalize(g)
    assert result.shape == shape and result.dtype == np.float32 and result is not g
    np.testing.assert_array_equal(g, before)
    expected = reference.polynomial(g, reference.TABLES["orthogonalize"], 1e-8)
    assert reference.error(result, expected) <= 1e-5
    assert reference.error(orthogonalize(g, 10, 1e-8, (3, -3.2, 1.2)), expected) <= 1e-5


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("backend", POLYNOMIALS)
def test_backends(rng, shape, backend):
    g = gaussian(rng, shape)
    expected = reference.orthogonal(g, backend, 1e-8)
    error = reference.error(orthogonalize(g, backend=backend), expected)
    assert error <= reference.tolerance(g, backend)


@pytest.mark.parametrize("spectrum", ["power law", "low rank"])
@pytest.mark.parametrize("backend", POLYNOMIALS)
def test_backends_on_hard_spectra(rng, spectrum, backend):
    u = np.linalg.qr(rng.standard_normal((32, 32)))[0]
    v = np.linalg.qr(rng.standard_normal((48, 32)))[0]
    if spectrum == "power law":
        s = 1 / np.arange(1, 33)
    else:
        s = np.where(np.arange(32) < 8, 1.0, 0.01)
    g = np.ascontiguousarray((u * s) @ v.T, np.float32)
    expected = reference.orthogonal(g, backend, 1e-8)
    error = reference.error(orthogonalize(g, backend=backend), expected)
    assert error <= reference.tolerance(g, backend)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_svd_against_numpy(rng, shape):
    g = gaussian(rng, shape)
    assert reference.error(orthogonalize(g, backend="svd"), reference.polar(g)) <= 1e-4


@pytest.mark.parametrize(
    ("backend", "steps"),
    [("newtonschulz5", 3), ("newtonschulz5", 8), ("you", 7), ("cans", 7), ("polar_express", 7),
     ("deepseekv4", 12), ("orthogonalize", 4)],
)  # fmt: skip
def test_tables_past_their_end(rng, backend, steps):
    expected = reference.rows(backend, steps)
    assert backend_coefficients(backend, steps) == expected
    g = gaussian(rng, (12, 20))
    result = orthogonalize(g, steps, backend=backend)
    assert reference.error(result, reference.polynomial(g, expected, 1e-8)) <= 1e-5


@pytest.mark.parametrize("backend", POLYNOMIALS)
def test_tables(backend):
    rows = backend_coefficients(backend)
    assert rows == reference.TABLES[backend]
    assert all(type(value) is float for row in rows for value in row)


@pytest.mark.parametrize("backend", ["cubic5", "turbo"])
def test_tables_of_fixed_length(rng, backend):
    own = len(reference.TABLES[backend])
    assert backend_coefficients(backend, own) == reference.TABLES[backend]
    for steps in (own - 1, own + 1):
        with pytest.raises(libmuon.InvalidArgumentError):
            backend_coefficients(backend, steps)
        with pytest.raises(libmuon.InvalidArgumentError):
            orthogonalize(gaussian(rng, (4, 4)), steps, backend=backend)


def test_tables_that_are_not_there():
    assert backend_coefficients("svd") == []
    for wrong, steps in [("custom", None), ("newton", None), ("cans", 0), ("cans", 100)]:
        with pytest.raises(ValueError):
            backend_coefficients(wrong, steps)


@pytest.mark.parametrize("shape", [(40, 40), (70, 400), (400, 70)], ids=str)
@pytest.mark.parametrize("backend", ["newtonschulz5", "polar_express", "you", "cans", "cubic5"])
def test_methods(rng, backend, shape):
    g = gaussian(rng, shape)
    expected = reference.orthogonal(g, backend, 1e-8)
    auto, standard, gram = (
        orthogonalize(g, backend=backend, method=method) for method in ("auto", "standard", "gram")
    )
    assert reference.error(standard, expected) <= 1e-4
    assert reference.error(gram, expected) <= 1e-4
    assert standard.tobytes() != gram.tobytes()
    assert auto.tobytes() == (standard if shape == (40, 40) else gram).tobytes()


def test_own_coefficients(rng):
    g = gaussian(rng, (10, 14))
    one = (3.4445, -4.7750, 2.0315)
    table = [one, (2.0, -1.5, 0.5)]
    for steps, abc, rows in [
        (5, one, [one] * 5),
        (None, one, [one] * 10),
        (2, table, table),
        (6, table, table[:1] + table[1:] * 5),
        (6, np.array(table), table[:1] + table[1:] * 5),
        (1, table, table[:1]),
        (3, [list(one)], [one] * 3),
    ]:
        result = orthogonalize(g, steps, abc=abc)
        assert reference.error(result, reference.polynomial(g, rows, 1e-8)) <= 1e-5


def test_eps(rng):
    g = gaussian(rng, (6, 8)) * np.float32(1e-3)
    result = orthogonalize(g, eps=1.0)
    expected = reference.polynomial(g, reference.TABLES["orthogonalize"], 1.0)
    assert reference.error(result, expected) <= 1e-5
    assert reference.error(result, orthogonalize(g).astype(np.float64)) > 1e-3


def test_the_result_is_orthogonal(rng):
    for shape in [(20, 50), (50, 20)]:
        s = np.linalg.svd(orthogonalize(gaussian(rng, shape)), compute_uv=False)
        assert s.min() > 0.9 and s.max() < 1.1


def test_scale_does_not_matter(rng):
    g = gaussian(rng, (12, 20))
    expected = orthogonalize(g)
    for scale in (2.0**-20, 2.0**20, 1e30, 1e-30):
        assert reference.error(orthogonalize(g * np.float32(scale), eps=0.0), expected) <= 1e-5


@pytest.mark.parametrize("backend", [*POLYNOMIALS, "svd"])
def test_transposing_commutes(rng, backend):
    g = gaussian(rng, (12, 20))
    result = orthogonalize(np.ascontiguousarray(g.T), backend=backend)
    expected = orthogonalize(g, backend=backend).T.astype(np.float64)
    assert reference.error(result, expected) <= 2 * reference.tolerance(g, backend)


@pytest.mark.parametrize("backend", [*POLYNOMIALS, "svd"])
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (1, 4), (0, 4), (4, 0), (0, 0)], ids=str)
@pytest.mark.parametrize("eps", [1e-8, 0.0])
def test_zeros_and_nothing(backend, shape, eps):
    g = np.zeros(shape, np.float32)
    result = orthogonalize(g, eps=eps, backend=backend)
    assert result.shape == shape and not result.any()


@pytest.mark.parametrize("backend", ["turbo", "orthogonalize"])
def test_a_zero_row(rng, backend):
    g = gaussian(rng, (6, 9))
    g[2] = 0
    result = orthogonalize(g, backend=backend)
    assert np.isfinite(result).all() and not result[2].any()


def test_out(rng):
    g = gaussian(rng, (7, 11))
    expected = orthogonalize(g)
    out = np.full_like(g, 9)
    assert orthogonalize(g, out=out) is out
    assert out.tobytes() == expected.tobytes()
    assert orthogonalize(g, out=g) is g
    assert g.tobytes() == expected.tobytes()


@pytest.mark.parametrize("shape", [(7, 11), (11, 7), (8, 8)])
@pytest.mark.parametrize("backend", ["svd", "turbo"])
def test_out_in_place(rng, shape, backend):
    g = gaussian(rng, shape)
    expected = orthogonalize(g, backend=backend)
    orthogonalize(g, backend=backend, out=g)
    assert g.tobytes() == expected.tobytes()


@pytest.mark.parametrize("shape", [(3, 7, 11), (2, 3, 5, 4), (1, 8, 8), (4, 1, 6), (2, 140, 150)], ids=str)
@pytest.mark.parametrize("backend", ["orthogonalize", "polar_express", "svd", "turbo"])
def test_a_batch_is_each_matrix_by_itself(rng, shape, backend):
    g = gaussian(rng, shape)
    expected = np.empty_like(g)
    for index in np.ndindex(shape[:-2]):
        expected[index] = orthogonalize(g[index], backend=backend)
    assert orthogonalize(g, backend=backend).tobytes() == expected.tobytes()
    for threads in 1, 2:
        libmuon.set_num_threads(threads)
        assert orthogonalize(np.asfortranarray(g), backend=backend).tobytes() == expected.tobytes()
    libmuon.set_num_threads(0)
    assert orthogonalize(g, backend=backend, out=g) is g
    assert g.tobytes() == expected.tobytes()


def test_a_batch_of_nothing():
    for shape in [(0, 3, 4), (2, 0, 4), (2, 3, 0), (0, 0, 0)]:
        assert orthogonalize(np.empty(shape, np.float32)).shape == shape


@pytest.mark.parametrize("backend", ["orthogonalize", "svd"])
def test_a_batch_is_done_as_a_whole_or_not_at_all(rng, backend):
    g = gaussian(rng, (4, 3, 5))
    g[2, 1, 1] = np.nan
    before, out = g.copy(), np.full_like(g, 7)
    for target in out, g:
        with pytest.raises(libmuon.InvalidArgumentError, match="matrix 2 of 4"):
            orthogonalize(g, backend=backend, out=target)
    assert g.tobytes() == before.tobytes() and (out == 7).all()


def test_what_out_may_not_be(rng):
    g = gaussian(rng, (4, 6))
    frozen = np.zeros_like(g)
    frozen.flags.writeable = False
    memory = np.zeros(30, np.float32)
    for out, error in [
        (np.zeros((4, 6)), TypeError),
        (np.zeros((6, 4), np.float32), libmuon.ShapeError),
        (np.zeros((6, 4), np.float32).T, ValueError),
        (frozen, ValueError),
        ([0.0], TypeError),
    ]:
        with pytest.raises(error, match="out"):
            orthogonalize(g, out=out)
    with pytest.raises(libmuon.InvalidArgumentError):
        orthogonalize(memory[:24].reshape(4, 6), out=memory[6:].reshape(4, 6))


def test_any_layout_is_read(rng):
    g = gaussian(rng, (8, 12))
    expected = orthogonalize(g)
    big = np.zeros((16, 36), np.float32)
    big[::2, ::3] = g
    raw = np.zeros(g.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(g.shape)
    raw[...] = g
    frozen = g.copy()
    frozen.flags.writeable = False
    for other in (np.asfortranarray(g), big[::2, ::3], raw, frozen, g[::-1][::-1]):
        assert orthogonalize(other).tobytes() == expected.tobytes()


def test_what_is_refused(rng):
    g = gaussian(rng, (4, 6))
    nan, infinite = g.copy(), g.copy()
    nan[3, 5], infinite[0, 0] = np.nan, np.inf
    for call, error in [
        (lambda: orthogonalize(g.astype(np.float64)), libmuon.DTypeError),
        (lambda: orthogonalize(g.astype(">f4")), libmuon.DTypeError),
        (lambda: orthogonalize([[1.0]]), libmuon.DTypeError),
        (lambda: orthogonalize(g[0]), libmuon.ShapeError),
        (lambda: orthogonalize(nan), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(infinite), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, 0), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, 100), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, -1), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, 2.0), TypeError),
        (lambda: orthogonalize(g, eps=-1.0), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, eps=np.nan), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, abc=(1, 2)), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, abc=()), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, abc=3), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, abc=(1, 2, np.inf)), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, backend="newton"), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, backend="custom"), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, method="Gram"), libmuon.InvalidArgumentError),
        (lambda: orthogonalize(g, method="gram"), libmuon.UnsupportedError),
        (lambda: orthogonalize(g, backend="cans", abc=(1, 2, 3)), libmuon.InvalidArgumentError),
    ]:
        with pytest.raises(error):
            call()
