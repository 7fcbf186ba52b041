"""Learning-rate schedulers. They give the numbers of torch.optim.lr_scheduler.

Not where torch's constructors interfere with each other: at step 0 of some combined schedules, and at all steps of a
SequentialLR whose first part is a SequentialLR or ChainedScheduler with a CosineAnnealingLR.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ctypes import byref, c_double, c_int64, c_size_t
from typing import Any, Optional, Protocol, Union

from ._abi import ScheduleHandle, SchedulerHandle
from ._library import check, free_with, lib
from ._options import number, ordered, require_keys, whole
from .errors import InvalidArgumentError
from .optimizer import Optimizer
from .together import listed, optimizer_handles


class Driven(Protocol):
    """What a scheduler can drive: an Optimizer; for the schedulers of libmuon.torch, one of torch."""

    @property
    def param_groups(self) -> Any: ...


# One, or several together.
Optimizers = Union[Driven, Iterable[Driven]]


class Scheduler:
    """Sets the learning rates of one optimizer, or of several together, as a function of the step.

    Making one sets the rates of step 0; call step() after each optimizer.step(). Every group's
    rate starts from its "initial_lr": its lr when its first scheduler was made.

    option: what every scheduler drives: "lr"; "momentum" of Muons; or "weight_decay". Of the other two
    the base is the group's value when its first scheduler for the option was made, and "rate" means
    their value. A momentum of style "classic" that changes also changes how large the buffer
    becomes; "ema" is the one to schedule:

        Trapezoid(muon, 300, 50, total, 0.85 / 0.95, 0.85 / 0.95, option="momentum")

    This is the base of the schedulers, and what build_schedulers returns.
    """

    _schedule: Optional[ScheduleHandle] = None

    def __init__(
        self, optimizer: Optimizers, option: str, create: Any, *arguments: Any
    ) -> None:
        optimizers = self._driven(optimizer)
        if not isinstance(option, str):
            raise TypeError(f"option: a str is expected, not {type(option).__name__}")
        schedule = ScheduleHandle()
        check(create(*arguments, byref(schedule)))
        free_with(self, lib.muon_schedule_destroy, schedule)
        self._schedule = schedule
        self._start(optimizers, option)

    def _driven(self, optimizer: Any) -> list[Any]:
        """The optimizers of a scheduler, of which there is one at least."""
        optimizers = listed(optimizer, "optimizer")
        if not optimizers:
            raise InvalidArgumentError("a scheduler needs at least one optimizer")
        return optimizers

    def _start(self, optimizers: list[Any], option: str) -> None:
        """Sets the rates of step 0."""
        handle = SchedulerHandle()
        handles = optimizer_handles(optimizers)
        name, count = option.encode("utf-8", "backslashreplace"), len(handles)
        check(
            lib.muon_scheduler_create_for_option(
                self._schedule, name, handles, count, byref(handle)
            )
        )
        self._own(handle, optimizers)

    def _own(self, handle: SchedulerHandle, optimizers: list[Any]) -> None:
        self._handle = handle
        self._optimizers: list[Any] = optimizers
        free_with(self, lib.muon_scheduler_destroy, handle)

    @classmethod
    def _adopt(cls, handle: SchedulerHandle, optimizer: Optimizer) -> Scheduler:
        """A scheduler that a builder of the library made."""
        self = cls.__new__(cls)
        self._own(handle, [optimizer])
        return self

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers whose rates it sets."""
        return list(self._optimizers)

    @property
    def optimizer(self) -> Optimizer:
        """The first of them."""
        return self.optimizers[0]

    @property
    def last_epoch(self) -> int:
        """The step it is at, from 0. The name is torch's."""
        step = c_int64()
        check(lib.muon_scheduler_get_step(self._handle, byref(step)))
        return step.value

    def _go_to(self, step: int) -> None:
        """Goes to a step and sets its rates."""
        check(lib.muon_scheduler_set_step(self._handle, step))

    def step(self) -> None:
        """Goes to the next step and sets its rates. Call it after optimizer.step()."""
        check(lib.muon_scheduler_step(self._handle))

    def get_last_lr(self) -> list[float]:
        """The rates last set: one for each parameter group, optimizer by optimizer."""
        count = c_size_t()
        check(lib.muon_scheduler_get_last_lr(self._handle, None, 0, byref(count)))
        rates = (c_double * count.value)()
        check(lib.muon_scheduler_get_last_lr(self._handle, rates, count, byref(count)))
        return list(rates)

    def state_dict(self) -> dict[str, Any]:
        """The step it is at. The values that it multiplies are in the state of the optimizers."""
        return {"kind": type(self).__name__, "last_epoch": self.last_epoch}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Goes to the saved step and sets its rates. Load the optimizers' state first.

        The schedule itself is not saved: make the scheduler with the arguments it had.
        """
        require_keys("state_dict", state_dict, ("kind", "last_epoch"))
        kind = type(self).__name__
        if state_dict["kind"] != kind:
            raise InvalidArgumentError(f"state_dict: of {state_dict['kind']}, this is {kind}")
        self._go_to(whole("state_dict: last_epoch", state_dict["last_epoch"]))

    def __reduce__(self) -> Any:
        raise TypeError(f"{type(self).__name__} cannot be pickled or copied; use its state_dict()")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(last_epoch={self.last_epoch}, lr={self.get_last_lr()})"


class LinearLR(Scheduler):
    """The factor goes from start_factor in a straight line to end_factor at step total_iters.

    optimizer: one optimizer, or a list of them. start_factor: above 0, at most 1. end_factor: 0 to
    1. total_iters: at least 1; after it the factor stays. Others raise InvalidArgumentError.
    """

    def __init__(
        self,
        optimizer: Optimizers,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        *,
        option: str = "lr",
    ) -> None:
        super().__init__(
            optimizer,
            option,
            lib.muon_schedule_create_linear,
            number("start_factor", start_factor),
            number("end_factor", end_factor),
            whole("total_iters", total_iters),
        )


class ConstantLR(Scheduler):
    """The rate is multiplied by factor (0 to 1) until step total_iters (at least 1)."""

    def __init__(
        self,
        optimizer: Optimizers,
        factor: float = 1 / 3,
        total_iters: int = 5,
        *,
        option: str = "lr",
    ) -> None:
        super().__init__(
            optimizer,
            option,
            lib.muon_schedule_create_constant,
            number("factor", factor),
            whole("total_iters", total_iters),
        )


class CosineAnnealingLR(Scheduler):
    """Half a cosine from the initial rate down to eta_min at step T_max (at least 1).

    eta_min is a rate, not a factor. After T_max the rate rises again, as torch's does.
    """

    def __init__(
        self, optimizer: Optimizers, T_max: int, eta_min: float = 0.0, *, option: str = "lr"
    ) -> None:
        super().__init__(
            optimizer,
            option,
            lib.muon_schedule_create_cosine,
            whole("T_max", T_max),
            number("eta_min", eta_min),
        )


class Trapezoid(Scheduler):
    """Warmup, stable, decay.

    The factor goes from start_factor to 1 at step warmup_steps, stays at 1 until step
    total_steps - decay_steps, goes to end_factor at step total_steps, and stays there. Factors are
    0 to 1, steps at least 0, and warmup_steps + decay_steps at most total_steps.
    """

    def __init__(
        self,
        optimizer: Optimizers,
        warmup_steps: int,
        decay_steps: int,
        total_steps: int,
        start_factor: float = 0.0,
        end_factor: float = 0.0,
        *,
        option: str = "lr",
    ) -> None:
        super().__init__(
            optimizer,
            option,
            lib.muon_schedule_create_trapezoid,
            whole("warmup_steps", warmup_steps),
            whole("decay_steps", decay_steps),
            whole("total_steps", total_steps),
            number("start_factor", start_factor),
            number("end_factor", end_factor),
        )


class SequentialLR(Scheduler):
    """schedulers[0] until step milestones[0], then schedulers[1] until milestones[1], and so on.

    Each begins at its own step 0. Make the schedulers for the same optimizers, then hand them over
    and step this one alone. There is one milestone less than schedulers; milestones increase.
    """

    def __init__(
        self,
        optimizer: Optimizers,
        schedulers: Sequence[Scheduler],
        milestones: Sequence[int],
        *,
        option: str = "lr",
    ) -> None:
        optimizers = self._driven(optimizer)
        handles = schedule_handles(ordered("schedulers", schedulers), optimizers)
        steps = [
            whole(f"milestones[{index}]", each)
            for index, each in enumerate(ordered("milestones", milestones))
        ]
        super().__init__(
            optimizers,
            option,
            lib.muon_schedule_create_sequential,
            handles,
            len(handles),
            (c_int64 * len(steps))(*steps),
            len(steps),
        )


class ChainedScheduler(Scheduler):
    """All schedulers at once, each applied to the rate that the ones before it gave.

    Make the schedulers for the same optimizers, then hand them over and step this one alone.
    optimizer: None for the optimizers of the schedulers.
    """

    def __init__(
        self,
        schedulers: Sequence[Scheduler],
        optimizer: Optional[Optimizers] = None,
        *,
        option: str = "lr",
    ) -> None:
        schedulers = ordered("schedulers", schedulers)
        if not schedulers:
            raise InvalidArgumentError("schedulers: at least one is needed")
        if optimizer is not None:
            optimizers = self._driven(optimizer)
        else:
            optimizers = schedulers[0].optimizers if isinstance(schedulers[0], Scheduler) else []
        handles = schedule_handles(schedulers, optimizers)
        super().__init__(
            optimizers, option, lib.muon_schedule_create_chained, handles, len(handles)
        )


def schedule_handles(schedulers: Sequence[Scheduler], optimizers: list[Any]) -> Any:
    """The schedules inside schedulers, for C, after a check that they drive the same optimizers."""
    handles = []
    for index, scheduler in enumerate(schedulers):
        if not isinstance(scheduler, Scheduler):
            raise TypeError(
                f"schedulers[{index}]: a scheduler is expected, not {type(scheduler).__name__}"
            )
        if scheduler._schedule is None:
            raise InvalidArgumentError(
                f"schedulers[{index}]: made by build_schedulers, it is no part of another"
            )
        if [*map(id, scheduler._optimizers)] != [*map(id, optimizers)]:
            raise InvalidArgumentError(f"schedulers[{index}]: it drives another optimizer")
        handles.append(scheduler._schedule)
    return (ScheduleHandle * len(handles))(*handles)
