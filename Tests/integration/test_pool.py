"""The threads of the library in a host's process: changed numbers, forks, limits, signals, exits."""

from __future__ import annotations

import pytest
from building import ROOT, compile_c, run


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    out = tmp_path_factory.mktemp("threads") / "threads"
    sources = [ROOT / "Tests/integration/threads.c", "-pthread", "-ldl"]
    return compile_c(["gcc", "-std=gnu11"], sources, out)


@pytest.mark.parametrize(
    "case",
    [
        "numbers-change",
        "threads-cannot-be-had",
        "steps-at-once",
        "fork",
        "fork-during-a-step",
        "fork-twice",
        "signals",
    ],
)
def test_results_are_those_of_one_thread(program, case):
    assert run([program, case], timeout=250) == ""


@pytest.mark.parametrize("where", [[], ["in-another-thread"]])
def test_a_process_may_exit_while_it_steps(program, where):
    for _ in range(10):
        assert run([program, "exit-during-a-step", *where], timeout=250) == ""
