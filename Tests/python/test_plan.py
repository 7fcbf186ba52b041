"""What trainers divide their work by: the library counts it, and says who does it."""

from __future__ import annotations

from ctypes import byref, c_int64, pointer, sizeof

import numpy as np
import pytest

from libmuon import AdamW, InvalidArgumentError, Muon, ShapeError, View, _abi
from libmuon._library import check, lib
from libmuon._plan import cost, owners


def param(*extents, view=None):
    result = _abi.Param()
    check(lib.muon_param_init(byref(result), sizeof(result)))
    result.ndim, result.shape = len(extents), (c_int64 * len(extents))(*extents)
    if view is not None:
        result.view = pointer(view.struct())
    return result


def made(kind, **options):
    return kind([np.zeros((1, 1), np.float32)], **options)


def expected(rows, columns, steps):
    """One triangle of X X^T and of its square, and a product with X: multiplications and additions."""
    short, long = min(rows, columns), max(rows, columns)
    return steps * (short * short * long + short**3 + 2 * short * short * long)


@pytest.mark.parametrize("options, steps", [({}, 5), ({"backend_steps": 3}, 3), ({"backend": "svd"}, 1),
                                            ({"coefficients": [(1.5, -0.5, 0)] * 4}, 4)], ids=str)
def test_the_cost_follows_shapes_and_steps(options, steps):
    muon = made(Muon, **options)
    for rows, columns in [(30, 20), (20, 30), (1, 1), (0, 5)]:
        assert cost(muon._handle, 0, param(rows, columns)) == expected(rows, columns, steps)
    adamw = made(AdamW)
    assert cost(adamw._handle, 0, param(30, 20, 7)) == 0


@pytest.mark.parametrize(
    "extents, view, matrices",
    [
        ((30, 20), View(split=(0, [10, 20])), [(10, 20), (20, 20)]),
        ((30, 20), View("io", split=(0, [10, 20])), [(20, 10), (20, 20)]),
        ((4, 6, 5), View("boi"), [(6, 5)] * 4),
        ((8, 3, 2, 2), View("oiii"), [(8, 12)]),
        ((60,), View("oi", shape=(-1, 6)), [(10, 6)]),
    ],
    ids=str,
)
def test_the_cost_of_a_view_is_that_of_its_matrices(extents, view, matrices):
    muon = made(Muon)
    assert cost(muon._handle, 0, param(*extents, view=view)) == sum(expected(*each, 5) for each in matrices)


def test_a_parameter_that_cannot_be_trained_is_refused():
    muon = made(Muon)
    with pytest.raises(ShapeError, match="param1"):
        cost(muon._handle, 0, param(3))
    with pytest.raises(InvalidArgumentError, match="group"):
        cost(muon._handle, 1, param(3, 4))


def test_ties_go_by_index_then_by_rank_and_what_is_to_do_besides_counts():
    assert owners([5, 5, 5, 5], [0, 0]) == [0, 1, 0, 1]
    assert owners([1, 9, 1], [0, 0, 0]) == [1, 0, 2]
    assert owners([5, 5, 5], [9, 0]) == [1, 1, 0]
    assert owners([5, 5, 5], [0, 9, 4]) == [0, 2, 0]
    assert owners([], [0]) == []
    assert owners([2**63 - 1, 2**63 - 1, 1], [2**63 - 1, 0]) == [1, 0, 0]


@pytest.mark.parametrize(
    "costs, loads, text",
    [
        ([5, -1], [0], "cost 1 must be from 0 to .*, got -1"),
        ([5], [0, -7], "load 1 must be from 0 to .*, got -7"),
        ([5], [], "the number of ranks"),
        ([5], [0] * 65537, "the number of ranks"),
    ],
    ids=["cost", "load", "no rank", "too many ranks"],
)
def test_what_is_no_work_and_no_rank_is_refused(costs, loads, text):
    with pytest.raises(InvalidArgumentError, match=text):
        owners(costs, loads)
