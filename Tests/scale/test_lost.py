"""A rank that is killed, or stopped, at any moment: nobody waits for it without end."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from jobs import MPI, digests, start

TIMEOUT = 3
POINTS = range(int(os.environ.get("LIBMUON_LOST_POINTS", "3")))


@dataclass
class Job:
    """What finds its processes, and the one that started them."""

    name: str
    mpirun: subprocess.Popen[str]


def ranks_of(job: Job, program: Path) -> dict[int, int]:
    """The processes of its ranks, by rank."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[0] != str(program).encode():
                continue
            environment = dict(
                each.split(b"=", 1) for each in (folder / "environ").read_bytes().split(b"\0") if b"=" in each)
        except OSError:
            continue
        rank = environment.get(b"OMPI_COMM_WORLD_RANK", environment.get(b"PMI_RANK"))
        if environment.get(b"LIBMUON_JOB") == job.name.encode() and rank is not None:
            found[int(rank)] = int(folder.name)
    return found


def begin(mpi: MPI, path: Path, name: str) -> Job:
    command = mpi.command(3, mpi.train, 128, 1, 100_000, f"save={path}", "every=1", f"timeout={TIMEOUT}")
    mpirun = start(command, LIBMUON_JOB=name)
    while "step 3" not in mpirun.stdout.readline():
        assert mpirun.poll() is None
    return Job(name, mpirun)


def read(job: Job, seconds: float) -> str:
    try:
        return job.mpirun.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        os.killpg(job.mpirun.pid, signal.SIGKILL)
        raise


def end(job: Job, mpi: MPI) -> None:
    for process in ranks_of(job, mpi.train).values():
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


def requires_its_checkpoint(mpi: MPI, path: Path) -> None:
    """The last one is whole, and training goes on from it."""
    found = digests(mpi.run(2, mpi.train, 128, 1, 2, f"load={path}"))
    assert len(found) == 2 and len(set(found.values())) == 1


@pytest.mark.parametrize("point", POINTS)
def test_a_rank_that_is_killed_ends_the_job(mpi, point, tmp_path, seed):
    chance = random.Random(f"{seed} {point} {mpi.name}")
    job = begin(mpi, tmp_path / "checkpoint", f"killed {point} {os.getpid()}")
    time.sleep(chance.random())
    processes = ranks_of(job, mpi.train)
    assert len(processes) == 3
    os.kill(processes[chance.randrange(3)], signal.SIGKILL)
    killed = time.monotonic()
    read(job, 60)
    assert time.monotonic() - killed < TIMEOUT + 2 + 5
    assert job.mpirun.returncode != 0
    end(job, mpi)
    requires_its_checkpoint(mpi, tmp_path / "checkpoint")


@pytest.mark.parametrize("point", POINTS)
def test_a_rank_that_is_stopped_is_an_error_of_the_others(mpi, point, tmp_path, seed):
    chance = random.Random(f"{seed} {point} {mpi.name} stopped")
    job = begin(mpi, tmp_path / "checkpoint", f"stopped {point} {os.getpid()}")
    time.sleep(chance.random())
    processes = ranks_of(job, mpi.train)
    stopped = chance.randrange(3)
    os.kill(processes[stopped], signal.SIGSTOP)
    # The others end, each with an error; mpirun ends the job then, or waits for the one that is stopped.
    deadline = time.monotonic() + 60
    while len(ranks_of(job, mpi.train)) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    end(job, mpi)
    output = read(job, 60)
    errors = re.findall(r"rank (\d): step: MUON_ERR_EXCHANGE after ([\d.]+) s: (.*)", output)
    # Open MPI's mpirun sets the one that is stopped going again, to end it.
    errors = [(float(seconds), text) for rank, seconds, text in errors if int(rank) != stopped]
    assert errors, output[-2000:]
    for seconds, text in errors:
        assert seconds < TIMEOUT + 2
        assert f"no answer from another rank for {TIMEOUT} s" in text or "MPI_" in text
    requires_its_checkpoint(mpi, tmp_path / "checkpoint")
