"""What names of parameters say, and patterns of names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

# What an output layer is often called. Not "output" and "decoder": layers inside blocks are too.
OUTPUT_LAYERS = {"classifier", "embed_out", "head", "heads", "lm_head", "output_head", "unembed"}

# Parts of names, between dots, of what is no hidden matrix.
EMBEDDING = re.compile(r"embed|(^|\.)(wte|wpe|tok|pos)(_|\.|$)", re.IGNORECASE)
OUTPUT = re.compile(rf"(^|\.)({'|'.join(OUTPUT_LAYERS)})(\.|$)", re.IGNORECASE)
OTHER = re.compile(r"norm|bias|(^|\.)ln_?\w*\.", re.IGNORECASE)
# What makes a pattern of a name, as fnmatch has it.
WILDCARDS = frozenset("*?[")


def asked_for(
    names: list[str], to_muon: Sequence[str], to_adamw: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """For each parameter that a pattern matches, the optimizer asked for, and the pattern."""
    asked: dict[str, tuple[str, str]] = {}
    for argument, patterns in (("to_muon", to_muon), ("to_adamw", to_adamw)):
        optimizer = "Muon" if argument == "to_muon" else "AdamW"
        for name, pattern in matched(argument, patterns, names).items():
            if asked.setdefault(name, (optimizer, pattern))[0] != optimizer:
                raise ValueError(f"to_muon and to_adamw both match {name!r}")
    return asked


def matched(argument: str, patterns: Sequence[str], names: list[str]) -> dict[str, str]:
    """The names that patterns match, each with the first pattern that does."""
    if isinstance(patterns, str):
        raise TypeError(f"{argument}: a list of names is expected, not a single string")
    known = dict.fromkeys(names)
    result: dict[str, str] = {}
    for pattern in patterns:
        # Whole names may be as many as there are parameters.
        if WILDCARDS.isdisjoint(pattern):
            found = [pattern] if pattern in known else []
        else:
            found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            raise ValueError(f"{argument}: {pattern!r} matches no parameter")
        for name in found:
            result.setdefault(name, pattern)
    return result
