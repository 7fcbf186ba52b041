"""The two ways to ask for a Muon: with the options of torch.optim.Muon, or those of libmuon.

A parameter group has the keys of both; those of the way it does not go are None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from .. import _abi
from .._enums import Backend, MomentumStyle, ShapeScale
from .._option_table import MUON
from .._options import coefficient_rows, muon_struct, whole
from ..errors import InvalidArgumentError
from ._tensors import plain

TORCH, LIBMUON = "torch", "libmuon"

KELLER_JORDAN = (3.4445, -4.7750, 2.0315)

# By dialect, its own options and their defaults; an option that is not None speaks it.
DIALECTS: dict[str, dict[str, Any]] = {
    TORCH: {"ns_coefficients": KELLER_JORDAN, "ns_steps": 5, "adjust_lr_fn": None},
    LIBMUON: {
        "backend": Backend.newtonschulz5.name,
        "backend_steps": None,
        "coefficients": None,
        "momentum_style": MomentumStyle.classic.name,
        "shape_scale": ShapeScale.none.name,
    },
}
# Options of both.
COMMON = tuple(key for key in MUON if key not in DIALECTS[LIBMUON])
# Those of them that torch.optim.Muon does not have.
NOT_TORCHS = tuple(
    key for key in COMMON if key not in ("lr", "weight_decay", "momentum", "nesterov", "eps")
)
# Whose defaults differ.
COMMON_DEFAULTS = {
    TORCH: {"lr": 1e-3, "weight_decay": 0.1},
    LIBMUON: {"lr": 0.02, "weight_decay": 0.0},
}
# torch's adjust_lr_fn; None is the first.
SHAPE_SCALES = {
    "original": ShapeScale.original,
    "match_rms_adamw": ShapeScale.match_rms_adamw,
    "spectral_unclamped": ShapeScale.spectral,
    # Beyond torch, whose constructor refuses it, but whose step takes it for a factor of 1.
    "none": ShapeScale.none,
}


def dialect_of(options: Mapping[str, Any]) -> Optional[str]:
    """The dialect of the options that are given (not None), or None if they are of neither."""
    found: dict[str, str] = {}
    for dialect, own in DIALECTS.items():
        for key in own:
            if options.get(key) is not None:
                found.setdefault(dialect, key)
    if len(found) == 2:
        raise InvalidArgumentError(
            f"{found[TORCH]} together with {found[LIBMUON]}: give either the options of "
            f"torch.optim.Muon ({', '.join(DIALECTS[TORCH])}) or those of libmuon "
            f"({', '.join(DIALECTS[LIBMUON])}), and None for the others"
        )
    return next(iter(found), None)


def completed(
    given: Mapping[str, Any], dialect: str, defaults: Optional[Mapping[str, Any]] = None
) -> dict[str, Any]:
    """Options with the defaults of their dialect, or these ones, and None for the other dialect's.

    The backend and its coefficients go together: coefficients alone ask for "custom", and another
    backend drops those of the defaults.
    """
    result = dict(given)
    for each, own in DIALECTS.items():
        for key in own:
            if each != dialect:
                result[key] = None
            elif result.get(key) is None:
                result[key] = (defaults or own)[key]
    if given.get("coefficients") is not None and given.get("backend") is None:
        result["backend"] = Backend.custom.name
    elif given.get("coefficients") is None and given.get("backend") is not None:
        if given["backend"] != Backend.custom.name:
            result["coefficients"] = None
    return result


def muon_group_struct(group: Mapping[str, Any]) -> _abi.MuonOptions:
    """The options of a group for C."""
    return muon_struct(libmuon_options(group))


def libmuon_options(group: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a group as libmuon.Muon names them."""
    common = {key: plain(group[key]) for key in COMMON}
    # A group that speaks neither has lost its keys, and gets torch's defaults.
    dialect = dialect_of(group) or TORCH
    options = completed(group, dialect)
    if dialect == LIBMUON:
        return {**common, **{key: plain(options[key]) for key in DIALECTS[LIBMUON]}}

    adjust = options["adjust_lr_fn"]
    if adjust is not None and adjust not in SHAPE_SCALES:
        raise InvalidArgumentError(f"Adjust learning rate function {adjust} is not supported")
    rows, steps = plain(options["ns_coefficients"]), whole("ns_steps", options["ns_steps"])
    coefficient_rows("ns_coefficients", rows)
    # The library would call it backend_steps.
    if not 1 <= steps <= 99:
        raise InvalidArgumentError(f"ns_steps: 1 to 99 is expected, not {steps}")
    # The library knows these coefficients to be safe in bfloat16.
    own = rows == KELLER_JORDAN
    return {
        **common,
        "backend": (Backend.newtonschulz5 if own else Backend.custom).name,
        "backend_steps": steps,
        "coefficients": None if own else rows,
        "momentum_style": MomentumStyle.ema.name,
        "shape_scale": SHAPE_SCALES[adjust or "original"].name,
    }
