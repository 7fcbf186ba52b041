"""Threads that are cancelled in a call, and hosts whose floating-point exceptions trap."""

from __future__ import annotations

from building import program, run


def test_a_cancelled_thread_leaves_nothing_locked(tmp_path):
    printed = run([program("robust/cancel.c", tmp_path / "cancel"), tmp_path])
    assert printed.endswith("asynchronous\n")
    assert printed.count("\n") == 19


def test_floating_point_traps_of_the_host_stay_silent(tmp_path):
    printed = run([program("robust/traps.c", tmp_path / "traps"), tmp_path])
    assert printed == "no trap\n"
