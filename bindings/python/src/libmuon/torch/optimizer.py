"""Optimizer: what the torch optimizers have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from ctypes import byref
from typing import Any, ClassVar, Optional

import torch
from torch import Tensor

from .. import _abi
from .._enums import NonFinitePolicy
from .._library import check, lib
from .._lock import give_lock
from .._log import Later
from .._options import member
from ..errors import InvalidArgumentError, MuonError, UnsupportedError
from ._buffers import state_buffers, types_of
from ._checkpoint import Kept, kept_state, with_plain_views
from ._compile import uncompiled
from ._session import Kind, Names, Prepared, Session, clip, make_step
from ._tensors import step_tensor
from .distributed.loading import kept_placed_state
from .distributed.placement import Placement, is_placed
from .distributed.side import Side
from .distributed.step import is_distributed
from .distributed.step import step as distributed_step


class Optimizer(torch.optim.Optimizer):
    """The base of Muon and AdamW, which are to be used."""

    _kind: ClassVar[Kind]
    # Made at the first step, and again after whatever moves parameters, groups or state.
    _session: Optional[Session] = None
    # In its place, where parameters are DTensors.
    _side: Optional[Side] = None
    _lock: AbstractContextManager[Any]
    _names = Names()
    # Of the next step, for the sessions that are made until then: see clip_grad_norm.
    _grad_scale = 1.0

    def __init__(self, params: Any, defaults: dict[str, Any], nonfinite: str) -> None:
        lr = defaults["lr"]
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise InvalidArgumentError("Tensor lr must be 1-element")
        give_lock(self)
        self._skipped_steps = 0
        self.nonfinite = nonfinite
        super().__init__(params, defaults)

    # ---- Training

    @torch.no_grad()
    def step(self, closure: Optional[Callable[[], Any]] = None) -> Any:
        """Makes one step: updates every parameter that has a gradient, in place.

        closure: called first, with gradients enabled, to compute the loss; step returns its result.

        A parameter whose gradient is None is passed over and its state untouched. Raises
        NonFiniteGradientError for NaN or infinity in a gradient or in the state that it would leave (see
        .nonfinite; what others write into the state's tensors in place is not looked at),
        InvalidArgumentError for an option out of range, and UnsupportedError for a parameter that
        is float64 and for a parameter or gradient that is complex, sparse, or not in CPU memory;
        then no parameter of any group and no state has changed.

        With DTensors among the parameters all ranks of their mesh make the step, or none: what one cannot do
        raises on all of them. ExchangeError says in what they differ, or that one is lost.
        """
        if isinstance(closure, Rest):
            return closure()
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if not step_together([self], [self]):
            self._skipped_steps += 1
        return loss

    def _parts(self) -> list[Optimizer]:
        """The optimizers of the library's that make its step."""
        return [self]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """As torch's; not while another thread's step reads the gradients."""
        with self._lock:
            super().zero_grad(set_to_none)

    def _ready(self) -> Session:
        """The session, which fits."""
        groups, session = self.param_groups, self._session
        if session is None or not session.fits(groups, self.state):
            # The old one goes first: its parameters are bound to memory the new one binds.
            self._session = session = None
            session = Session(self._kind, groups, self._nonfinite, self._names)
            session.grad_scale = self._grad_scale
            self._session = session
        return session

    @property
    def nonfinite(self) -> str:
        """What step() does with NaN or infinity in a gradient, or in the state it would leave.

        "error" raises NonFiniteGradientError, "skip" leaves the whole step out and counts it in
        skipped_steps; both change nothing else. "propagate" goes on, as torch does.
        """
        return self._nonfinite.name

    @nonfinite.setter
    def nonfinite(self, value: str) -> None:
        policy = NonFinitePolicy(member("nonfinite", value, NonFinitePolicy))
        with self._lock:
            self._nonfinite, self._session = policy, None

    @property
    def skipped_steps(self) -> int:
        """How many steps were left out because nonfinite is "skip"."""
        return self._skipped_steps

    # ---- Parameter groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds {"params": [...], "lr": ..., ...}; options not given are the constructor's."""
        if isinstance(param_group, dict):
            if "nonfinite" in param_group:
                raise InvalidArgumentError(
                    "nonfinite is the whole optimizer's: give it to the constructor, not to a group"
                )
            param_group = self._completed(param_group)
        with Later(), self._lock:
            super().add_param_group(param_group)
            try:
                self._check_group(self.param_groups[-1], len(self.param_groups) - 1)
            except BaseException:
                self.param_groups.pop()
                raise

    def _completed(self, group: dict[str, Any]) -> dict[str, Any]:
        """A new group with what its options imply for others; torch adds the defaults."""
        return dict(group)

    def _loaded(self, saved: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
        """A group of a state dict; what it does not say is as in the current group."""
        return {**{key: current[key] for key in self.defaults if key in current}, **saved}

    def _check_group(self, group: Mapping[str, Any], number: int) -> None:
        """Raises unless the library takes the options and shapes of a group."""
        types_of(group, torch.float32)
        with self._made_for(group):
            pass
        for index, parameter in enumerate(group["params"]):
            if is_placed(parameter):
                Placement(self._label(number, index), parameter)

    @contextmanager
    def _made_for(self, group: Mapping[str, Any]) -> Iterator[Any]:
        """An optimizer of the library with the options of a group, and no parameters."""
        handle = _abi.OptimizerHandle()
        check(self._kind.create(byref(self._kind.struct(group)), byref(handle)))
        try:
            yield handle
        finally:
            check(lib.muon_optimizer_destroy(handle))

    def _label(self, number: int, index: int) -> str:
        """What messages call a parameter of a group."""
        first = sum(len(group["params"]) for group in self.param_groups[:number])
        return self._names.of(self.param_groups[number], index, first)

    # ---- Saving and resuming

    def state_dict(self) -> dict[str, Any]:
        """As torch's; of one moment, whichever thread makes steps meanwhile."""
        with self._lock:
            return with_plain_views(super().state_dict())

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from what state_dict() of this class, or of torch's of the same name, returned.

        As with torch, options of the groups come from the dict too. State is copied, and kept in
        float32 whatever the type of the parameters. Options and shapes are checked first: if one
        does not fit, an error names it and nothing has changed.
        """
        with Later(), self._lock:
            hook = self.register_load_state_dict_pre_hook(prepared)
            try:
                super().load_state_dict(state_dict)
            finally:
                hook.remove()

    def __getstate__(self) -> dict[str, Any]:
        own = ("_nonfinite", "_skipped_steps", "_names")
        return {**super().__getstate__(), **{key: getattr(self, key) for key in own}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_lock" not in self.__dict__:
            give_lock(self)  # a copy
        super().__setstate__(state)
        self._session = self._side = None
        for own in self.state.values():
            if isinstance(own, dict):
                for key, value in own.items():
                    if isinstance(value, Kept):
                        own[key] = value.tensor
                if self._kind.counts_steps and "step" in own:
                    own["step"] = step_tensor(own["step"])


class Rest:
    """What step() gets in place of a closure where several optimizers make a step as one: all of that
    step is in it, and its hooks are around it. See step of libmuon.torch."""

    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run

    def __call__(self) -> None:
        self._run()


@uncompiled
@torch.no_grad()
def step_together(owners: Sequence[Any], optimizers: Sequence[Optimizer]) -> bool:
    """One step of all optimizers; whether it was made. If this raises, none has changed.

    owners: those of the locks. Other threads may set gradients and the .data of parameters meanwhile.
    """
    with Later(), ExitStack() as locks:
        # In one order, so that no two threads wait for each other.
        for owner in sorted(owners, key=id):
            locks.enter_context(owner._lock)
        return step_alone(optimizers)


def step_alone(optimizers: Sequence[Optimizer]) -> bool:
    """The same, with the locks."""
    if is_distributed(optimizers):
        return distributed_step(optimizers)
    try:
        with forgetting_doubts(optimizers):
            return make_step(all_prepared(optimizers))
    finally:
        # It was for this step, unless that can be tried again.
        for each in optimizers:
            if each._session is not None:
                each._grad_scale = each._session.grad_scale


@uncompiled
@torch.no_grad()
def clip_together(
    owners: Sequence[Any], optimizers: Sequence[Optimizer], max_norm: float, grad_scale: float
) -> float:
    """Clips the gradients of the next step of all optimizers, and returns their norm."""
    if is_distributed(optimizers):
        raise UnsupportedError(
            "clip_grad_norm does not take DTensors: torch.nn.utils.clip_grad_norm_ does"
        )
    with Later(), ExitStack() as locks:
        for owner in sorted(owners, key=id):
            locks.enter_context(owner._lock)
        with forgetting_doubts(optimizers):
            norm = clip(all_prepared(optimizers), max_norm, grad_scale)
        for each in optimizers:
            each._grad_scale = each._ready().grad_scale
        return norm


def all_prepared(optimizers: Sequence[Optimizer]) -> list[Prepared]:
    """What each optimizer brings to a step."""
    ready = []
    for each in optimizers:
        session = each._ready()
        work = session.prepare(each.param_groups, each.state)
        ready.append(Prepared(session, work, each.state))
    return ready


@contextmanager
def forgetting_doubts(optimizers: Sequence[Optimizer]) -> Iterator[None]:
    """Gives sessions up that may no longer know what the library has."""
    try:
        yield
    except BaseException as error:
        for each in optimizers:
            # After an interrupt it may not know what the library has.
            if each._session and not (each._session.sound and isinstance(error, MuonError)):
                each._session = None
        raise


def prepared(optimizer: Any, state_dict: dict[str, Any]) -> dict[str, Any]:
    """The last hook before loading: a state dict that is checked, complete, and in float32."""
    saved, groups = state_dict["param_groups"], optimizer.param_groups
    if [len(each["params"]) for each in saved] != [len(each["params"]) for each in groups]:
        return state_dict  # torch says what is wrong
    completed = [optimizer._loaded(*pair) for pair in zip(saved, groups)]
    state = dict(state_dict["state"])
    for number, group in enumerate(completed):
        optimizer._check_group({**group, "params": groups[number]["params"]}, number)
        with optimizer._made_for(group) as handle:
            for index, parameter in enumerate(groups[number]["params"]):
                key = group["params"][index]
                if key in state:
                    label = f"state_dict: {optimizer._label(number, index)}"
                    layout = optimizer._kind.layout(parameter.shape, group)
                    types = types_of(group, parameter.dtype)
                    buffers = state_buffers(handle, 0, label, parameter.shape, layout, types)
                    shapes = {each.key: each.shape for each in buffers}
                    given = label, state[key], shapes, optimizer._kind.counts_steps
                    if is_placed(parameter):
                        state[key] = kept_placed_state(parameter, *given)
                    else:
                        state[key] = kept_state(*given)
    return {**state_dict, "state": state, "param_groups": completed}
