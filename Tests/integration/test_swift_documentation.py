"""The documentation of MuonOptimizers builds without a warning and leaves nothing public out."""

from __future__ import annotations

import json
import re

import pytest
from building import ROOT, run
from swift_consumer import ARTICLES

MODULE = "MuonOptimizers"
DOCS = ROOT / ".build" / "docs"
pytestmark = pytest.mark.xdist_group("documentation")


@pytest.fixture(scope="module")
def symbols() -> dict[str, dict]:
    """The public declarations that are written in the sources, by their path."""
    run(["make", "--no-print-directory", "docs"])
    graph = json.loads((DOCS / "symbols" / f"{MODULE}.symbols.json").read_text())
    assert {symbol["accessLevel"] for symbol in graph["symbols"]} == {"public"}
    # What the compiler made up, such as init(rawValue:), has no location.
    written = {
        ".".join(symbol["pathComponents"]): symbol
        for symbol in graph["symbols"]
        if "location" in symbol
    }
    assert len(written) > 150
    return written


def text(symbol: dict) -> str:
    """The doc comment; not one that is inherited from another module's protocol."""
    comment = symbol.get("docComment", {})
    return "\n".join(line["text"] for line in comment.get("lines", ())
                     if comment.get("module") == MODULE)


def keywords(symbol: dict) -> set[str]:
    fragments = symbol["declarationFragments"]
    return {part["spelling"] for part in fragments if part["kind"] == "keyword"}


def test_every_declaration_has_a_comment(symbols):
    assert [path for path, symbol in symbols.items() if not text(symbol).strip()] == []


def test_every_function_that_throws_says_what(symbols):
    throwing = {path: text(symbol) for path, symbol in symbols.items()
                if {"throws", "rethrows"} & keywords(symbol) == {"throws"}}
    assert len(throwing) > 30
    assert [path for path, comment in throwing.items() if "- Throws: " not in comment] == []


def test_the_errors_that_comments_name_exist(symbols):
    """A comment names the cases of MuonError.Code, or another function that names them."""
    cases = {path.split(".")[-1] for path in symbols if path.startswith("MuonError.Code.")}
    assert len(cases) == 13
    for path, symbol in symbols.items():
        for throws in re.findall(r"- Throws: (.*?)(?=\n *- |\Z)", text(symbol), re.DOTALL):
            named = set(re.findall(r"`(\w+)`", throws))
            refers = re.search(r"`\w+\(.*?\)`|`(?:De|En)codingError`", throws)
            assert named & cases or refers, f"{path}: {throws}"


def test_the_landing_page_has_every_symbol_of_the_module(symbols):
    landing = (ARTICLES / f"{MODULE}.md").read_text()
    topics = re.findall(r"^- ``(.+)``$", landing, re.MULTILINE)
    assert sorted(topics) == sorted(path for path in symbols if "." not in path)


def test_the_archive_has_the_pages(symbols):
    pages = DOCS / f"{MODULE}.doccarchive" / "data" / "documentation"
    root = json.loads((pages / "muonoptimizers.json").read_text())
    assert [section["title"] for section in root["topicSections"]][0] == "Essentials"
    for page in ["gettingstarted", "howmuonworks", "muon", "adamw", "scheduler"]:
        assert (pages / "muonoptimizers" / f"{page}.json").is_file()
