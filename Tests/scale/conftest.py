"""MPI to test with, and the same run without it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from building import ROOT, STRICT, library, run
from jobs import MPI, one_thread

HERE = Path(__file__).parent


@pytest.fixture(scope="session", params=["openmpi", "mpich"])
def mpi(request, tmp_path_factory) -> MPI:
    if not (shutil.which(f"mpicc.{request.param}") and shutil.which(f"mpirun.{request.param}")):
        pytest.skip(f"there is no {request.param} here; make test-scale installs it where it may")
    return MPI(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def alone(tmp_path_factory):
    """The same run by one process that knows nothing of MPI."""
    out = tmp_path_factory.mktemp("alone") / "alone"
    run(["gcc", "-std=gnu11", "-O1", "-DALONE", *STRICT, "-I", ROOT / "include", HERE / "train.c", library(),
         f"-Wl,-rpath,{library().parent}", "-pthread", "-o", out])
    return lambda *arguments: run([out, *arguments], **one_thread({}))
