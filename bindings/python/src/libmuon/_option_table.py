# Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
"""The options by name, with what they are in C; and the names that choices have, for type checkers."""

from __future__ import annotations

from typing import Literal, Optional, TypedDict

from ._enums import Backend, MomentumStyle, NewtonSchulzMethod, Precision, SecondMoment, ShapeScale

BackendName = Literal[
    "newtonschulz5",
    "svd",
    "polar_express",
    "you",
    "cans",
    "deepseekv4",
    "cubic5",
    "turbo",
    "orthogonalize",
    "custom",
]
MomentumStyleName = Literal[
    "classic",
    "ema",
]
NewtonSchulzMethodName = Literal[
    "auto",
    "standard",
    "gram",
]
PrecisionName = Literal[
    "auto",
    "f32",
    "bf16",
    "int16",
    "int8",
]
SecondMomentName = Literal[
    "none",
    "normuon",
    "normuon_long",
]
ShapeScaleName = Literal[
    "none",
    "original",
    "match_rms_adamw",
    "spectral",
]

# float, bool, int (0 in C is None), or the enum whose member's name it is.
Kind = type[object]
ORTHOGONALIZE: dict[str, Kind] = {
    "backend": Backend,
    "backend_steps": int,
    "eps": float,
    "precision": Precision,
    "method": NewtonSchulzMethod,
}
MUON: dict[str, Kind] = {
    "lr": float,
    "momentum": float,
    "weight_decay": float,
    "eps": float,
    "nesterov": bool,
    "momentum_style": MomentumStyle,
    "shape_scale": ShapeScale,
    "backend": Backend,
    "backend_steps": int,
    "precision": Precision,
    "method": NewtonSchulzMethod,
    "update_scale": float,
    "cautious_weight_decay": bool,
    "second_moment": SecondMoment,
    "beta2": float,
    "hyperball": bool,
}
ADAMW: dict[str, Kind] = {
    "lr": float,
    "beta1": float,
    "beta2": float,
    "eps": float,
    "weight_decay": float,
    "cautious_weight_decay": bool,
}


class TorchKeywords(TypedDict, total=False):
    """The options of Muon that libmuon.torch.Muon takes beside those of its own and torch's."""

    precision: PrecisionName
    method: NewtonSchulzMethodName
    update_scale: float
    cautious_weight_decay: bool
    second_moment: SecondMomentName
    beta2: float
    hyperball: bool


class JaxKeywords(TypedDict, total=False):
    """The options of Muon that libmuon.jax takes by the names that they have here; lr has another."""

    momentum: float
    weight_decay: float
    eps: float
    nesterov: bool
    momentum_style: MomentumStyleName
    shape_scale: ShapeScaleName
    backend: BackendName
    backend_steps: Optional[int]
    precision: PrecisionName
    method: NewtonSchulzMethodName
    update_scale: float
