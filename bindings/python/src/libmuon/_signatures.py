# Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
"""The arguments of Muon and AdamW: the options of muon.h, with their types and defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Optional

from ._option_table import (
    BackendName,
    MomentumStyleName,
    NewtonSchulzMethodName,
    PrecisionName,
    SecondMomentName,
    ShapeScaleName,
)
from ._options import Triple
from .optimizer import Optimizer, Params

NonFinitePolicyName = Literal[
    "error",
    "skip",
    "propagate",
]

MasterName = Literal[
    "f32",
    "none",
    "remainder",
]


class MuonArguments(Optimizer):
    """What Muon is made with; see there."""

    def __init__(
        self,
        params: Params,
        lr: float = 0.02,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
        backend: BackendName = "newtonschulz5",
        backend_steps: Optional[int] = None,
        *,
        eps: float = 1e-07,
        momentum_style: MomentumStyleName = "classic",
        shape_scale: ShapeScaleName = "none",
        precision: PrecisionName = "auto",
        method: NewtonSchulzMethodName = "auto",
        update_scale: float = 1.0,
        cautious_weight_decay: bool = False,
        second_moment: SecondMomentName = "none",
        beta2: float = 0.95,
        hyperball: bool = False,
        coefficients: Optional[Sequence[Triple]] = None,
        nonfinite: NonFinitePolicyName = "error",
    ) -> None:
        self._start(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "nesterov": nesterov,
                "weight_decay": weight_decay,
                "backend": backend,
                "backend_steps": backend_steps,
                "eps": eps,
                "momentum_style": momentum_style,
                "shape_scale": shape_scale,
                "precision": precision,
                "method": method,
                "update_scale": update_scale,
                "cautious_weight_decay": cautious_weight_decay,
                "second_moment": second_moment,
                "beta2": beta2,
                "hyperball": hyperball,
                "coefficients": coefficients,
            },
            nonfinite,
        )


class AdamWArguments(Optimizer):
    """What AdamW is made with; see there."""

    def __init__(
        self,
        params: Params,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-08,
        weight_decay: float = 0.01,
        *,
        cautious_weight_decay: bool = False,
        nonfinite: NonFinitePolicyName = "error",
    ) -> None:
        self._start(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "cautious_weight_decay": cautious_weight_decay,
            },
            nonfinite,
        )
