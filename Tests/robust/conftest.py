"""The libmuon of this tree, and where programs are put."""

from __future__ import annotations

import os
import sys

import pytest
from building import ROOT, SEED, SOAK, run

SOURCE = ROOT / "bindings" / "python" / "src"
sys.path.insert(0, str(SOURCE))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture
def figures(request, capsys):
    """Prints what a test has done, beside its name; in the soak, where it is of interest."""

    def show(text: str) -> None:
        if SOAK:
            with capsys.disabled():
                print(f"\n{request.node.name}: {text.strip()}", end=" ", flush=True)

    return show


@pytest.fixture
def seed() -> int:
    """LIBMUON_SEED in the environment, or 1."""
    return SEED


@pytest.fixture
def run_python():
    """Runs a script in a process of its own and returns what it prints."""
    return lambda script, **environment: run([sys.executable, "-c", script], **environment)
