"""The state that the library keeps for a parameter, as its table has it."""

from __future__ import annotations

from ctypes import byref, c_size_t
from typing import Any, NamedTuple

from . import _abi
from ._enums import DType
from ._library import check, lib

class StateLayout(NamedTuple):
    """A state buffer of a parameter."""

    # In calls of the library, and in state dicts.
    name: bytes
    key: str
    dtype: DType
    shape: tuple[int, ...]


def state_layout(handle: Any, group: int, param: _abi.Param) -> list[StateLayout]:
    """The state that an optimizer of the library would keep for a parameter in a group."""
    count = c_size_t()
    arguments = handle, group, byref(param)
    check(lib.muon_optimizer_get_state_layout(*arguments, None, 0, byref(count)))
    rows = (_abi.StateLayout * count.value)()
    check(lib.muon_optimizer_get_state_layout(*arguments, rows, len(rows), byref(count)))
    return [
        StateLayout(
            row.name, row.torch_key.decode(), DType(row.dtype), tuple(row.shape[: row.ndim])
        )
        for row in rows
    ]
