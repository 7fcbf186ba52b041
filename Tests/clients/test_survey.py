"""The table of docs/routing.md is what routing does with these architectures."""

from __future__ import annotations

import re

import pytest
import survey
from building import ROOT

TEXT = (ROOT / "docs" / "routing.md").read_text()
TABLE = {row[0]: tuple(row[1:]) for row in re.findall(r"^\| (\w+) \| (\S+) \| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE)}


def test_the_table_is_complete():
    assert [*TABLE] == [*survey.MODELS]


@pytest.mark.parametrize("name", survey.MODELS)
def test_share(name):
    parameters, matrices, hidden = survey.shares(name)
    assert (parameters, matrices, hidden) == TABLE[name]
    # So much at least, whatever the table says.
    assert int(hidden) >= 90
