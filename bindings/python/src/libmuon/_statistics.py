"""What the steps of an optimizer measure."""

from __future__ import annotations

from ctypes import byref, c_int, sizeof
from dataclasses import dataclass
from math import isnan
from typing import Optional

from . import _abi
from ._abi import OptimizerHandle
from ._enums import StatisticsLevel
from ._library import check, lib
from ._options import member


@dataclass(frozen=True)
class ParameterStatistics:
    """One step of a parameter p of n elements, which became p'.

    step: which step of the parameter it was, from 1.
    grad_norm: the norm of the gradient.
    update_rms: ||p' - (1 - lr weight_decay) p|| / sqrt(n), the root mean square of what the step moved
        an element by, without the decay.
    effective_lr: Muon: lr times the shape scale; AdamW: lr.
    orthogonality_error: ||O O^T - I|| / sqrt(m) in the Frobenius norm, for the O that Muon moved the
        parameter along, on its short side of m: 0 where O is orthogonal, 1 where it is 0. None where
        there is none: it was not asked for, O has NaN in it, or for AdamW.
    """

    step: int
    grad_norm: float
    update_rms: float
    effective_lr: float
    orthogonality_error: Optional[float]


def write_level(handle: OptimizerHandle, level: str) -> None:
    number = member("statistics_level", level, StatisticsLevel)
    check(lib.muon_optimizer_set_statistics_level(handle, number))


def read_level(handle: OptimizerHandle) -> str:
    level = c_int()
    check(lib.muon_optimizer_get_statistics_level(handle, byref(level)))
    return StatisticsLevel(level.value).name


def read(handle: OptimizerHandle, index: int) -> Optional[ParameterStatistics]:
    """The latest measured step of a parameter; None where there is none."""
    struct = _abi.ParamStatistics()
    check(lib.muon_param_statistics_init(byref(struct), sizeof(struct)))
    check(lib.muon_optimizer_get_param_statistics(handle, index, byref(struct)))
    if struct.step == 0:
        return None
    error: float = struct.orthogonality_error
    # NaN is what C has for "not measured".
    return ParameterStatistics(
        struct.step,
        struct.grad_norm,
        struct.update_rms,
        struct.effective_lr,
        None if isnan(error) else error,
    )
