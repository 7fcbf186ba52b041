"""Options in Python: their types, and the signatures of what takes them, for _option_table.py and _signatures.py."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from model import Field, Header
from names import class_name


class Option(NamedTuple):
    name: str
    kind: str  # as the table has it: float, int, bool, or an enum's class
    type: str  # as a signature has it
    default: str


# What may be given by position, in the order of the original system.
POSITIONAL = {
    "muon_muon_options": ("lr", "momentum", "nesterov", "weight_decay", "backend", "backend_steps"),
    "muon_adamw_options": ("lr", "betas", "eps", "weight_decay"),
}
# What libmuon.torch.Muon has of its own, or torch's Muon has too.
TORCHS = ("lr", "weight_decay", "momentum", "nesterov", "eps", "backend", "backend_steps", "momentum_style",
          "shape_scale")
# What libmuon.jax computes. Of a new option it knows nothing, so it refuses it until it stands here.
JAXS = ("momentum", "weight_decay", "eps", "nesterov", "momentum_style", "shape_scale", "backend", "backend_steps",
        "precision", "method", "update_scale")
COEFFICIENTS = Option("coefficients", "", "Optional[Sequence[Triple]]", "None")
# A pair in Python.
BETAS = ("beta1", "beta2")


def options(struct: str, header: Header) -> list[Option]:
    """The options of a struct, but those that are a list in C."""
    return [option(field, header) for field in header.structs[struct].fields
            if field.name != "struct_size" and not field.name.startswith("coefficients")]


def option(field: Field, header: Header) -> Option:
    # "finite, >= 0. 0.02": the default comes last.
    default = field.comment.split(". ")[-1].split()[-1]
    if field.type.base in header.enums:
        name = class_name(field.type.base)
        [value] = [each for each in header.enums[field.type.base].values if each.name == default]
        return Option(field.name, name, f"{name}Name", f'"{value.label}"')
    if field.type.base == "double":
        return Option(field.name, "float", "float", repr(float(default)))
    if re.match(r"0 or 1\b", field.comment):
        return Option(field.name, "bool", "bool", str(default == "1"))
    assert default == "0", field  # None stands for 0, the backend's own
    return Option(field.name, "int", "Optional[int]", "None")


TABLE = '''\
"""The options by name, with what they are in C; and the names that choices have, for type checkers."""

from __future__ import annotations

from typing import Literal, Optional, TypedDict

from ._enums import {imports}

{names}

# float, bool, int (0 in C is None), or the enum whose member's name it is.
Kind = type[object]
{tables}


class TorchKeywords(TypedDict, total=False):
    """The options of Muon that libmuon.torch.Muon takes beside those of its own and torch's."""

{torchs}


class JaxKeywords(TypedDict, total=False):
    """The options of Muon that libmuon.jax takes by the names that they have here; lr has another."""

{jaxs}
'''


def option_table(header: Header) -> str:
    structs = {"ORTHOGONALIZE": "muon_orthogonalize_options", "MUON": "muon_muon_options",
               "ADAMW": "muon_adamw_options"}
    enums = sorted(
        {field.type.base for name in structs.values() for field in header.structs[name].fields}
        & header.enums.keys())
    names = "\n".join(literal(name, header) for name in enums)
    tables = "\n".join(
        f"{title}: dict[str, Kind] = {{\n"
        + "".join(f'    "{each.name}": {each.kind},\n' for each in options(struct, header)) + "}"
        for title, struct in structs.items())
    muon = options("muon_muon_options", header)

    def keywords(names: Iterable[str]) -> str:
        return "\n".join(f"    {each.name}: {each.type}" for each in muon if each.name in names)

    return TABLE.format(torchs=keywords({each.name for each in muon} - {*TORCHS}), jaxs=keywords(JAXS), imports=", ".join(map(class_name, enums)), names=names, tables=tables)


def literal(name: str, header: Header) -> str:
    labels = "".join(f'    "{value.label}",\n' for value in header.enums[name].values)
    return f"{class_name(name)}Name = Literal[\n{labels}]"


SIGNATURES = '''\
"""The arguments of Muon and AdamW: the options of muon.h, with their types and defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Optional

from ._option_table import (
{imports}
)
from ._options import Triple
from .optimizer import Optimizer, Params

{policies}

{masters}


{classes}
'''
CLASS = '''\
class {title}Arguments(Optimizer):
    """What {title} is made with; see there."""

    def __init__(
        self,
        params: Params,
{positional}
        *,
{keywords}
        nonfinite: NonFinitePolicyName = "error",
    ) -> None:
        self._start(
            params,
            {{
{values}
            }},
            nonfinite,
        )
'''


def signatures(header: Header) -> str:
    classes = [arguments("Muon", "muon_muon_options", header),
               arguments("AdamW", "muon_adamw_options", header)]
    body = "\n\n".join(classes).rstrip()
    policies, masters = (literal(name, header) for name in ("muon_nonfinite_policy", "muon_master"))
    names = sorted(set(re.findall(r"\b\w+Name\b", body)) - {"NonFinitePolicyName"})
    return SIGNATURES.format(imports="\n".join(f"    {each}," for each in names), policies=policies, masters=masters, classes=body)


def arguments(title: str, struct: str, header: Header) -> str:
    given = {each.name: each for each in in_python(struct, header)}
    positional = [given.pop(name) for name in POSITIONAL[struct]]
    every = [*positional, *given.values()]

    def rows(some: list[Option]) -> str:
        return "\n".join(f"        {each.name}: {each.type} = {each.default}," for each in some)

    values = "\n".join(f'                "{each.name}": {each.name},' for each in every)
    result = CLASS.format(title=title, positional=rows(positional), keywords=rows([*given.values()]), values=values)
    return re.sub(r"\n\n(        nonfinite)", r"\n\1", result)


def in_python(struct: str, header: Header) -> list[Option]:
    """The options as Python has them: betas are a pair, and coefficients a list."""
    result = []
    for each in options(struct, header):
        if each.name == BETAS[0]:
            second = next(other for other in options(struct, header) if other.name == BETAS[1])
            result.append(Option("betas", "", "tuple[float, float]", f"({each.default}, {second.default})"))
        elif each.name != BETAS[1] or "betas" not in [other.name for other in result]:
            result.append(each)
    if any(field.name == "coefficients" for field in header.structs[struct].fields):
        result.append(COEFFICIENTS)
    return result
