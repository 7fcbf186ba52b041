"""For child processes, training_run.py; and random numbers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], str(Path(__file__).parent)])


@pytest.fixture
def rng(seed) -> np.random.Generator:
    return np.random.default_rng(seed)
