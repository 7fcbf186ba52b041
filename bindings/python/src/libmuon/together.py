"""Several optimizers as one: those of build_optimizers, or any others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ctypes import byref, c_double
from typing import Any, Union

from ._abi import OptimizerHandle
from ._exchange import make_step
from ._library import check, lib
from ._options import number, ordered
from .optimizer import Optimizer

Optimizers = Union[Optimizer, Iterable[Optimizer]]


def step(optimizers: Optimizers) -> None:
    """Makes one step of all optimizers, or of none, with the .grad of their parameters.

        optimizers = libmuon.build_optimizers(parameters, config)
        ...
        libmuon.step(optimizers)

    All gradients of all of them are looked at before anything is written. Where one of them has NaN or
    infinity, NonFiniteGradientError is raised if its optimizer's nonfinite is "error", and nothing of
    any optimizer has changed; with "skip" the step is left out and counted in skipped_steps of all of
    them. Otherwise the result is that of a step of each, to the bit.

    optimizers: at most 256, none of them twice; of no optimizers there is nothing to do.

    Raises what Optimizer.step raises; the text begins with the number of the optimizer, from 0.
    """
    members = listed(optimizers)
    for each in members:
        each._exchange()
    make_step(members, lib.muon_optimizers_step, optimizer_handles(members), len(members))


def clip_grad_norm(optimizers: Optimizers, max_norm: float, grad_scale: float = 1.0) -> float:
    """Clips the gradients of the next step, all together, and returns their norm ||grad_scale * g||.

    What the next step of each optimizer multiplies its gradients by becomes
    grad_scale * min(1, max_norm / (norm + 1e-6)), as torch's clip_grad_norm_ has it; see
    Optimizer.grad_scale. Gradients are only read. Where the norm is not finite the factor is grad_scale, and
    step() does what .nonfinite says. Muon's direction does not depend on the scale of its gradients:
    clipping changes only how much one step weighs in the momentum.

    max_norm: at least 0; math.inf clips nothing.
    grad_scale: finite, at least 0: such as 1/n for gradients that are the sum over n batches.
    """
    members = listed(optimizers)
    for each in members:
        each._exchange()
    return clip(optimizer_handles(members), max_norm, grad_scale)


def zero_grad(optimizers: Optimizers, set_to_none: bool = False) -> None:
    """Writes zeros into every gradient, or with set_to_none sets .grad to None instead."""
    for each in listed(optimizers):
        each.zero_grad(set_to_none)


def set_lr(optimizers: Optimizers, lr: float) -> None:
    """Sets the learning rate of all groups of all optimizers: finite, at least 0."""
    members = listed(optimizers)
    check(lib.muon_optimizers_set_lr(optimizer_handles(members), len(members), number("lr", lr)))


def listed(optimizers: Optimizers, name: str = "optimizers") -> list[Optimizer]:
    """The optimizers as a list; name: of the argument, for errors."""
    members = (
        [optimizers]
        if isinstance(optimizers, Optimizer)
        else ordered(name, optimizers, "an optimizer, or a list of them,")
    )
    for each in members:
        if not isinstance(each, Optimizer):
            raise TypeError(f"an optimizer is expected, not {type(each).__name__}")
    return members


def optimizer_handles(optimizers: Sequence[Optimizer]) -> Any:
    """An array of their handles for C."""
    return handle_array([each._handle for each in optimizers])


def handle_array(handles: Sequence[Any]) -> Any:
    """An array for C."""
    return (OptimizerHandle * len(handles))(*handles)


def clip(handles: Any, max_norm: float, grad_scale: float) -> float:
    """clip_grad_norm of an array of handles."""
    limits, norm = (number("grad_scale", grad_scale), number("max_norm", max_norm)), c_double()
    check(lib.muon_optimizers_clip_grad_norm(handles, len(handles), *limits, byref(norm)))
    return norm.value
