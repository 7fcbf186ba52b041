"""Where the packages are, and how the tests run commands with them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
LIBRARY = ROOT / ".build" / "dist" / "release" / "libmuon.so"

# Nothing of this tree, and no path that would lead to another OpenBLAS.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in ("LD_LIBRARY_PATH", "LIBMUON_LIBRARY", "PYTHONPATH")
}


def output(command: Sequence[object], **environment: object) -> str:
    """What a command prints; its whole output where it fails. It runs outside the tree."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd="/",
        env={**ENVIRONMENT, **{name: str(value) for name, value in environment.items()}},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def only(pattern: str, command: str) -> Path:
    """The one file in dist whose name matches; command makes it."""
    found = list(DIST.glob(pattern))
    assert len(found) == 1, f"{DIST}: {len(found)} files are {pattern}, not 1: `{command}` first"
    return found[0]


def the_wheel() -> Path:
    return only("*.whl", "make wheel")


def the_archive() -> Path:
    return only("*.tar.gz", "make sdist")
