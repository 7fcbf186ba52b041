"""The wheel beside torch, whichever is loaded first: neither changes the other's results."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "wheel"))

from beside import results  # noqa: E402
from commands import LIBRARY, the_wheel  # noqa: E402

pytest.importorskip("torch", reason="torch is not installed")

ORDERS = [("torch", "libmuon"), ("libmuon", "torch"), ("libmuon.so", "torch", "libmuon")]


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder with the wheel in it, for PYTHONPATH: this Python has no libmuon of its own."""
    folder = tmp_path_factory.mktemp("packages")
    with zipfile.ZipFile(the_wheel()) as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def expected(packages):
    """Without libmuon, and without torch but with the system's OpenBLAS, the wheel's original."""
    alone = results([sys.executable], ["torch"])
    from_tree = results(
        [sys.executable], ["libmuon"], LIBMUON_LIBRARY=LIBRARY, PYTHONPATH=packages)
    return {**alone.digests, **from_tree.digests}


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_results_are_those_of_each_alone(packages, expected, order):
    found = results([sys.executable], order, PYTHONPATH=packages)
    assert found.digests == expected
    assert set(found.digests) == {"libmuon", "numpy", "torch"}
    assert "sgesdd_" in found.ours
    assert found.crossings == []
