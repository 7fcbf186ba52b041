"""The error of ranks that do not go together."""

from __future__ import annotations

from ...errors import MuonError


class ExchangeError(MuonError, RuntimeError):
    """Ranks that differ, or one that is lost."""
