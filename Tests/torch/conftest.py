"""The same random numbers for every test."""

from __future__ import annotations

import pytest
import torch
from ranks import Ranks


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(20260101)


@pytest.fixture(scope="session")
def ranks_kept(tmp_path_factory):
    kept = []
    yield kept, tmp_path_factory
    for each in kept:
        each.stop()


@pytest.fixture
def ranks(ranks_kept):
    """Four processes; new ones after a test in which one of them failed."""
    kept, factory = ranks_kept
    if not kept or not kept[-1].alive:
        kept.append(Ranks(factory.mktemp("ranks")))
    return kept[-1]
