"""Several optimizers that make a step as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Union

from ..errors import InvalidArgumentError
from .optimizer import Optimizer, Rest, clip_together, step_together
from .whole_module import MuonWithAdamW

Member = Union[Optimizer, MuonWithAdamW]


def step(optimizers: Iterable[Member]) -> None:
    """Makes one step of all optimizers, or of none.

        optimizers = build_optimizers(model.named_parameters(), config)
        loss.backward()
        libmuon.torch.step(optimizers)

    All gradients of all of them are looked at before anything is written. Where one of them has NaN or
    infinity, NonFiniteGradientError is raised if its optimizer's nonfinite is "error", and nothing of
    any optimizer has changed; with "skip" the step is left out and counted in skipped_steps of all of
    them. Otherwise the result is that of a step of each, to the bit. Hooks of the optimizers run, as in
    their own step(), and schedulers know of it.

    optimizers: those of this module, none of them twice.

    Raises what their step() raises; the text begins with the number of the optimizer, from 0, where the
    two sides of a MuonWithAdamW are two.
    """
    members = listed(optimizers)
    run(members, 0)


def clip_grad_norm(
    optimizers: Iterable[Member], max_norm: float, grad_scale: float = 1.0
) -> float:
    """Clips the gradients of the next step, all together, and returns their norm ||grad_scale * g||.

    The same as torch.nn.utils.clip_grad_norm_ over all parameters of the optimizers, without writing the
    gradients: what the next step multiplies them by is grad_scale * min(1, max_norm / (norm + 1e-6)). It
    is for one step of each optimizer, made, or skipped or refused for NaN or infinity. Where the norm is not finite
    the factor is grad_scale, and nonfinite decides in the step. Muon's direction does not depend on the
    scale of its gradients: clipping changes only how much one step weighs in the momentum.

    optimizers: those of this module, none of them twice.
    max_norm: at least 0; math.inf clips nothing.
    grad_scale: finite, at least 0: such as 1/n for gradients that are the sum over n batches.

    Raises what step() raises for a gradient that cannot be used.
    """
    members = listed(optimizers)
    parts = [part for each in members for part in each._parts()]
    norm: float = clip_together(members, parts, max_norm, grad_scale)
    return norm


def run(members: Sequence[Member], number: int) -> None:
    """The step within the hooks of all members from a number on, and of those before."""
    if number < len(members):
        # Its own step(), since hooks, schedulers and subclasses are around that.
        members[number].step(Rest(lambda: run(members, number + 1)))
    elif members:
        parts = [part for each in members for part in each._parts()]
        if not step_together(members, parts):
            for each in members:
                each._skipped_steps += 1


def listed(optimizers: Iterable[Member]) -> list[Member]:
    """The optimizers as a list, if all of them can make a step as one."""
    members: list[Any] = [*optimizers]
    for number, each in enumerate(members):
        if not isinstance(each, (Optimizer, MuonWithAdamW)):
            raise TypeError(
                f"optimizers[{number}]: an optimizer of libmuon.torch is expected, "
                f"not {type(each).__name__}"
            )
        if any(each is other for other in members[:number]):
            raise InvalidArgumentError(f"optimizers[{number}] is there twice")
    return members
