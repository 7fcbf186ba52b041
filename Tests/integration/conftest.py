"""The consumer package, built once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from building import ROOT, readme_blocks, run


@pytest.fixture(scope="session")
def consumer() -> Path:
    """The built consumer package, with the README's Swift example in it."""
    package = ROOT / ".build" / "consumer"
    source = ROOT / "Tests" / "integration" / "consumer"
    shutil.copytree(source, package, dirs_exist_ok=True)
    [example] = readme_blocks("swift")
    (package / "Sources" / "ReadmeExample" / "main.swift").write_text(example)
    run(["swift", "build", "-c", "release", "--package-path", package])
    return package / ".build" / "release"
