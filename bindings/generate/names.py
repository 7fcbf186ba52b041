"""What other languages call the things of muon.h: a rule, and the few names that are not by the rule."""

from __future__ import annotations

import re

from model import Function, Header

WIDTH = 100  # of the lines that are made

# The classes of Python and C++ whose names are not those of C in capitals and without muon_.
CLASSES = {
    "muon_adamw_options": "AdamWOptions",
    "muon_dtype": "DType",
    "muon_nonfinite_policy": "NonFinitePolicy",
}
# The structs of options that Swift has a table of.
OPTION_STRUCTS = ("muon_orthogonalize_options", "muon_muon_options", "muon_adamw_options")
# Names of enum values that C++ keeps for itself.
CPP_KEYWORDS = {"auto": "automatic"}


def class_name(name: str) -> str:
    """MomentumStyle for muon_momentum_style."""
    rest = name.removeprefix("muon_")
    return CLASSES.get(name, "".join(word.capitalize() for word in rest.split("_")))


def takes_name(function: Function, header: Header) -> bool:
    """Whether it gives the value of a name: muon_backend_from_name(const char *, muon_backend *)."""
    enum_name = function.name.removesuffix("_from_name")
    return enum_name != function.name and enum_name in header.enums


def summary(comment: str) -> str:
    """The first sentence of a comment."""
    text = " ".join(comment.split())
    return re.split(r"(?<=[.:])(?= [A-Z])", text, maxsplit=1)[0]


def about(name: str, comment: str) -> str:
    """The name in C, by which muon.h has more, and the first sentence it says there."""
    return f"{name}: {summary(comment)}" if comment else name
