"""The consumer package, built once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from building import ROOT, code_blocks, run

ARTICLES = ROOT / "Sources/MuonOptimizers/MuonOptimizers.docc"
# The documents whose Swift code is compiled and run, by the target it is put into.
DOCUMENTS = {
    "ReadmeExample": [ROOT / "README.md", ROOT / "docs/checkpoints.md"],
    "Tour": [ROOT / "bindings/swift/README.md"],
    "GettingStarted": [ARTICLES / "GettingStarted.md"],
    "HowMuonWorks": [ARTICLES / "HowMuonWorks.md"],
}


def write_consumer(package: Path) -> None:
    """The consumer package, with one program for each document: its blocks one after the other."""
    shutil.copytree(ROOT / "Tests" / "integration" / "consumer", package, dirs_exist_ok=True)
    for name, documents in DOCUMENTS.items():
        parts = {document: code_blocks(document, "swift") for document in documents}
        assert all(parts.values()), f"one of {documents} has no Swift code"
        blocks = [block for part in parts.values() for block in part]
        target = package / "Sources" / name
        target.mkdir(exist_ok=True)
        (target / "main.swift").write_text("\n".join(blocks))


@pytest.fixture(scope="session")
def consumer() -> Path:
    """Where the programs of the consumer package are, which depends on this one by its path."""
    package = ROOT / ".build" / "consumer"
    write_consumer(package)
    run(["swift", "build", "-c", "release", "--package-path", package])
    return package / ".build" / "release"
