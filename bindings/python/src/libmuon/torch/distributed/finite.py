"""The look for NaN and infinity without the step that follows it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from ctypes import addressof, byref, c_float, sizeof
from typing import Optional

from ... import _abi, together
from ..._enums import DType, NonFinitePolicy
from ..._library import check, lib
from ...errors import NonFiniteGradientError
from .._session import Session


class Stopper:
    """An optimizer whose gradient is NaN: a step of it and others, as one, is never made.

    The library looks at the optimizers of a set in order, before it writes anything. So the step of
    some optimizers and then this one says of the first whose gradients are not finite, or else of this
    one, and changes nothing.
    """

    def __init__(self) -> None:
        self.handle = _abi.OptimizerHandle()
        check(lib.muon_optimizer_create_adamw(None, byref(self.handle)))
        # Kept: the library reads them at every step.
        self.values = (c_float * 2)(0.0, float("nan"))
        param = _abi.Param()
        check(lib.muon_param_init(byref(param), sizeof(param)))
        place = addressof(self.values)
        param.name, param.dtype, param.ndim = b"stopper", DType.f32, 0
        param.data, param.data_count = place, 1
        param.grad, param.grad_count = place + 4, 1
        check(lib.muon_optimizer_add_param(self.handle, 0, byref(param), None))


stopper = functools.cache(Stopper)


def why_not_finite(sessions: Sequence[Session]) -> Optional[NonFiniteGradientError]:
    """What a step of some sessions would raise with policy "error" for NaN or infinity.

    It changes nothing.
    """
    handles = [each.handle for each in sessions]
    scales = [each.grad_scale for each in sessions]
    try:
        for handle in handles:
            check(lib.muon_optimizer_set_nonfinite_policy(handle, NonFinitePolicy.error))
        listed = together.handle_array([*handles, stopper().handle])
        check(lib.muon_optimizers_step(listed, len(listed)))
    except NonFiniteGradientError as error:
        number, _, text = str(error).partition(": ")
        if number.startswith(f"optimizer {len(handles)} "):
            return None
        return NonFiniteGradientError(text)
    finally:
        for each, scale in zip(sessions, scales):
            check(lib.muon_optimizer_set_nonfinite_policy(each.handle, each.policy))
            # It was for one step, and this was none.
            each.grad_scale = scale
    raise AssertionError("NaN was not found")
