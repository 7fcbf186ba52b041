"""Options as Python writes them, {"lr": 0.02, "backend": "turbo"}, and as C structs."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, MappingView, Set
from ctypes import Array as CArray
from ctypes import byref, c_double, c_size_t, sizeof
from enum import IntEnum
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from . import _abi
from ._enums import Backend
from ._library import check, lib
from ._option_table import ADAMW, MUON, ORTHOGONALIZE
from .errors import InvalidArgumentError

Triple = tuple[float, float, float]


def number(name: str, value: Any) -> float:
    """A real number. Its range is the library's to check."""
    require_unmasked(name, value)
    try:
        return c_double(value).value
    except TypeError:
        raise TypeError(f"{name}: a number is expected, not {value!r}") from None
    except OverflowError:
        raise InvalidArgumentError(f"{name}: the number is too large") from None


def require_unmasked(name: str, value: Any) -> None:
    """Raises for a masked value of numpy, which others take for what is behind the mask, or for NaN."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(f"{name}: a number is expected, not a masked one")


def whole(name: str, value: Any, bits: int = 64) -> int:
    """A whole number that fits into a C integer: ctypes would cut off what does not."""
    if isinstance(value, np.bool_):
        value = bool(value)
    require_unmasked(name, value)
    try:
        result = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: a whole number is expected, not {value!r}") from None
    if not -(1 << (bits - 1)) <= result < 1 << (bits - 1):
        raise InvalidArgumentError(f"{name}: {result} is out of range")
    return result


def ordered(
    name: str, value: Any, expected: str = "a list", error: type[Exception] = TypeError
) -> list[Any]:
    """The elements of a list of some kind. A set or a dict has no order that was meant, a text is no list."""
    try:
        unordered = isinstance(value, (Set, Mapping)) and not isinstance(value, MappingView)
        if unordered or isinstance(value, (str, bytes)):
            raise TypeError
        elements = iter(value)
    except TypeError:
        raise error(f"{name}: {expected} is expected, not {value!r}") from None
    return list(elements)


def require_keys(name: str, value: Any, keys: Iterable[str]) -> None:
    """Raises unless it is a dict of some kind that has these keys, and perhaps others."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: a dict is expected, not {value!r}")
    for key in keys:
        if key not in value:
            raise InvalidArgumentError(f"{name}: {key!r} is missing")


def step_count(name: str, value: Any) -> int:
    """A number of steps, or None: the backend's own number, which is 0 in C."""
    count = 0 if value is None else whole(name, value, 32)
    if count == 0 and value is not None:
        raise InvalidArgumentError(f"{name}: 1 to 99 is expected, not 0")
    return count


def member(name: str, value: Any, enum: type[IntEnum]) -> IntEnum:
    """A member of an enum, by its name."""
    if isinstance(value, enum):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{name}: a string is expected, not {value!r}")
    if value not in enum.__members__:
        names = ", ".join(repr(each) for each in enum.__members__)
        raise InvalidArgumentError(f"{name}: {value!r} is not one of {names}")
    return enum[value]


def coefficient_rows(name: str, value: Any) -> CArray[_abi.Coefficients]:
    """Rows (a, b, c) for C, from a sequence of such triples or from a single one."""
    rows = ordered(name, value, "(a, b, c), or a list of them,", InvalidArgumentError)
    if rows and not isinstance(rows[0], Iterable):
        rows = [rows]
    result = (_abi.Coefficients * len(rows))()
    for index, row in enumerate(map(tuple, rows)):
        if len(row) != 3:
            raise InvalidArgumentError(f"{name}[{index}]: (a, b, c) is expected, not {row!r}")
        result[index] = _abi.Coefficients(*(number(f"{name}[{index}]", each) for each in row))
    return result


def fetch_rows(function: Callable[..., int], *arguments: Any) -> list[Triple]:
    """The rows that a function of the library writes, which is asked for their number first."""
    count = c_size_t()
    check(function(*arguments, None, 0, byref(count)))
    rows = (_abi.Coefficients * count.value)()
    check(function(*arguments, rows, count, byref(count)))
    return [(row.a, row.b, row.c) for row in rows]


class Field(NamedTuple):
    """How one option goes into a C struct and comes back."""

    to_c: Callable[[str, Any], Any]
    from_c: Callable[[Any], Any]


def choice(enum: type[IntEnum]) -> Field:
    return Field(lambda name, value: member(name, value, enum), lambda value: enum(value).name)


FIELDS: dict[type[object], Field] = {
    float: Field(number, lambda value: value),
    bool: Field(lambda name, value: whole(name, value, 32), bool),
    int: Field(step_count, lambda value: value or None),
}


