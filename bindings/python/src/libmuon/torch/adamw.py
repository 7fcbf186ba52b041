"""AdamW for torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Union

import torch
from torch import Tensor

from .._library import lib
from .._options import adamw_struct
from .._signatures import MasterName, NonFinitePolicyName
from ..errors import InvalidArgumentError, UnsupportedError
from ._buffers import Layout
from ._session import Kind
from ._tensors import plain
from .optimizer import Optimizer

OPTIONS = ("lr", "betas", "eps", "weight_decay", "cautious_weight_decay")
UNSUPPORTED = ("amsgrad", "capturable", "differentiable")


def struct(group: Mapping[str, Any]) -> Any:
    """The options of a group for C."""
    for name in UNSUPPORTED:
        if group.get(name):
            raise UnsupportedError(f"{name}: AdamW of libmuon has it only as False")
    betas = group["betas"]
    if isinstance(betas, (list, tuple)):
        if len({isinstance(beta, Tensor) for beta in betas}) == 2:
            raise InvalidArgumentError("betas must be either both floats or both Tensors")
        if any(isinstance(beta, Tensor) and beta.numel() != 1 for beta in betas):
            raise InvalidArgumentError("Tensor betas must be 1-element")
    return adamw_struct({name: plain(group[name]) for name in OPTIONS})


def layout(shape: torch.Size, group: Mapping[str, Any]) -> Layout:
    """Element by element: any shape is one long vector."""
    return Layout(1, (shape.numel(),))


class AdamW(Optimizer):
    """torch.optim.AdamW, computed by libmuon on the CPU.

    At its t-th step, a parameter p with gradient g becomes

        p <- p (1 - lr weight_decay)
        m <- beta1 m + (1 - beta1) g,   v <- beta2 v + (1 - beta2) g^2
        p <- p - lr/(1 - beta1^t) m / (sqrt(v)/sqrt(1 - beta2^t) + eps)

    params: parameters or named parameters (then errors name them), or groups of them as dicts with
        options of their own. float32, bfloat16 or float16 of any shape, and gradients of any of these.
    lr: finite, >= 0; a number or a tensor with one element.
    betas: (beta1, beta2), each in [0, 1).
    eps: finite, >= 0.
    weight_decay: finite, >= 0.
    cautious_weight_decay: elements of p whose sign is the opposite of that of the new m are not
        decayed. torch.optim.AdamW, which has no such thing, loads the state dict all the same.
    master: what the state keeps of a bfloat16 or float16 parameter, as in Muon.
    maximize: go up instead of down; the gradient is then copied.
    foreach, fused: taken for torch's sake, and of no effect.
    amsgrad, capturable, differentiable: only False.
    nonfinite: what to do with NaN or infinity in a gradient, or in the state it would leave:
        "error", "skip" or "propagate" (as torch). The default is "error", because one such gradient ends a run for
        good, while a run that stopped before anything has changed can go on.

    The state is torch's: "step", "exp_avg" and "exp_avg_sq", in float32. State dicts are exchanged
    with torch.optim.AdamW both ways.

    Raises InvalidArgumentError (a ValueError) for an option out of range, UnsupportedError (a
    NotImplementedError) for an option that is not there.
    """

    def __init__(
        self,
        params: Any,
        lr: Union[float, Tensor] = 1e-3,
        betas: tuple[Union[float, Tensor], Union[float, Tensor]] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: Optional[bool] = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: Optional[bool] = None,
        cautious_weight_decay: bool = False,
        master: MasterName = "f32",
        nonfinite: NonFinitePolicyName = "error",
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "cautious_weight_decay": cautious_weight_decay,
            "master": master,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            # As in torch's own groups, so that torch.optim.Adam knows the state dict for AdamW's.
            "decoupled_weight_decay": True,
        }
        super().__init__(params, defaults, nonfinite)

    _kind = Kind(
        name="AdamW",
        create=lib.muon_optimizer_create_adamw,
        add_group=lib.muon_optimizer_add_adamw_group,
        set_options=lib.muon_optimizer_set_adamw_options,
        counts_steps=True,
        options=(*OPTIONS, *UNSUPPORTED),
        struct=struct,
        layout=layout,
        layout_options=("master",),
    )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
            # Those that were pickled before there was one.
            group.setdefault("cautious_weight_decay", False)
            group.setdefault("master", "f32")
