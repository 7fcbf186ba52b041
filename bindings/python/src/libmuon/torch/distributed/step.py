"""A step of optimizers with DTensors among their parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Optional

from ..._enums import NonFinitePolicy
from ...errors import MuonError
from ...runtime import build_info
from .agreement import Agreement, Stand, stand_of
from .finite import why_not_finite
from .placement import Ranks, any_placed, is_placed
from .side import Ready, Side

# What a step would raise for NaN or infinity.
Look = Callable[[], Optional[MuonError]]


def is_distributed(optimizers: Sequence[Any]) -> bool:
    """Whether one of some optimizers has a DTensor."""
    return any(any_placed(each.param_groups) for each in optimizers)


def step(optimizers: Sequence[Any]) -> bool:
    """One step of all optimizers, on all ranks of their mesh; whether it was made.

    Where a rank cannot make it, all ranks raise, and nothing has changed on any of them.
    """
    ranks = Ranks(next(
        parameter.device_mesh
        for each in optimizers
        for group in each.param_groups
        for parameter in group["params"]
        if is_placed(parameter)
    ))
    agreement = Agreement(ranks.groups)
    sides: list[Side] = []
    ready: list[Ready] = []
    lines: list[str] = []
    stand = Stand()
    try:
        sides = [side_of(each, ranks) for each in optimizers]
        ready = [each.prepare() for each in sides]
        lines = [instructions()]
        for side, own in zip(sides, ready):
            lines += side.described(own)
        stand = worst_of(
            (each._nonfinite, partial(why_not_finite, [own.here[0], own.away[0]]))
            for each, own in zip(optimizers, ready)
        )
    except Exception as error:
        stand = stand_of(error)
    if not agreement.reached(stand, lines):
        return False
    failure: Optional[BaseException] = None
    try:
        for side, own in zip(sides, ready):
            failure = side.run(own) or failure
        agreement.confirm(failure)
    except BaseException as error:
        for side in sides:
            side.broken = error
        raise
    return True


def side_of(optimizer: Any, ranks: Ranks) -> Side:
    """The side of an optimizer, which is kept from step to step."""
    side: Optional[Side] = optimizer._side
    if side is None or side.ranks.mesh != ranks.mesh or not side.fits(optimizer):
        optimizer._side = side = None
        side = Side(optimizer, ranks)
        optimizer._side = side
    return side


def worst_of(looks: Iterable[tuple[NonFinitePolicy, Look]]) -> Stand:
    """How a rank stands after a look at the gradients of each of its optimizers, by its policy."""
    worst = Stand()
    for policy, look in looks:
        if policy is not NonFinitePolicy.propagate:
            found = stand_of(look(), policy is NonFinitePolicy.skip)
            worst = max(worst, found, key=lambda each: each.code)
    return worst


def instructions() -> str:
    """The version and the instructions that results depend on."""
    return "; ".join(build_info().split("; ")[:2]) + " (MUON_MAX_CPU=… makes them the same)"
