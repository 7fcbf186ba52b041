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


LARGEST_EACH = 1 << 20  # elements of a matrix that a thread may have memory of its own for


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    "shapes",
    [
        [(512, 256)] * 4,
        [(512, 512)] * 3 + [(64, 64)] * 5,
        [(1024, 1100), (1100, 1024), (512, 512), (512, 512)],
        # Of much memory, with few multiplications.
        [(640, 640), (640, 640), (40, 32768), (40, 32768), (40, 32768)],
    ],
    ids=str,
)
def test_only_small_matrices_have_memory_for_each_thread(shapes, threads):
    """At most 4 times the largest matrix, and 4 MiB 4 times for each thread more."""
    rng = np.random.default_rng(0)
    libmuon.set_num_threads(threads)
    try:
        optimizer = libmuon.Muon([np.ones(shape, np.float32) for shape in shapes])
        optimizer.step([rng.standard_normal(shape, dtype=np.float32) for shape in shapes])
    finally:
        libmuon.set_num_threads(0)

    def most(shapes):
        return max((4 * 4 * (m + 31) * (n + 31) for m, n in shapes), default=0)

    small = [shape for shape in shapes if shape[0] * shape[1] <= LARGEST_EACH]
    assert optimizer.scratch_bytes <= most(shapes) + (threads - 1) * most(small)
    # Each of several threads has some.
    if len(small) == len(shapes) and threads > 1:
        assert optimizer.scratch_bytes > most(shapes)
