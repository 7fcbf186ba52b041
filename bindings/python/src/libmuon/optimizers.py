"""Muon and AdamW."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import Structure, byref, sizeof
from typing import Any

from . import _abi
from ._enums import Backend
from ._library import check, lib
from ._options import adamw_options, adamw_struct, fetch_rows, muon_options
from ._options import muon_struct, with_coefficients
from ._signatures import AdamWArguments, MuonArguments
from .optimizer import Params


class Muon(MuonArguments):
    """Muon: momentum, made orthogonal by a few Newton-Schulz steps. For matrices.

    For a matrix p (r x c) with gradient g and momentum m, a step is

        m <- momentum m + g,   u = g + momentum m with nesterov, else m
        O = orthogonalize(u)
        p <- p (1 - lr weight_decay) - lr s e O

    params: an iterable of Parameters, arrays of float32, float16 or bfloat16, or (name, array) pairs; a dict
        of name to array; or a list of groups {"params": [...], "lr": ..., ...}, each with options of its own.
        Every parameter has ndim 2. Arrays are updated in place and never copied.
    lr: finite, >= 0.
    momentum: in [0, 1).
    nesterov: look one step ahead.
    weight_decay: finite, >= 0; decoupled from the gradient.
    backend: how u is made orthogonal: "newtonschulz5", "svd" (exact), "polar_express", "you",
        "cans", "deepseekv4", "cubic5", "turbo", "orthogonalize", or "custom".
    backend_steps: 1 to 99; None for the backend's own number, which is 5 for "newtonschulz5".
    momentum_style: "classic", or "ema": m <- momentum m + (1 - momentum) g, as in torch.
    shape_scale: the factor s: "none" (1), "original" (sqrt(max(1, r/c))), "match_rms_adamw"
        (0.2 sqrt(max(r, c))) or "spectral" (sqrt(r/c)).
    eps: added to the Frobenius norm that u is divided by; finite, >= 0.
    precision: of the matrix products: "auto" ("int16" where that is faster, else "f32"), "f32",
        "bf16", "int16": with VNNI as fast as "bf16", and closer, or "int8": twice as fast, and about
        as far off as torch, but farther where a matrix is of rank 1.
    method: how the backend's polynomial is evaluated: "standard", each step on the matrix; "gram", on
        its Gram matrix, for at most 5 steps of "newtonschulz5", "polar_express", "you",
        "cans" or "cubic5"; or "auto", the cheaper for the shape. "gram" on a matrix that is nearly
        square takes up to 6 times its memory in place of 4.
    coefficients: rows (a, b, c), one for each step, for the backend "custom", which they imply.
        The last row repeats.
    update_scale: the factor e; finite, > 0.
    cautious_weight_decay: elements of p whose sign is the opposite of that of O are not decayed.
    second_moment: "normuon": rows of O are brought nearer to each other in size, by a running mean of
        their squares, "second_momentum_buffer" in the state (NorMuon, arXiv 2510.05491);
        "normuon_long": the same where there are at least as many rows as columns, else columns;
        or "none".
    beta2: how much that mean keeps; in [0, 1).
    hyperball: p keeps the Frobenius norm R it has in its first step, "radius" in the state:
        w = p - lr R O/||O||, p <- R w/||w||. weight_decay must be 0. A p that is zero is an
        InvalidArgumentError in its first step.
    nonfinite: what to do with NaN or infinity in a gradient, or in the state it would leave: "error",
        "skip" or "propagate".

    Raises ShapeError for a parameter that is no matrix, DTypeError for one of another dtype,
    InvalidArgumentError for an option out of range or an array that cannot be used as it is, and
    KeyError for a group with an unknown option. The error names the parameter or the option.
    """

    kind = "Muon"
    _create = lib.muon_optimizer_create_muon
    _add_group = lib.muon_optimizer_add_muon_group

    def _start(self, params: Params, options: dict[str, Any], nonfinite: str) -> None:
        super()._start(params, with_coefficients(options), nonfinite)

    def _struct(self, options: Mapping[str, Any]) -> Structure:
        return muon_struct(options)

    def _read_options(self, group: int) -> dict[str, Any]:
        struct = _abi.MuonOptions(struct_size=sizeof(_abi.MuonOptions))
        check(lib.muon_optimizer_get_muon_options(self._handle, group, byref(struct)))
        rows = None
        if struct.backend == Backend.custom:
            rows = fetch_rows(lib.muon_optimizer_get_coefficients, self._handle, group)
        return muon_options(struct, rows)

    def _write_options(self, group: int, struct: Structure) -> None:
        check(lib.muon_optimizer_set_muon_options(self._handle, group, byref(struct)))


class AdamW(AdamWArguments):
    """AdamW, as torch.optim.AdamW computes it. For parameters of any shape, scalars too.

    At its t-th step, a parameter p with gradient g becomes

        p <- p (1 - lr weight_decay)
        m <- beta1 m + (1 - beta1) g,   v <- beta2 v + (1 - beta2) g^2
        p <- p - lr/(1 - beta1^t) m / (sqrt(v)/sqrt(1 - beta2^t) + eps)

    params: as for Muon, but of any shape.
    lr: finite, >= 0.
    betas: (beta1, beta2), each in [0, 1).
    eps: finite, >= 0.
    weight_decay: finite, >= 0.
    cautious_weight_decay: elements of p whose sign is the opposite of that of the new m are not
        decayed.
    nonfinite: what to do with NaN or infinity in a gradient, or in the state it would leave: "error",
        "skip" or "propagate".

    Raises DTypeError for a parameter of another dtype, InvalidArgumentError for an option out of
    range or an array that cannot be used as it is, and KeyError for a group with an unknown option.
    """

    kind = "AdamW"
    _create = lib.muon_optimizer_create_adamw
    _add_group = lib.muon_optimizer_add_adamw_group

    def _struct(self, options: Mapping[str, Any]) -> Structure:
        return adamw_struct(options)

    def _read_options(self, group: int) -> dict[str, Any]:
        struct = _abi.AdamWOptions(struct_size=sizeof(_abi.AdamWOptions))
        check(lib.muon_optimizer_get_adamw_options(self._handle, group, byref(struct)))
        return adamw_options(struct)

    def _write_options(self, group: int, struct: Structure) -> None:
        check(lib.muon_optimizer_set_adamw_options(self._handle, group, byref(struct)))
