"""The libmuon of this tree, in child processes too, and how much to test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "bindings" / "python" / "src"
sys.path.insert(0, str(SOURCE))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(SOURCE), str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def rng(record_property):
    """Random numbers of a seed that LIBMUON_SEED sets, and that a failure shows."""
    import numpy as np

    seed = int(os.environ.get("LIBMUON_SEED", "20260101"))
    print(f"LIBMUON_SEED={seed}")
    record_property("seed", seed)
    return np.random.default_rng(seed)
