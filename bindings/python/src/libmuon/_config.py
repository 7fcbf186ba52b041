"""A configuration dict as the JSON text that the library reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from .errors import ConfigError
from .view import View

# All that the library reads, and how deep values of ours are in them. The rest of a training
# configuration stays where it is.
SECTIONS = {"training": 1, "muon": 3, "adamw": 3, "rules": 6}
# What is an object of ours in "training", where others are foreign.
NESTED = ("momentum_schedule", "weight_decay_schedule")
# Longer than any list of ours: the library's error then says how many there are expected to be.
LONGEST = 1000


def config_text(config: Mapping[str, Any]) -> bytes:
    """The sections of a configuration that concern the library, as JSON in UTF-8."""
    if not isinstance(config, Mapping):
        raise ConfigError(f"config: a dict is expected, not {type(config).__name__}")
    sections = {key: plain(config[key], depth) for key, depth in SECTIONS.items() if key in config}
    training, rules = config.get("training"), config.get("rules")
    if isinstance(training, Mapping):
        nested = {key: plain(training[key], 1) for key in NESTED if key in training}
        sections["training"] = {**sections["training"], **nested}
    if rules is not None and is_list(rules):
        # Of any number: the library says where there are too many.
        sections["rules"] = [plain(each, SECTIONS["rules"] - 1) for each in rules]
    return json.dumps(sections, allow_nan=False).encode()


def plain(value: Any, depth: int) -> Any:
    """A value as JSON can say it.

    What JSON cannot say becomes the name of its type. It is foreign, and ignored; or it was meant for
    us, and then the library finds a string where it expects something else, and says at which path.
    """
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # lone surrogates
    if isinstance(value, (int, np.integer)) and -(2**63) <= value < 2**63:
        return int(value)
    if isinstance(value, (float, np.floating)) and math.isfinite(value):
        return float(value)
    if isinstance(value, View):
        value = value.to_dict()
    if depth > 0 and isinstance(value, Mapping):
        return {str(plain(key, 0)): plain(each, depth - 1) for key, each in value.items()}
    if depth > 0 and is_list(value):
        return [plain(each, depth - 1) for each in islice(value, LONGEST)]
    return type(value).__name__


def is_list(value: Any) -> bool:
    """Whether it is a list of some kind, and no text."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray))
