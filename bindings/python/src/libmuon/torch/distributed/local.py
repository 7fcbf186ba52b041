"""DTensors as the library's sessions see them: plain tensors, which are this rank's parts."""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Optional

import torch
from torch import Tensor

from ..._enums import NonFinitePolicy
from ...errors import InvalidArgumentError
from .._session import Kind, Names, Session, Work
from .._tensors import address
from .placement import Placement, is_placed, local_of


class Entry:
    """A parameter with the plain tensor that stands for it here, and their state."""

    def __init__(
        self,
        parameter: Tensor,
        label: str,
        placement: Optional[Placement],
        shapes: Mapping[str, torch.Size],
    ) -> None:
        """placement: None of a plain parameter. shapes: of the state of the whole parameter, by key."""
        self.parameter, self.label, self.placement, self.shapes = (
            parameter, label, placement, shapes
        )
        self.stand_in = parameter if placement is None else local_of(parameter).detach()
        # Whether it is a stack of matrices of which whole ones are here.
        self.is_stack = False
        # By key, the DTensors in the optimizer's state with the plain tensors that they are made of.
        self.wrapped: dict[str, tuple[Tensor, Tensor]] = {}

    def take(self) -> None:
        """Takes the memory and the gradient that the parameter has now."""
        if self.placement is None:
            return
        local = local_of(self.parameter)
        if (
            address(local) != address(self.stand_in)
            or local.shape != self.stand_in.shape
            or local.dtype != self.stand_in.dtype
        ):
            self.stand_in = local.detach()
        grad: Any = self.parameter.grad
        if grad is None:
            self.stand_in.grad = None
            return
        if not is_placed(grad):
            raise InvalidArgumentError(
                f"the gradient of {self.label}: a DTensor is expected, not a {type(grad).__name__}"
            )
        if tuple(grad.placements) != self.placement.placements:
            raise InvalidArgumentError(
                f"the gradient of {self.label}: placements {self.placement.placements} are expected, "
                f"as the parameter's, not {tuple(grad.placements)}"
            )
        if self.stand_in.grad is not local_of(grad):
            self.stand_in.grad = local_of(grad)

    def state_of(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """The parts here of a parameter's state."""
        if self.placement is None:
            return dict(own)
        result = {}
        for key, value in own.items():
            known = self.wrapped.get(key)
            if known is not None and known[0] is value and same_memory(*known):
                result[key] = known[1]
            elif key in self.shapes:
                result[key] = self._part(key, value)
            else:
                result[key] = value
        return result

    def _part(self, key: str, value: Any) -> Any:
        assert self.placement is not None
        part = self.placement.part_of(f"{self.label}: {key}", value, self.shapes[key])
        if part is None:
            raise InvalidArgumentError(
                f"{self.label}: {key}: a tensor of shape {tuple(self.shapes[key])}, placed as the "
                "parameter or whole, is expected"
            )
        if self.is_stack and part.ndim > 2 and part.shape != self.stand_in.shape:
            # Of one matrix the library drops the dimension of the stack.
            part = part.view(part.shape[-2:]) if prod(part.shape[:-2]) == 1 else part
        self.wrapped[key] = (value, part)
        return part

    def put(self, state: Mapping[str, Any], own: dict[str, Any]) -> None:
        """Puts the parts here into the optimizer's state, as DTensors."""
        for key in [*own]:
            if key not in state:
                del own[key]
                self.wrapped.pop(key, None)
        for key, value in state.items():
            known = self.wrapped.get(key)
            if self.placement is None or key not in self.shapes:
                own[key] = value
            elif known is None or known[1] is not value or not is_placed(own.get(key)):
                part = value
                shape = self.shapes[key]
                if part.ndim < len(shape):
                    part = part.view((1,) * (len(shape) - part.ndim) + part.shape)
                own[key] = self.placement.wrapped(part, shape)
                self.wrapped[key] = (own[key], value)


def same_memory(whole: Any, part: Tensor) -> bool:
    """Whether a DTensor still has the memory of a plain tensor."""
    return bool(is_placed(whole) and address(local_of(whole)) == address(part))


class Locals:
    """Parameters of one optimizer, of which each rank has a part, with a session of the library's for the
    parts that are here."""

    def __init__(
        self, kind: Kind, entries: Sequence[Sequence[Entry]], groups: Sequence[dict[str, Any]],
        instead: Mapping[str, Any],
    ) -> None:
        """entries: of each group. instead: options in place of those of the groups."""
        self.kind, self.entries = kind, entries
        self.own: list[dict[str, Any]] = [
            {**instead, "params": [], "param_names": [each.label for each in part]}
            for part in entries
        ]
        # They show what the groups say at any time.
        self.groups: list[Any] = [ChainMap(own, group) for own, group in zip(self.own, groups)]
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.session: Optional[Session] = None
        self.entry_of: dict[int, Entry] = {}

    def prepare(self, state: Mapping[Tensor, Any], policy: NonFinitePolicy) -> tuple[Session, Work]:
        """All of a step that can fail for what the caller gave, but the look for NaN and infinity."""
        fresh: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        for own, part in zip(self.own, self.entries):
            for entry in part:
                entry.take()
                if entry.parameter in state:
                    fresh[entry.stand_in] = entry.state_of(state[entry.parameter])
            own["params"] = [entry.stand_in for entry in part]
        self.state = fresh
        session = self.session
        if session is None or session.policy is not policy or not session.fits(self.groups, fresh):
            # The old one goes first: its parameters are bound to memory the new one binds.
            self.session = session = None
            session = Session(self.kind, self.groups, policy, Names())
            self.session = session
        work = session.prepare(self.groups, fresh)
        self.entry_of = {id(each.stand_in): each for part in self.entries for each in part}
        return session, work

    def entry(self, stand_in: Tensor) -> Entry:
        """The entry of a parameter of the session."""
        return self.entry_of[id(stand_in)]

    def put(self, work: Work, state: dict[Tensor, Any]) -> None:
        """Puts what a step has made into the optimizer's state."""
        for slot, _ in work:
            entry = self.entry(slot.parameter)
            entry.put(self.state[slot.parameter], state[entry.parameter])
