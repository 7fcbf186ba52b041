"""Schedulers of the learning rate, the momentum or the weight decay of torch optimizers."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import byref, c_double
from typing import Any

import torch
from torch import Tensor

from .. import schedulers
from .._library import check, lib
from .._options import ordered
from ..errors import InvalidArgumentError
from ._tensors import plain

OPTIONS = ("lr", "momentum", "weight_decay")


class Scheduler(schedulers.Scheduler):
    """Sets an option of one torch optimizer, or of several, as a function of the step. They need not be ours.

    Making one sets the values of step 0; call step() after each optimizer.step(). torch's own schedulers change
    the learning rate alone.

        Trapezoid(optimizer, 300, 50, total, 0.85 / 0.95, 0.85 / 0.95, option="momentum")

    option: "lr", "momentum" or "weight_decay", of all groups that have it; an AdamW has no momentum. The base is
        the group's value when its first scheduler for the option was made, its "initial_lr",
        "initial_momentum" or "initial_weight_decay", which the optimizer's state_dict() has.

    To resume, make optimizers and schedulers as before, and load the state of the optimizers, then that of the
    schedulers.

    This is the base of the schedulers, which take the same arguments as those of libmuon without torch.
    """

    def _driven(self, optimizer: Any) -> list[Any]:
        alone = isinstance(optimizer, torch.optim.Optimizer)
        optimizers = [optimizer] if alone else ordered("optimizer", optimizer)
        for number, each in enumerate(optimizers):
            if not isinstance(each, torch.optim.Optimizer):
                raise TypeError(
                    f"optimizer: {number}: an optimizer of torch is expected, not {type(each).__name__}"
                )
            if any(each is other for other in optimizers[:number]):
                raise InvalidArgumentError(f"optimizer: {number} is there twice")
        if not optimizers:
            raise InvalidArgumentError("a scheduler needs at least one optimizer")
        return optimizers

    def _start(self, optimizers: list[Any], option: str) -> None:
        if option not in OPTIONS:
            raise InvalidArgumentError(
                f"no scheduler drives {option!r}; it can be one of {', '.join(OPTIONS)}"
            )
        for number, each in enumerate(optimizers):
            if not any(option in group for group in each.param_groups):
                raise InvalidArgumentError(
                    f"optimizer {number} ({type(each).__name__}) has no {option} to schedule"
                )
        self._optimizers, self._option = optimizers, option
        self._go_to(0)

    @property
    def optimizers(self) -> Any:
        """The optimizers of torch whose values it sets, in a list."""
        return list(self._optimizers)

    @property
    def optimizer(self) -> Any:
        """The first of them."""
        return self._optimizers[0]

    def _groups(self) -> Iterable[dict[str, Any]]:
        for each in self.optimizers:
            yield from (group for group in each.param_groups if self._option in group)

    @property
    def last_epoch(self) -> int:
        """The step it is at, from 0. The name is torch's."""
        return self._last_epoch

    def step(self) -> None:
        """Goes to the next step and sets its values. Call it after optimizer.step()."""
        self._go_to(self._last_epoch + 1)

    def get_last_lr(self) -> list[float]:
        """The values of the option: one for each parameter group that has it, optimizer by optimizer."""
        return [float(plain(group[self._option])) for group in self._groups()]

    def _go_to(self, step: int) -> None:
        """Works out all values before any is set."""
        groups, initial = [*self._groups()], f"initial_{self._option}"
        bases = [float(plain(group.get(initial, group[self._option]))) for group in groups]
        values = []
        for base in bases:
            value = c_double()
            check(lib.muon_schedule_get_rate(self._schedule, base, step, byref(value)))
            values.append(value.value)
        for group, base, new in zip(groups, bases, values):
            group.setdefault(initial, base)
            if isinstance(group[self._option], Tensor):
                group[self._option].fill_(new)
            else:
                group[self._option] = new
        self._last_epoch = step


class LinearLR(Scheduler, schedulers.LinearLR):
    """libmuon.LinearLR for torch optimizers: see Scheduler."""


class ConstantLR(Scheduler, schedulers.ConstantLR):
    """libmuon.ConstantLR for torch optimizers: see Scheduler."""


class CosineAnnealingLR(Scheduler, schedulers.CosineAnnealingLR):
    """libmuon.CosineAnnealingLR for torch optimizers: see Scheduler."""


class Trapezoid(Scheduler, schedulers.Trapezoid):
    """libmuon.Trapezoid for torch optimizers: see Scheduler."""


class SequentialLR(Scheduler, schedulers.SequentialLR):
    """libmuon.SequentialLR for torch optimizers: see Scheduler."""


class ChainedScheduler(Scheduler, schedulers.ChainedScheduler):
    """libmuon.ChainedScheduler for torch optimizers: see Scheduler."""
