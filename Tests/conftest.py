"""The libmuon to test, in this process and in its children; and what tests of every folder use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
# What is tested is this tree, not what happens to be installed. The tests of the wheel set the variable,
# to test what they installed.
INSTALLED = "LIBMUON_TEST_INSTALLED" in os.environ
SOURCE = [] if INSTALLED else [str(ROOT / "bindings" / "python" / "src")]

# support: what several folders use; generate: header.py, the model of muon.h.
sys.path[:0] = [*SOURCE, str(TESTS / "support"), str(ROOT / "bindings" / "generate")]
os.environ["PYTHONPATH"] = os.pathsep.join(
    [*SOURCE, str(TESTS / "support"), str(ROOT / "bindings" / "generate"),
     *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def installed() -> bool:
    """Whether the package is the installed one, not that of this tree."""
    return INSTALLED


@pytest.fixture
def run_python():
    """Runs a script in a process of its own and returns what it prints."""
    from building import run

    return lambda script, **environment: run([sys.executable, "-c", script], timeout=600, **environment)


@pytest.fixture
def seed() -> int:
    """LIBMUON_SEED in the environment, or 1; a failure shows it."""
    seed = int(os.environ.get("LIBMUON_SEED", "1"))
    print(f"LIBMUON_SEED={seed}")
    return seed


@pytest.fixture
def figures(request, capsys):
    """Prints what a test has done, beside its name; in the soak, where it is of interest."""
    from soak import SOAK

    def show(text: str) -> None:
        if SOAK:
            with capsys.disabled():
                print(f"\n{request.node.name}: {text.strip()}", end=" ", flush=True)

    return show
