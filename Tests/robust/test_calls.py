"""No call can kill the process, handles are safe under races, and out of memory is a status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from building import program, run
from header import read
from soak import SOAK, long_or_short

HERE = Path(__file__).parent
# The process must not survive what is found, and must not be stopped by large sizes.
ADDRESS = {"ASAN_OPTIONS": "abort_on_error=1:allocator_may_return_null=1:detect_leaks=0"}


def test_no_call_kills_the_process(tmp_path, seed, figures):
    run([sys.executable, HERE / "make_fuzzer.py", tmp_path / "fuzz_calls.inc"])
    fuzz = program("robust/fuzz.c", tmp_path / "fuzz", sanitizer="address", extra=("-I", tmp_path))
    figures(run([fuzz, seed, long_or_short(1_000_000, 10_000)], **ADDRESS))


def test_a_function_without_a_generator_is_named(tmp_path):
    """So that a new function of the header is not left out in silence."""
    script = (
        "import make_fuzzer\n"
        "from header import parse\n"
        "header = parse('muon_status muon_x(muon_y callback);')\n"
        "make_fuzzer.call(header.functions['muon_x'], 0)\n")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=HERE, capture_output=True, text=True)
    assert done.returncode != 0
    assert "muon_x: no generator for the argument `muon_y callback`" in done.stderr


def test_handles_are_safe_under_races(tmp_path, seed, figures):
    races = program("robust/races.c", tmp_path / "races", sanitizer="thread")
    figures(run([races, seed, long_or_short(100_000, 4_000)], TSAN_OPTIONS="halt_on_error=1"))


def test_ranks_share_without_races(tmp_path):
    ranks = program("robust/ranks.c", tmp_path / "ranks", sanitizer="thread")
    assert run([ranks], TSAN_OPTIONS="halt_on_error=1") == "fine\n"


BACKENDS = [each.value for each in read().enums["muon_backend"].values]
SCENARIOS = [
    "adamw", "sets2", "schedules", "builders", "threads", "checkpoint", "muon1", "muon2", "muon10",
    "orthogonalize2", "orthogonalize9",
]
if SOAK:
    SCENARIOS += [f"muon{n}" for n in BACKENDS if f"muon{n}" not in SCENARIOS]
    SCENARIOS += [f"orthogonalize{n}" for n in range(1, 10) if f"orthogonalize{n}" not in SCENARIOS]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_out_of_memory_is_a_status(scenario, tmp_path, seed, figures):
    every = long_or_short(1, 5)
    out_of_memory = program("robust/out_of_memory.c", tmp_path / "out_of_memory")
    figures(run([out_of_memory, scenario, 1 + seed % every, every]))


def test_a_limit_on_memory_is_a_status(tmp_path, figures):
    figures(run([program("robust/limit.c", tmp_path / "limit")]))
