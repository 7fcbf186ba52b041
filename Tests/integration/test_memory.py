"""What steps allocate, and what the library says it uses."""

from __future__ import annotations

import numpy as np
import pytest
from building import ROOT, compile_c, run

import libmuon


def test_steps_after_the_first_allocate_nothing(tmp_path):
    program = compile_c(
        ["gcc", "-std=gnu11"], [ROOT / "Tests/integration/allocations.c"], tmp_path / "allocations"
    )
    assert run([program]) == "0 allocations\n"


@pytest.mark.parametrize("shape", [(512, 512), (256, 1024), (1024, 256), (300, 520)])
@pytest.mark.parametrize("precision", ["auto", "f32"])
def test_scratch_is_at_most_four_matrices(shape, precision):
    weight = np.ones(shape, np.float32)
    optimizer = libmuon.Muon([weight], precision=precision)
    assert optimizer.scratch_bytes == 0
    optimizer.step([np.random.default_rng(0).standard_normal(shape, dtype=np.float32)])
    # Panels are filled up to whole ones: up to 31 rows or columns more.
    padded = 4 * sum(32 * extent for extent in shape) * 3
    assert weight.nbytes <= optimizer.scratch_bytes <= 4 * weight.nbytes + padded


@pytest.mark.parametrize(
    ("method", "most"), [("auto", 4), ("standard", 4), ("gram", 6)], ids=["auto", "standard", "gram"]
)
@pytest.mark.parametrize(
    "shape", [(512, 512), (3, 2), (2, 2000), (97, 97), (1024, 256), (300, 520)], ids=str
)
def test_scratch_is_what_the_header_says(shape, method, most):
    """Of the matrix, counted with 31 rows and columns more."""
    rng = np.random.default_rng(0)
    for precision in ["auto", "f32"]:
        optimizer = libmuon.Muon([np.ones(shape, np.float32)], precision=precision, method=method)
        optimizer.step([rng.standard_normal(shape, dtype=np.float32)])
        assert optimizer.scratch_bytes <= most * 4 * (shape[0] + 31) * (shape[1] + 31)
    if method == "gram" and shape == (512, 512):
        assert optimizer.scratch_bytes >= 6 * 4 * 512 * 512
