"""State dicts: what is taken from them, and how they are checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .._enums import Backend, MomentumStyle
from .._options import coefficient_rows, muon_defaults
from ..errors import InvalidArgumentError, UnsupportedError
from ..orthogonalization import backend_coefficients
from ..view import View
from ._dialects import DIALECTS, LIBMUON, NOT_TORCHS, SHAPE_SCALES, libmuon_options
from ._tensors import MASTER, REMAINDER, check_memory, check_state, copy_of, step_count, step_tensor

# Keys of a group that torch.optim.Muon does not have.
OWN = (*DIALECTS[LIBMUON], *NOT_TORCHS, "higher_dims", "view", "master", "state_dtype")
# Those of them that change the function that a step computes.
BEYOND_TORCH = tuple(key for key in NOT_TORCHS if key not in ("precision", "method"))


class Kept:
    """A tensor that torch, which would cast it to the type of its parameter, hands on as it is."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def kept_state(
    label: str, saved: Mapping[str, Any], shapes: Mapping[str, torch.Size], counts_steps: bool
) -> dict[str, Any]:
    """The state of one parameter, checked and copied; what is not the library's stays as it is.

    shapes: of the library's state buffers, by their keys; those of a master need not be there.
    """
    state = {key: value for key, value in saved.items() if value is not None}
    if not state:
        return state
    for key in [*shapes, *(["step"] if counts_steps else [])]:
        if key not in state and key not in (MASTER, REMAINDER):
            raise InvalidArgumentError(f"{label}: {key!r} is missing")
    for key, shape in shapes.items():
        if key in state:
            check_state(label, key, state[key], shape)
            dtype = torch.int16 if key == REMAINDER else torch.float32
            state[key] = Kept(copy_of(state[key], dtype))
    if counts_steps:
        step_count(label, state["step"])
        state["step"] = Kept(step_tensor(state["step"]).detach().clone())
    return state


def with_view(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group whose view, which state dicts have as plain values, is a View."""
    view = group.get("view")
    if view is None or isinstance(view, View):
        return dict(group)
    if not isinstance(view, Mapping):
        raise TypeError(f"view: a libmuon.View is expected, not {type(view).__name__}")
    return {**group, "view": View.from_dict(view)}


def with_plain_views(state_dict: dict[str, Any]) -> dict[str, Any]:
    """A state dict of torch's making, of plain values: torch.load reads no others by default."""
    for group in state_dict["param_groups"]:
        if isinstance(group.get("view"), View):
            group["view"] = group["view"].to_dict()
    return state_dict


def exported(state_dict: dict[str, Any]) -> dict[str, Any]:
    """See Muon.torch_state_dict."""
    state, groups = dict(state_dict["state"]), []
    for group in state_dict["param_groups"]:
        options = libmuon_options(group)
        torchs = {key: value for key, value in group.items() if key not in OWN}
        torchs.update(torch_options(options))
        for key, default in muon_defaults().items():
            if key in BEYOND_TORCH and options[key] != default:
                raise UnsupportedError(f"torch's Muon has no {key}; here it is {options[key]!r}")
        if group.get("view") is not None:
            raise UnsupportedError(f"torch's Muon has no view; here it is {group['view']}")
        if options["momentum_style"] == MomentumStyle.classic.name:
            for key in group["params"]:
                if "momentum_buffer" in state.get(key, {}):
                    buffer = state[key]["momentum_buffer"]
                    check_memory(f"state of parameter {key}: momentum_buffer", buffer)
                    buffer = buffer * (1 - options["momentum"])
                    state[key] = {**state[key], "momentum_buffer": buffer}
        groups.append(torchs)
    return {**state_dict, "state": state, "param_groups": groups}


def torch_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """What torch.optim.Muon calls these options of libmuon."""
    backend, steps = options["backend"], options["backend_steps"]
    if backend == Backend.custom.name:
        triples = coefficient_rows("coefficients", options["coefficients"])
        rows = [(each.a, each.b, each.c) for each in triples]
        steps = len(rows) if steps is None else steps
        rows = rows[:steps]
    else:
        rows = [] if backend == Backend.turbo.name else backend_coefficients(backend, steps)
        steps = len(rows)
    if len(set(rows)) != 1:
        raise UnsupportedError(
            f"backend {backend!r}: torch.optim.Muon has only iterations with the same three "
            "coefficients at each step"
        )
    scales = {scale.name: name for name, scale in SHAPE_SCALES.items()}
    scale = scales[options["shape_scale"]]
    return {"ns_coefficients": rows[0], "ns_steps": steps, "adjust_lr_fn": scale}
