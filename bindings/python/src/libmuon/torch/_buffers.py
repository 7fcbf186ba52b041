"""The state buffers of a parameter of torch, as the library's table of state has them."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref, c_int64, pointer, sizeof
from math import prod
from typing import Any, NamedTuple, Optional

import torch

from .. import _abi
from .._enums import DType, Master
from .._layout import state_layout
from .._library import check, lib
from .._options import member
from ..view import View
from ..errors import InvalidArgumentError
from ._tensors import DTYPES


class Layout(NamedTuple):
    """What C takes a parameter for: so many arrays of such extents, one after another, each with this view."""

    copies: int
    extents: tuple[int, ...]
    view: Optional[View] = None


class Types(NamedTuple):
    """The types of a parameter and of what belongs to it."""

    parameter: torch.dtype = torch.float32
    gradient: torch.dtype = torch.float32
    momentum: torch.dtype = torch.float32
    master: Master = Master.f32


def types_of(
    group: Mapping[str, Any], parameter: torch.dtype, gradient: torch.dtype = torch.float32
) -> Types:
    """The types of a parameter of a group."""
    # Groups of before have neither.
    state_dtype = member("state_dtype", group.get("state_dtype", "f32"), DType)
    momentum = {DType.f32: torch.float32, DType.bf16: torch.bfloat16}.get(DType(state_dtype))
    if momentum is None:
        raise InvalidArgumentError(f"state_dtype: 'f32' or 'bf16' is expected, not {state_dtype.name!r}")
    master = Master(member("master", group.get("master", "f32"), Master))
    # A parameter that cannot be trained is refused elsewhere.
    parameter = parameter if parameter in DTYPES else torch.float32
    if master is Master.remainder and parameter is torch.float32:
        master = Master.f32  # which needs none
    return Types(parameter, gradient, momentum, master)


class Buffer(NamedTuple):
    """A state buffer of a parameter: those of all its arrays, one after another, in one tensor."""

    # In calls of the library, and in state dicts.
    name: bytes
    key: str
    shape: torch.Size
    # The elements of each array's.
    size: int
    dtype: torch.dtype


def state_buffers(
    handle: Any, group: int, label: str, shape: torch.Size, layout: Layout, types: Types
) -> list[Buffer]:
    """The state that the library's optimizer would keep for a parameter in a group."""
    copies, extents, _ = layout
    buffers = []
    dtypes = {value: dtype for dtype, value in DTYPES.items()}
    for row in state_layout(handle, group, param_struct(label, layout, types)):
        if row.shape == extents:
            whole = shape
        elif copies == 1:
            whole = torch.Size(row.shape)
        else:
            whole = shape[: -len(extents)] + torch.Size(row.shape)
        buffers.append(Buffer(row.name, row.key, whole, prod(row.shape), dtypes[row.dtype]))
    return buffers


def param_struct(label: str, layout: Layout, types: Types = Types()) -> _abi.Param:
    """A parameter as C sees it, without memory."""
    param = _abi.Param()
    check(lib.muon_param_init(byref(param), sizeof(param)))
    param.name = label.encode("utf-8", "replace")
    param.dtype, param.grad_dtype = DTYPES[types.parameter], DTYPES[types.gradient]
    param.state_dtype, param.master = DTYPES[types.momentum], types.master
    param.ndim = len(layout.extents)
    param.shape = (c_int64 * len(layout.extents))(*layout.extents)
    if layout.view is not None:
        param.view = pointer(layout.view.struct())
    return param
