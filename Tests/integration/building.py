"""Where things are, and how the tests compile against the library."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where the model of muon.h is: header.py.
sys.path.insert(0, str(ROOT / "bindings" / "generate"))
RELEASE = ROOT / ".build" / "dist" / "release"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(command: list[object], **options: object) -> str:
    """What a command prints; its whole output where it fails."""
    defaults = {"cwd": ROOT, "env": {**os.environ, "LD_LIBRARY_PATH": str(RELEASE)}}
    done = subprocess.run(
        [str(part) for part in command],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **{**defaults, **options},
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def compile_c(compiler: list[str], sources: list[object], out: Path) -> Path:
    """Compiles against the header and the shared library, warnings being errors."""
    run([*compiler, *STRICT, "-O2", "-I", ROOT / "include", *sources,
         RELEASE / "libmuon.so.0", "-lm", "-o", out])
    return out


def code_blocks(document: Path, language: str) -> list[str]:
    """A document's code in one language."""
    parts = document.read_text().split("```")
    return [p.removeprefix(language + "\n") for p in parts[1::2] if p.startswith(language + "\n")]


def readme_blocks(language: str, folder: str = ".") -> list[str]:
    """The code in one language of the README of a folder."""
    return code_blocks(ROOT / folder / "README.md", language)


def accuracy(output: str) -> float:
    """What an example says it reached."""
    [value] = re.findall(r"^test accuracy (0\.\d+)$", output, re.MULTILINE)
    return float(value)
