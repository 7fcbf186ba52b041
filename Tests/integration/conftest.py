"""The package that depends on this one, built once."""

from __future__ import annotations

from pathlib import Path

import pytest
import swift_consumer
from building import ROOT, run


@pytest.fixture(scope="session")
def consumer() -> Path:
    """Where the programs of the consumer package are, which depends on this one by its path."""
    package = ROOT / ".build" / "consumer"
    swift_consumer.write(package)
    run(["swift", "build", "-c", "release", "--package-path", package])
    return package / ".build" / "release"
