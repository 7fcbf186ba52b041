"""Paths, and the libmuon to test: that of this tree, or the installed one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "bindings" / "python" / "src"

# What is tested is this tree, not what happens to be installed; in child processes too. The tests
# of the wheel set the variable, to test what they installed.
INSTALLED = "LIBMUON_TEST_INSTALLED" in os.environ
if not INSTALLED:
    sys.path.insert(0, str(SOURCE))
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    )


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260101)


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

    def run(script: str, **environment: str) -> str:
        result = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run
