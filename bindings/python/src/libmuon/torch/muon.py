"""Muon for torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

import torch
from torch import Tensor

from .._library import lib
from .._option_table import BackendName, MomentumStyleName, ShapeScaleName, TorchKeywords
from .._options import Triple, muon_defaults
from .._signatures import MasterName, NonFinitePolicyName
from ..errors import InvalidArgumentError, ShapeError
from ..view import View
from ._buffers import Layout, state_buffers, types_of
from ._checkpoint import exported, with_view
from ._dialects import COMMON, COMMON_DEFAULTS, DIALECTS, LIBMUON, NOT_TORCHS, TORCH, completed
from ._dialects import dialect_of
from ._dialects import muon_group_struct
from ._session import Kind
from .optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Of the options that torch.optim.Muon does not have.
DEFAULTS = {key: each for key, each in muon_defaults().items() if key in NOT_TORCHS}
HIGHER_DIMS = ("refuse", "auto", "flatten", "batch")


def layout(shape: torch.Size, group: Mapping[str, Any]) -> Layout:
    """A parameter with its group's view; or its matrices: how many, one after another, and their rows and columns."""
    view = group.get("view")
    if view is not None:
        if not isinstance(view, View):
            raise TypeError(f"view: a libmuon.View is expected, not {type(view).__name__}")
        return Layout(1, tuple(shape), view)
    kind = group["higher_dims"]
    if kind == "auto":
        kind = "batch" if len(shape) == 3 else "flatten"
    if len(shape) > 2 and kind == "flatten":
        return Layout(1, (shape[0], prod(shape[1:])))
    if len(shape) > 2 and kind == "batch":
        return Layout(prod(shape[:-2]), (shape[-2], shape[-1]))
    return Layout(1, tuple(shape))


def check_higher_dims(value: Any, choices: Sequence[str]) -> None:
    """Raises unless it is one of the choices."""
    if value not in choices:
        raise InvalidArgumentError(
            f"higher_dims: {value!r} is not one of {', '.join(map(repr, choices))}"
        )


