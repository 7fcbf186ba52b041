"""A configuration dict as the JSON text that the library reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .errors import ConfigError

# All that the library reads. The rest of a training configuration stays where it is.
SECTIONS = ("training", "muon", "adamw")
# Deeper than anything of ours; also ends a structure that contains itself.
DEPTH = 8


def config_text(config: Mapping[str, Any]) -> bytes:
    """The sections of a configuration that concern the library, as JSON in UTF-8."""
    if not isinstance(config, Mapping):
        raise ConfigError(f"config: a dict is expected, not {type(config).__name__}")
    sections = {key: plain(config[key]) for key in SECTIONS if key in config}
    return json.dumps(sections, allow_nan=False).encode()


def plain(value: Any, depth: int = DEPTH) -> Any:
    """A value as JSON can say it.

    What JSON cannot say becomes its repr. It is foreign, and ignored; or it was meant for us, and
    then the library finds a string where it expects something else, and says at which path.
    """
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # lone surrogates
    if isinstance(value, (int, np.integer)) and -(2**63) <= value < 2**63:
        return int(value)
    if isinstance(value, (float, np.floating)) and math.isfinite(value):
        return float(value)
    if depth > 0 and isinstance(value, Mapping):
        return {
            plain(key) if isinstance(key, str) else repr(key): plain(each, depth - 1)
            for key, each in value.items()
        }
    if depth > 0 and isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(each, depth - 1) for each in value]
    return plain(repr(value))
