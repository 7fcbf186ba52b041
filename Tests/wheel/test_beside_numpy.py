"""The wheel's OpenBLAS beside numpy's: neither sees the other, whichever is loaded first."""

from __future__ import annotations

import pytest
from beside import results
from commands import LIBRARY

ORDERS = [("numpy", "libmuon"), ("libmuon.so", "libmuon", "numpy")]
FUNCTIONS = {"cblas_sgemm", "sgesdd_", "openblas_get_num_threads", "openblas_set_num_threads"}


@pytest.fixture(scope="module")
def expected(python):
    """numpy's digest without libmuon, and libmuon's with the library of this tree.

    That one loads the system's OpenBLAS, which the wheel's was copied from.
    """
    alone = results([python], ["numpy"])
    from_tree = results([python], ["numpy", "libmuon"], LIBMUON_LIBRARY=LIBRARY)
    assert not [file for file in alone.files if "libmuon" in file]
    assert not [file for file in from_tree.files if "libmuon.libs" in file]
    return {"numpy": alone.digests["numpy"], "libmuon": from_tree.digests["libmuon"]}


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_results_are_those_of_each_alone(python, without_openblas, expected, order):
    found = results([*without_openblas, python], order)
    assert found.digests == expected
    assert FUNCTIONS <= found.ours
    assert found.crossings == []
