"""The code of the documents, and what the examples say."""

from __future__ import annotations

import re
from pathlib import Path

from building import ROOT


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
