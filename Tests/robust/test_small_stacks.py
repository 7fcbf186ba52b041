"""Threads whose stacks are small: what a text asks for is bounded."""

from __future__ import annotations

from building import program, run


def test_deep_json_on_small_stacks(tmp_path):
    assert run([program("robust/deep.c", tmp_path / "deep")]) == "bounded\n"
