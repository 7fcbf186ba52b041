"""The recipes for programs that people have run as they are written, and are as short as they say."""

from __future__ import annotations

import sys

import pytest
from building import ROOT, run

EXAMPLES = ROOT / "bindings" / "python" / "examples"
RECIPES = ["accelerate_loop", "lightning_module", "nanogpt_loop", "skorch_net", "transformers_trainer"]


@pytest.mark.parametrize("name", RECIPES)
def test_it_runs(name, tmp_path):
    program = EXAMPLES / f"{name}.py"
    assert len(program.read_text().splitlines()) <= 61
    arguments = [tmp_path] if "sys.argv" in program.read_text() else []
    run([sys.executable, "-W", "ignore", program, *arguments], cwd=tmp_path)
    assert name in (ROOT / "bindings" / "python" / "README.md").read_text()
