"""A Swift package that depends on this one: programs of its own, and one for each document."""

from __future__ import annotations

from pathlib import Path

from building import ROOT
from documents import code_blocks

ARTICLES = ROOT / "Sources/MuonOptimizers/MuonOptimizers.docc"
# The documents whose Swift code is compiled and run, by the target it is put into.
DOCUMENTS = {
    "ReadmeExample": [
        ROOT / "README.md", ROOT / "docs/checkpoints.md", ROOT / "docs/training-loop.md",
    ],
    "Tour": [ROOT / "bindings/swift/README.md"],
    "GettingStarted": [ARTICLES / "GettingStarted.md"],
    "HowMuonWorks": [ARTICLES / "HowMuonWorks.md"],
}


def document_code(name: str) -> str:
    """The blocks of a document's Swift code, one after the other."""
    parts = {document: code_blocks(document, "swift") for document in DOCUMENTS[name]}
    assert all(parts.values()), f"one of {list(parts)} has no Swift code"
    return "\n".join(block for part in parts.values() for block in part)


def write(package: Path) -> None:
    """Writes the package; files that are there already stay, so that they are not compiled again."""
    source = ROOT / "Tests" / "integration" / "consumer"
    texts = {path.relative_to(source): path.read_text() for path in source.rglob("*.swift")}
    texts |= {Path("Sources", name, "main.swift"): document_code(name) for name in DOCUMENTS}
    for name, text in texts.items():
        path = package / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
