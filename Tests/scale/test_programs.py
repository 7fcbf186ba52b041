"""The programs of docs/scale-out.md: five lines make them programs for several ranks."""

from __future__ import annotations

import difflib
import re
import subprocess
import sys

import pytest
from building import ROOT, library, run
from jobs import assert_fine, one_thread

EXAMPLES = ROOT / "bindings/python/examples"
C = ROOT / "bindings/c/mpi"
DOCUMENT = (ROOT / "docs/scale-out.md").read_text()


def error(output: str) -> list[float]:
    return [float(text) for text in re.findall(r"error ([\d.]+)", output)]


@pytest.mark.parametrize("twin, program", [
    (C / "one_process.c", C / "ranks.c"),
    (EXAMPLES / "numpy_one_process.py", EXAMPLES / "numpy_ranks.py"),
], ids=["C", "mpi4py"])
def test_at_most_five_lines_differ(twin, program):
    changes = list(difflib.unified_diff(twin.read_text().splitlines(), program.read_text().splitlines(), n=0))[2:]
    changes = [line for line in changes if not line.startswith("@@")]
    assert 0 < sum(line.startswith("+") for line in changes) <= 5
    assert sum(line.startswith("-") for line in changes) <= 5
    # The document shows them all.
    for line in changes:
        assert f"\n{line}\n" in DOCUMENT


def test_c_trains_as_one_process_does(mpi, tmp_path):
    out = tmp_path / "one_process"
    run(["gcc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-I", ROOT / "include", C / "one_process.c",
         library(), f"-Wl,-rpath,{library().parent}", "-o", out])
    [expected] = error(run([out]))
    program = mpi.compile(C / "ranks.c", "ranks", "-std=c99")
    for ranks in 1, 3:
        found = error(mpi.run(ranks, program))
        # Their gradients are summed in another order.
        assert len(found) == ranks and found == pytest.approx([expected] * ranks, rel=0.02)


def has_mpi4py() -> bool:
    return subprocess.run([sys.executable, "-c", "from mpi4py import MPI"], capture_output=True).returncode == 0


needs_mpi4py = pytest.mark.skipif(not has_mpi4py(), reason="mpi4py is not installed here: make test-scale does it")


@pytest.fixture
def python(mpi):
    """Runs Python on some ranks, of the MPI that mpi4py was built with."""
    found = run([sys.executable, "-c", "from mpi4py import MPI; print(MPI.Get_library_version())"])
    if ("Open MPI" in found) != (mpi.name == "openmpi"):
        pytest.skip(f"mpi4py here is not that of {mpi.name}")
    return lambda ranks, *arguments, **options: mpi.run(ranks, sys.executable, *arguments, **options)


@needs_mpi4py
def test_numpy_trains_as_one_process_does(python):
    [expected] = error(run([sys.executable, EXAMPLES / "numpy_one_process.py"], **one_thread({})))
    found = error(python(2, EXAMPLES / "numpy_ranks.py"))
    assert len(found) == 2 and found == pytest.approx([expected] * 2, rel=0.02)


@needs_mpi4py
@pytest.mark.parametrize("case", [
    "bits", "nan", "differ", "lost", "broken_off", "forked", "finalized", "counts", "refused",
])
def test_mpi4py(python, case):
    assert_fine(python(3, ROOT / "Tests/scale/ranks.py", case), 3)
