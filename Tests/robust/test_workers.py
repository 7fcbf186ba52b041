"""The library's threads owe nothing to the thread that makes the first step, and forks are noticed."""

from __future__ import annotations

import pytest
from building import library, program, run

ODD = ["fifo", "idle", "batch", "nice", "pinned", "fifo pinned"]


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    return program("robust/workers.c", tmp_path_factory.mktemp("workers") / "workers")


def case(workers, name):
    printed = run([workers, name])
    if printed == "not permitted\n":
        pytest.skip("this user may not try")
    assert printed == "fine\n"


@pytest.mark.parametrize("kind", ODD)
def test_they_are_not_scheduled_as_the_first_caller_is(workers, kind):
    case(workers, kind)


@pytest.mark.parametrize("kind", ["idle", "nice"])
def test_what_cannot_be_undone_is_for_one_step(workers, kind):
    """A user without privileges cannot raise the priority of a thread again."""
    case(workers, f"nobody {kind}")


def test_they_keep_to_the_processors_of_the_process(workers):
    case(workers, "moved")


def test_they_have_stacks_of_their_own_size(workers):
    case(workers, "tiny stacks")


def test_they_round_as_the_caller_does_and_take_none_of_its_traps(workers):
    case(workers, "floating point")


@pytest.mark.parametrize("way", ["dlmopen", "_Fork"])
def test_a_fork_is_noticed_of_which_nobody_tells(tmp_path, way):
    forker = program("robust/namespaces.c", tmp_path / "namespaces", extra=("-ldl",))
    assert run([forker, library(), way]) == "fine\n"
