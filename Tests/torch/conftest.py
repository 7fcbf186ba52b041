"""Paths: the libmuon of this tree, in child processes too, and the reference of Tests/python."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "bindings" / "python" / "src"

sys.path[:0] = [str(SOURCE), str(ROOT / "Tests" / "python")]
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(20260101)
