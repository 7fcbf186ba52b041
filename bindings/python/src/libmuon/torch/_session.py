"""The library's optimizer over the memory of torch's tensors."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from ctypes import Structure, byref, c_int64, sizeof
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from .. import _abi
from .._enums import Buffer, DType, NonFinitePolicy
from .._library import check, lib
from .._options import number as real
from ._slot import Slot
from ._tensors import (
    address,
    check_parameter,
    gradient,
    is_finite,
    plain,
    squares_are_finite,
    step_count,
    usable,
)

Group = Mapping[str, Any]
Work = list[tuple[Slot, Tensor]]
GRAD = int(Buffer.grad)


class Kind(NamedTuple):
    """What tells Muon and AdamW apart here."""

    name: str
    # Of the library: the state buffers by their key in a state dict, and the calls.
    buffers: dict[str, Buffer]
    create: Any
    add_group: Any
    set_options: Any
    # Whether a parameter has a count of steps in its state.
    counts_steps: bool
    # The keys of a group that its C options come from, and those options.
    options: tuple[str, ...]
    struct: Callable[[Group], Structure]
    # What C takes a parameter of this shape for: so many arrays of such extents, one after another.
    layout: Callable[[torch.Size, Group], tuple[int, tuple[int, ...]]]


class Session:
    """One handle of the library with the parameters that have had a gradient.

    It holds the addresses of their memory. `fits` says whether they still hold; where not, it is
    thrown away and another one made, which continues from the optimizer's state.
    """

    def __init__(
        self, kind: Kind, groups: list[dict[str, Any]], policy: NonFinitePolicy
    ) -> None:
        self.kind = kind
        self.groups = list(groups)
        self.values = [self._read(group) for group in groups]
        self.layouts = [group.get("higher_dims") for group in groups]
        self.slots: dict[int, Slot] = {}
        self.count = 0
        self.handle = _abi.OptimizerHandle()
        check(kind.create(byref(kind.struct(groups[0])), byref(self.handle)))
        weakref.finalize(self, lib.muon_optimizer_destroy, self.handle)
        for group in groups[1:]:
            index = c_int64()
            struct = byref(kind.struct(group))
            check(kind.add_group(self.handle, struct, None, 0, byref(index)))
        self.policy = policy
        check(lib.muon_optimizer_set_nonfinite_policy(self.handle, policy))

    def _read(self, group: Group) -> tuple[Any, ...]:
        return tuple(plain(group[key]) for key in self.kind.options)

    def fits(self, groups: list[dict[str, Any]], state: Mapping[Tensor, Any]) -> bool:
        """Whether groups, parameters and state are where they were."""
        if len(groups) != len(self.groups):
            return False
        found = 0
        for number, group in enumerate(groups):
            if group is not self.groups[number]:
                return False
            if group.get("higher_dims") != self.layouts[number]:
                return False
            for parameter in group["params"]:
                slot = self.slots.get(id(parameter))
                if slot is not None:
                    if slot.group != number or not slot.holds(state):
                        return False
                    found += 1
        return found == len(self.slots)

    def prepare(self, groups: list[dict[str, Any]], state: Mapping[Tensor, Any]) -> Work:
        """All of a step that can fail for what its caller gave, but the look for NaN and infinity.

        Returns the parameters that have a gradient, with the gradients as C reads them, for commit.
        No parameter and no state changes.
        """
        self._take_options(groups)
        work, fresh = self._look_at(groups)
        for slot, grad in work:
            place = 0 if grad is None else slot.place_of(grad)
            if place != slot.grad_address:
                self._bind_gradient(slot, place)
        active = [(slot, grad) for slot, grad in work if grad is not None]
        for parameter, label, number, grad in fresh:
            slot = Slot(self.kind, parameter, label, number, groups[number], state)
            self._add(slot, grad)
            active.append((slot, grad))
        for slot, _ in active:
            slot.before()
            if slot.step is not None:
                self._take_steps(slot, slot.step)
        return active

    def is_finite(self, work: Work) -> bool:
        """Whether commit will find no NaN and no infinity, or does not look for them.

        It finds them in gradients, and in state as it would be, where AdamW has their squares.
        """
        if self.policy is NonFinitePolicy.propagate:
            return True
        # State that the library has not read before is looked through, too.
        return all(
            squares_are_finite(grad)
            and not (slot.fresh and not all(is_finite(buffer) for buffer in slot.buffers))
            for slot, grad in work
        )

    def commit(self, work: Work, state: dict[Tensor, Any]) -> bool:
        """Makes the step that was prepared; whether it was made, which policy `skip` may prevent.

        Raises for NaN and infinity, for want of memory, and where backend svd does not converge;
        no parameter and no state has changed then.
        """
        skipped = self._skipped()
        check(lib.muon_optimizer_step(self.handle))
        if self._skipped() != skipped:
            return False
        self._finish([slot for slot, _ in work], state)
        return True

    def _take_options(self, groups: list[dict[str, Any]]) -> None:
        """Gives the library the options that have changed."""
        for number, group in enumerate(groups):
            values = self._read(group)
            before = self.values[number]
            if values == before:
                continue
            # kind.options begins with "lr", which schedulers change at every step.
            if values[1:] == before[1:]:
                lr = real("lr", values[0])
                check(lib.muon_optimizer_set_lr(self.handle, number, lr))
            else:
                struct = byref(self.kind.struct(group))
                check(self.kind.set_options(self.handle, number, struct))
            self.values[number] = values

    def _look_at(
        self, groups: list[dict[str, Any]]
    ) -> tuple[list[tuple[Slot, Any]], list[tuple[Tensor, str, int, Tensor]]]:
        """The bound parameters with their gradients as C reads them, or None; and the new ones."""
        work: list[tuple[Slot, Any]] = []
        fresh = []
        kind, slots, first = self.kind.name, self.slots, 0
        for number, group in enumerate(groups):
            negate = group.get("maximize", False)
            for index, parameter in enumerate(group["params"]):
                slot, grad = slots.get(id(parameter)), parameter.grad
                if grad is None:
                    if slot is not None and slot.grad_address:
                        work.append((slot, None))
                    continue
                label = name_of(group, index, first) if slot is None else slot.label
                if negate or not usable(grad):
                    grad = gradient(kind, label, grad, negate)
                if slot is None:
                    check_parameter(kind, label, parameter)
                    fresh.append((parameter, label, number, grad))
                else:
                    work.append((slot, grad))
            first += len(group["params"])
        return work, fresh

    def _bind_gradient(self, slot: Slot, place: int) -> None:
        for index, offset, count in slot.arrays:
            check(
                lib.muon_optimizer_bind(
                    self.handle,
                    index,
                    GRAD,
                    place + 4 * offset if place else None,
                    count if place else 0,
                )
            )
        slot.grad_address = place

    def _add(self, slot: Slot, grad: Tensor) -> None:
        """Adds a new parameter with all its memory to the library's optimizer."""
        slot.grad_address = slot.place_of(grad)
        copies, extents = slot.layout
        size = slot.data.numel() // copies if copies else 0
        for copy in range(copies):
            param = _abi.Param()
            check(lib.muon_param_init(byref(param), sizeof(param)))
            name = slot.label if copies == 1 else f"{slot.label}[{copy}]"
            param.name = name.encode("utf-8", "replace")
            param.dtype = DType.f32
            param.ndim = len(extents)
            param.shape = (c_int64 * len(extents))(*extents)
            offset = 4 * size * copy
            if size:
                param.data, param.data_count = address(slot.data) + offset, size
                param.grad, param.grad_count = slot.grad_address + offset, size
                for place, buffer in enumerate(slot.buffers):
                    param.state[place] = address(buffer) + offset
                    param.state_count[place] = size
            check(lib.muon_optimizer_add_param(self.handle, slot.group, byref(param), None))
            slot.arrays.append((self.count, size * copy, size))
            self.count += 1
        self.slots[id(slot.parameter)] = slot

    def _take_steps(self, slot: Slot, step: Tensor) -> None:
        """Sets AdamW's count of steps, where the state has another one than the library."""
        if step.item() == slot.steps:
            return
        steps = step_count(slot.label, step)
        for index, _, _ in slot.arrays:
            check(lib.muon_optimizer_set_param_steps(self.handle, index, steps))
        slot.steps = steps

    def _skipped(self) -> int:
        if self.policy is not NonFinitePolicy.skip:
            return 0
        count = c_int64()
        check(lib.muon_optimizer_get_skipped_steps(self.handle, byref(count)))
        return count.value

    def _finish(self, slots: list[Slot], state: dict[Tensor, Any]) -> None:
        """Brings torch up to date with what the library has written."""
        for slot in slots:
            if slot.fresh:
                slot.commit(state)
            if slot.data is not slot.parameter:
                slot.after()
        steps = [slot.step for slot in slots if slot.step is not None]
        if steps:
            torch._foreach_add_(steps, 1)
            for slot in slots:
                slot.steps += 1
        # So that autograd refuses to go back through a graph that had the old values.
        increment_version([slot.parameter for slot in slots if slot.data is slot.parameter])


def name_of(group: Group, index: int, first: int) -> str:
    """What messages call a parameter; first: how many parameters the groups before it have."""
    names = group.get("param_names")
    return f"param{first + index}" if names is None else str(names[index])