def fields(table: Mapping[str, type[object]]) -> dict[str, Field]:
    return {
        name: choice(kind) if issubclass(kind, IntEnum) else FIELDS[kind]
        for name, kind in table.items()
    }


BETAS = ("beta1", "beta2")
MUON_FIELDS = fields(MUON)
ORTHOGONALIZE_FIELDS = fields(ORTHOGONALIZE)
ADAMW_FIELDS = {name: field for name, field in fields(ADAMW).items() if name not in BETAS}


def muon_struct(options: Mapping[str, Any]) -> _abi.MuonOptions:
    """Options of a Muon group for C. Needs every key."""
    struct = _abi.MuonOptions()
    check(lib.muon_muon_options_init(byref(struct), sizeof(struct)))
    for name, field in MUON_FIELDS.items():
        setattr(struct, name, field.to_c(name, options[name]))
    set_rows(struct, options["coefficients"])
    return struct


def orthogonalize_struct(options: Mapping[str, Any]) -> _abi.OrthogonalizeOptions:
    """Options of an orthogonalization for C. What is not there is the library's own; of more, only its
    own options count."""
    struct = _abi.OrthogonalizeOptions()
    check(lib.muon_orthogonalize_options_init(byref(struct), sizeof(struct)))
    for name, field in ORTHOGONALIZE_FIELDS.items():
        if name in options:
            setattr(struct, name, field.to_c(name, options[name]))
    set_rows(struct, options.get("coefficients"))
    return struct


def muon_defaults() -> dict[str, Any]:
    """The library's own options of Muon."""
    struct = _abi.MuonOptions()
    check(lib.muon_muon_options_init(byref(struct), sizeof(struct)))
    return muon_options(struct, None)


def muon_options(struct: _abi.MuonOptions, rows: Optional[list[Triple]]) -> dict[str, Any]:
    """Options of a Muon group for Python. rows: the coefficients, if they are the user's own."""
    options = {name: field.from_c(getattr(struct, name)) for name, field in MUON_FIELDS.items()}
    return {**options, "coefficients": rows}


def adamw_struct(options: Mapping[str, Any]) -> _abi.AdamWOptions:
    """Options of an AdamW group for C. Needs every key."""
    struct = _abi.AdamWOptions()
    check(lib.muon_adamw_options_init(byref(struct), sizeof(struct)))
    for name, field in ADAMW_FIELDS.items():
        setattr(struct, name, field.to_c(name, options[name]))
    betas = ordered("betas", options["betas"], "a pair of numbers", InvalidArgumentError)
    if len(betas) != 2:
        raise InvalidArgumentError(f"betas: two numbers are expected, not {betas!r}")
    struct.beta1, struct.beta2 = (number("betas", beta) for beta in betas)
    return struct


def adamw_defaults() -> dict[str, Any]:
    """The library's own options of AdamW."""
    struct = _abi.AdamWOptions()
    check(lib.muon_adamw_options_init(byref(struct), sizeof(struct)))
    return adamw_options(struct)


def adamw_options(struct: _abi.AdamWOptions) -> dict[str, Any]:
    """Options of an AdamW group for Python."""
    options = {name: field.from_c(getattr(struct, name)) for name, field in ADAMW_FIELDS.items()}
    return {"betas": (struct.beta1, struct.beta2), **options}


def set_rows(struct: Any, coefficients: Any) -> None:
    """Puts the user's own coefficients, if there are any, into an options struct."""
    if coefficients is not None:
        rows = coefficient_rows("coefficients", coefficients)
        struct.coefficients, struct.coefficients_count = rows, len(rows)


def with_coefficients(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of Muon as they were given: the default backend gives way to coefficients, and any other
    contradicts them."""
    given = {"coefficients": options["coefficients"]}
    if options["backend"] != Backend.newtonschulz5.name:
        given["backend"] = options["backend"]
    return merged({**options, "coefficients": None}, given)


def merged(options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Options with some of them changed, the backend and its coefficients together.

    Coefficients alone ask for the backend "custom". Another backend drops those there are.
    """
    unknown = [key for key in changes if key not in options]
    if unknown:
        raise KeyError(f"no option {unknown[0]!r}; there are {', '.join(options)}")
    result = {**options, **changes}
    if changes.get("coefficients") is not None and "backend" not in changes:
        result["backend"] = Backend.custom.name
    elif "backend" in changes and "coefficients" not in changes:
        if changes["backend"] not in (Backend.custom, Backend.custom.name):
            result["coefficients"] = None
    return result
