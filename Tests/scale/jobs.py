"""MPI's jobs: Open MPI's and MPICH's of Debian, which can be there side by side."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from building import ROOT, STRICT, library, run

HERE = Path(__file__).parent


@dataclass(frozen=True)
class MPI:
    """An implementation: its commands end in its name."""

    name: str
    folder: Path

    def command(self, ranks: int, *program: object) -> list[str]:
        # More ranks than processors, as root, and none bound to one of them.
        options = {
            "openmpi": ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none",
                        "--mca", "btl_vader_single_copy_mechanism", "none"],
            "mpich": [],
        }[self.name]
        return [f"mpirun.{self.name}", *options, "-n", str(ranks), *map(str, program)]

    def run(self, ranks: int, *program: object, fine: tuple[int, ...] = (0,), **environment: str) -> str:
        return run(self.command(ranks, *program), fine, timeout=600, **one_thread(environment))

    def compile(self, source: Path, name: str, *options: object) -> Path:
        out = self.folder / name
        if not out.exists():
            run([f"mpicc.{self.name}", "-std=gnu11", "-O1", "-g", *STRICT, "-Wno-long-long", *options, "-I",
                 ROOT / "include", source, library(), f"-Wl,-rpath,{library().parent}", "-pthread", "-o", out])
        return out

    @cached_property
    def train(self) -> Path:
        return self.compile(HERE / "train.c", "train")


def one_thread(environment: dict[str, str]) -> dict[str, str]:
    """Four ranks on two processors."""
    return {"MUON_NUM_THREADS": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1", **environment}


def digests(output: str) -> dict[int, str]:
    """What each rank has come to."""
    return {int(rank): text for rank, text in re.findall(r"rank (\d+): ([0-9a-f]{16})$", output, re.MULTILINE)}


def start(command: list[str], **environment: str) -> subprocess.Popen[str]:
    """In a session of its own, whose processes can be found."""
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, **one_thread(environment)})


def assert_fine(output: str, ranks: int) -> None:
    """Each rank printed the one word. mpirun may put those of two on one line."""
    assert re.fullmatch(r"\s*(?:fine\s*){%d}" % ranks, output), output
