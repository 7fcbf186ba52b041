"""How much to test: `make soak` sets LIBMUON_SOAK=1 for the long forms."""

from __future__ import annotations

import os

SOAK = os.environ.get("LIBMUON_SOAK") == "1"


def long_or_short(long: int, short: int) -> int:
    """How often: in the soak, and in `make test`."""
    return long if SOAK else short
