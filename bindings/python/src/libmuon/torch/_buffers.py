"""The state buffers of a parameter of torch, as the library's table of state has them."""

from __future__ import annotations

from ctypes import byref, c_int64, pointer, sizeof
from math import prod
from typing import Any, NamedTuple, Optional

import torch

from .. import _abi
from .._enums import DType
from .._layout import state_layout
from .._library import check, lib
from ..view import View


class Layout(NamedTuple):
    """What C takes a parameter for: so many arrays of such extents, one after another, each with this view."""

    copies: int
    extents: tuple[int, ...]
    view: Optional[View] = None


class Buffer(NamedTuple):
    """A state buffer of a parameter: those of all its arrays, one after another, in one tensor."""

    # In calls of the library, and in state dicts.
    name: bytes
    key: str
    shape: torch.Size
    # The elements of each array's.
    size: int


def state_buffers(
    handle: Any, group: int, label: str, shape: torch.Size, layout: Layout
) -> list[Buffer]:
    """The state that the library's optimizer would keep for a parameter in a group."""
    copies, extents, _ = layout
    buffers = []
    for row in state_layout(handle, group, param_struct(label, layout)):
        if row.shape == extents:
            whole = shape
        elif copies == 1:
            whole = torch.Size(row.shape)
        else:
            whole = shape[: -len(extents)] + torch.Size(row.shape)
        buffers.append(Buffer(row.name, row.key, whole, prod(row.shape)))
    return buffers


def param_struct(label: str, layout: Layout) -> _abi.Param:
    """A parameter as C sees it, without memory."""
    param = _abi.Param()
    check(lib.muon_param_init(byref(param), sizeof(param)))
    param.name = label.encode("utf-8", "replace")
    param.dtype = DType.f32
    param.ndim = len(layout.extents)
    param.shape = (c_int64 * len(layout.extents))(*layout.extents)
    if layout.view is not None:
        param.view = pointer(layout.view.struct())
    return param