class Muon(Optimizer):
    """torch.optim.Muon, computed by libmuon on the CPU; and the Muon of the original system.

    For a matrix p (r x c) with gradient g and momentum m, a step is

        m <- momentum m + (1 - momentum) g,  u = (1 - momentum) g + momentum m with nesterov, else m
        O = orthogonalize(u)
        p <- p (1 - lr weight_decay) - lr s e O

    It is called in one of two ways, each with defaults of its own:

    - As torch.optim.Muon: Muon(params, lr, weight_decay, momentum, nesterov, ns_coefficients, eps,
      ns_steps, adjust_lr_fn). lr is 1e-3 and weight_decay 0.1.
    - As the original system, which any of backend, backend_steps, coefficients, momentum_style and
      shape_scale asks for, to be given by keyword: Muon(params, lr=0.02, momentum=0.95,
      nesterov=True, backend="newtonschulz5", backend_steps=5). lr is 0.02 and weight_decay 0. The
      momentum is then m <- momentum m + g, u = g + momentum m, and s is 1, unless said otherwise.

    Options of one way beside options of the other are an error. A parameter group may go the other
    way than the optimizer: that way's own options are then its defaults, where the group does not
    say them; the others, lr and weight_decay too, are the constructor's.

    params: parameters or named parameters (then errors name them), or groups of them as dicts with
        options of their own. Matrices of float32, bfloat16 or float16, and gradients of any of these.
    lr: finite, >= 0; a number or a tensor with one element.
    weight_decay: finite, >= 0; decoupled from the gradient.
    momentum: in [0, 1).
    nesterov: look one step ahead.
    eps: added to the Frobenius norm that u is divided by (torch: its least value); finite, >= 0.

    As torch:
    ns_coefficients: (a, b, c) of the Newton-Schulz iteration, (3.4445, -4.775, 2.0315) by default;
        or, beyond torch, a row of three for each step, of which the last one repeats.
    ns_steps: 1 to 99; 5.
    adjust_lr_fn: the factor s: "original" or None (sqrt(max(1, r/c))), "match_rms_adamw"
        (0.2 sqrt(max(r, c))), "spectral_unclamped" (sqrt(r/c)); beyond torch, "none" (1).

    As the original system, by the names of libmuon.Muon:
    backend, backend_steps, coefficients: "newtonschulz5", and its own number of steps, 5.
    momentum_style: "classic", or "ema": as torch.
    shape_scale: the factor s: "none" (1), "original", "match_rms_adamw" or "spectral".

    Either way:
    precision: of the matrix products: "auto" ("int16" where that is faster, else "f32"), "f32",
        "bf16", "int16": with VNNI as fast as "bf16", and closer, or "int8": twice as fast, and about
        as far off as torch, but farther where a matrix is of rank 1.
    method: of the iteration: "auto", "standard" or "gram", as in libmuon.Muon.
    update_scale: the factor e; finite, > 0.
    cautious_weight_decay: elements of p whose sign is the opposite of that of O are not decayed.
    second_moment, beta2: NorMuon, as in libmuon.Muon. A change of second_moment begins with zeros
        where the state has no "second_momentum_buffer".
    hyperball: p keeps the Frobenius norm it has in its first step, as in libmuon.Muon; each matrix of
        a batch does. weight_decay, 0.1 in torch's way, must then be 0.
    higher_dims: what a parameter of more than 2 dimensions is: "refuse", an error as in torch;
        "flatten", a matrix of shape[0] rows, as for convolutions; "batch", a matrix in the last two
        dimensions for every index of the others; "auto", "batch" for 3 and "flatten" for more, as
        Keller Jordan's. r and c are those of that matrix.
    view: a libmuon.View: how each parameter of the group is seen as matrices, whatever its dimensions and
        higher_dims; r and c are those of a matrix.
    master: what the state keeps of a bfloat16 or float16 parameter, so that small updates are not lost:
        "f32", the parameter in float32, `master` in its state; "remainder", for bfloat16, the other half
        of its bits, for the same steps in a third less memory; "none": nothing. See docs/half-precision.md.
    state_dtype: of the momentum: "f32", or "bf16", to which it is rounded after each step.
    nonfinite: what to do with NaN or infinity in a gradient, or in the state it would leave:
        "error", "skip" or "propagate" (as torch). The default is "error", because orthogonalization spreads one NaN
        over the whole matrix and ends a run for good; one that stopped before anything has changed
        can go on.

    The state is "momentum_buffer", in float32 unless state_dtype says otherwise, and with second_moment "second_momentum_buffer", with hyperball "radius". The momentum is kept as the group's way has it, and
    a state dict says which way that is. So dicts of torch.optim.Muon and of the original system
    load as they are; torch.optim.Muon loads those of groups in torch's way, and for the others what
    torch_state_dict() returns.

    Raises InvalidArgumentError (a ValueError) for an option out of range or one beside another that
    it contradicts, and ShapeError (a ValueError) for a parameter that is no matrix.
    """

    def __init__(
        self,
        params: Any,
        lr: Optional[Union[float, Tensor]] = None,
        weight_decay: Optional[float] = None,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: Optional[Union[Triple, Sequence[Triple]]] = None,
        eps: float = 1e-7,
        ns_steps: Optional[int] = None,
        adjust_lr_fn: Optional[str] = None,
        *,
        backend: Optional[BackendName] = None,
        backend_steps: Optional[int] = None,
        coefficients: Optional[Sequence[Triple]] = None,
        momentum_style: Optional[MomentumStyleName] = None,
        shape_scale: Optional[ShapeScaleName] = None,
        higher_dims: Literal["refuse", "auto", "flatten", "batch"] = "refuse",
        view: Optional[View] = None,
        master: MasterName = "f32",
        state_dtype: Literal["f32", "bf16"] = "f32",
        nonfinite: NonFinitePolicyName = "error",
        **options: Unpack[TorchKeywords],
    ) -> None:
        unknown = sorted(options.keys() - set(NOT_TORCHS))
        if unknown:
            raise TypeError(f"Muon has no argument {unknown[0]!r}")
        given = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
            "backend": backend,
            "backend_steps": backend_steps,
            "coefficients": coefficients,
            "momentum_style": momentum_style,
            "shape_scale": shape_scale,
            "higher_dims": higher_dims,
            "view": view,
            "master": master,
            "state_dtype": state_dtype,
            **DEFAULTS,
            **options,
        }
        dialect = dialect_of(given) or TORCH
        for key, default in COMMON_DEFAULTS[dialect].items():
            if given[key] is None:
                given[key] = default
        super().__init__(params, with_view(completed(given, dialect)), nonfinite)

    _kind = Kind(
        name="Muon",
        create=lib.muon_optimizer_create_muon,
        add_group=lib.muon_optimizer_add_muon_group,
        set_options=lib.muon_optimizer_set_muon_options,
        counts_steps=False,
        options=(
            *COMMON,
            *DIALECTS[TORCH],
            *DIALECTS[LIBMUON],
        ),
        struct=muon_group_struct,
        layout=layout,
        layout_options=(
            "view",
            "higher_dims",
            "second_moment",
            "hyperball",
            "master",
            "state_dtype",
        ),
    )

    def torch_state_dict(self) -> dict[str, Any]:
        """A state dict with which torch.optim.Muon continues, whichever way this optimizer goes.

        For groups in torch's way it says what state_dict() says. For the others the options are
        translated and the momentum is converted: the classic one, times 1 - momentum, is torch's;
        exactly so as long as momentum has not changed. Raises UnsupportedError for a backend that
        torch does not have: one that is not the same three coefficients at each step; and for the
        options that change the step beyond that, as update_scale.
        """
        return exported(self.state_dict())

    def _completed(self, group: dict[str, Any]) -> dict[str, Any]:
        group = with_view(group)
        dialect = dialect_of(group)
        if dialect is None:
            return dict(group)
        same = dialect == dialect_of(self.defaults)
        return completed(group, dialect, self.defaults if same else None)

    def _loaded(self, saved: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
        dialect = dialect_of(saved)
        own = with_view(saved if dialect is None else completed(saved, dialect))
        return super()._loaded(own, current)

    def _check_group(self, group: Mapping[str, Any], number: int) -> None:
        check_higher_dims(group["higher_dims"], HIGHER_DIMS)
        super()._check_group(group, number)
        if group.get("view") is not None:
            with self._made_for(group) as handle:
                for index, parameter in enumerate(group["params"]):
                    label = self._label(number, index)
                    shape = parameter.shape
                    types = types_of(group, parameter.dtype)
                    state_buffers(handle, 0, label, shape, layout(shape, group), types)
            return
        for index, parameter in enumerate(group["params"]):
            if len(layout(parameter.shape, group).extents) != 2:
                hint = ' (see higher_dims)' if parameter.ndim > 2 else ""
                raise ShapeError(
                    "Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{parameter.size()}: {self._label(number, index)}{hint}"
                )
