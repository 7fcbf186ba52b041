"""How much work a parameter is, and which rank does it, as the library counts and divides."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_int32, c_int64, c_size_t
from typing import Any

from . import _abi
from ._library import check, lib


def cost(handle: Any, group: int, param: _abi.Param) -> int:
    """In floating-point operations of a step, to orthogonalize such a parameter in a group."""
    operations = c_int64()
    check(lib.muon_optimizer_get_cost(handle, group, byref(param), byref(operations)))
    return operations.value


def owners(costs: Sequence[int], loads: Sequence[int]) -> list[int]:
    """The rank of each piece of work; loads: what each rank has to do besides."""
    count, result = c_size_t(), (c_int32 * len(costs))()
    check(
        lib.muon_plan_owners(
            (c_int64 * len(costs))(*costs), len(costs), (c_int64 * len(loads))(*loads), len(loads),
            result, len(result), byref(count),
        )
    )
    return [*result]
