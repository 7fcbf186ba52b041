"""The library's optimizer over the memory of torch's tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ctypes import Structure, byref, c_double, c_int64
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from .. import _abi, together
from .._enums import NonFinitePolicy
from .._library import check, free_with, lib
from .._options import number as real
from ..errors import InvalidArgumentError, MuonError
from ._buffers import Layout, param_struct, state_buffers, types_of
from ._slot import Slot
from ._tensors import (
    address,
    check_parameter,
    gradient,
    gradient_type,
    plain,
    step_count,
    usable,
)

Group = Mapping[str, Any]
Work = list[tuple[Slot, Tensor]]
DATA, GRAD = b"data", b"grad"


class Kind(NamedTuple):
    """What tells Muon and AdamW apart here."""

    name: str
    # Calls of the library.
    create: Any
    add_group: Any
    set_options: Any
    # Whether a parameter has a count of steps in its state.
    counts_steps: bool
    # The keys of a group that its C options come from, and those options.
    options: tuple[str, ...]
    struct: Callable[[Group], Structure]
    layout: Callable[[torch.Size, Group], Layout]
    # The keys of a group that the layout of a parameter and of its state follows.
    layout_options: tuple[str, ...] = ()


class Session:
    """One handle of the library with the parameters that have had a gradient.

    It holds the addresses of their memory. `fits` says whether they still hold, or tells the library
    those that are new. Where it cannot, the session is thrown away and another one made, which
    continues from the optimizer's state. Its calls come from one thread at a time.
    """

    def __init__(
        self, kind: Kind, groups: list[dict[str, Any]], policy: NonFinitePolicy, names: Names
    ) -> None:
        self.kind, self.names = kind, names
        self.groups = groups[:1]
        self.values = [self._read(groups[0])]
        self.layouts = [self._layout_of(groups[0])]
        self.slots: dict[int, Slot] = {}
        self.count = 0
        # Whether it knows what the library has: not while that is being changed.
        self.sound = True
        self.handle = _abi.OptimizerHandle()
        check(kind.create(byref(kind.struct(groups[0])), byref(self.handle)))
        free_with(self, lib.muon_optimizer_destroy, self.handle)
        self._extend(groups)
        self.policy = policy
        check(lib.muon_optimizer_set_nonfinite_policy(self.handle, policy))

    def _read(self, group: Group) -> tuple[Any, ...]:
        return tuple(plain(group[key]) for key in self.kind.options)

    def _layout_of(self, group: Group) -> tuple[Any, ...]:
        """What the matrices of a group and their state follow."""
        return tuple(group.get(key) for key in self.kind.layout_options)

    def _extend(self, groups: list[dict[str, Any]]) -> None:
        """Adds the groups that are new, without parameters."""
        for group in groups[len(self.groups) :]:
            index, values = c_int64(), self._read(group)
            struct = byref(self.kind.struct(group))
            self.sound = False
            check(self.kind.add_group(self.handle, struct, None, 0, byref(index)))
            self.groups.append(group)
            self.values.append(values)
            self.layouts.append(self._layout_of(group))
            self.sound = True

    def fits(self, groups: list[dict[str, Any]], state: Mapping[Tensor, Any]) -> bool:
        """Whether the library knows, now at least, where groups, parameters and state are."""
        if len(groups) < len(self.groups):
            return False
        found = 0
        moved: list[Slot] = []
        for number, group in enumerate(self.groups):
            if group is not groups[number]:
                return False
        self._extend(groups)
        for number, group in enumerate(groups):
            if self._layout_of(group) != self.layouts[number]:
                return False
            for parameter in group["params"]:
                slot = self.slots.get(id(parameter))
                if slot is not None:
                    if slot.group != number or not slot.takes_gradient():
                        return False
                    if not slot.holds(state):
                        moved.append(slot)
                    found += 1
        return found == len(self.slots) and (not moved or self._move(moved, state))

    def _move(self, slots: list[Slot], state: Mapping[Tensor, Any]) -> bool:
        """Tells the library where the memory of some parameters is now; whether it could."""
        self.sound = False
        try:
            # What was a gradient may be the memory of something else by now.
            for slot in self.slots.values():
                grad = slot.parameter.grad
                stays = grad is not None and usable(grad) and address(grad) == slot.grad_address
                if slot.grad_address and not stays:
                    self._bind_gradient(slot, 0)
            for slot in slots:
                if slot.parameter.grad is None:
                    return False
                check_parameter(self.kind.name, slot.label, slot.parameter)
                new = self._slot(
                    slot.parameter, slot.label, slot.group, state, slot.types.gradient
                )
                if new.layout != slot.layout or new.types != slot.types:
                    return False
                new.arrays, new.grad_address, new.steps = slot.arrays, slot.grad_address, slot.steps
                if new.place != slot.place:
                    self._bind(new, DATA, new.place, new.size, new.data.dtype.itemsize)
                for before, after in zip(slot.places, new.places):
                    if before != after:
                        self._bind(new, *after)
                self.slots[id(slot.parameter)] = new
        except MuonError:
            # They may have changed places. A new session also says best what else is wrong.
            return False
        self.sound = True
        return True

    def prepare(self, groups: list[dict[str, Any]], state: Mapping[Tensor, Any]) -> Work:
        """All of a step that can fail for what its caller gave, but the look for NaN and infinity.

        Returns the parameters that have a gradient, with the gradients as C reads them, for make_step.
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
            slot = self._slot(parameter, label, number, state, grad.dtype)
            self._add(slot, grad)
            active.append((slot, grad))
        for slot, _ in active:
            slot.before()
            if slot.step is not None:
                self._take_steps(slot, slot.step)
        return active

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
                label = self.names.of(group, index, first) if slot is None else slot.label
                dtype = gradient_type(grad) if slot is None else slot.types.gradient
                if negate or not usable(grad, (dtype,)):
                    if slot is not None and not slot.takes(grad):
                        raise InvalidArgumentError(
                            f"the gradient of {label}: {dtype} is expected in this step, not {grad.dtype}"
                        )
                    grad = gradient(kind, label, grad, negate, dtype)
                if slot is None:
                    check_parameter(kind, label, parameter)
                    fresh.append((parameter, label, number, grad))
                else:
                    work.append((slot, grad))
            first += len(group["params"])
        return work, fresh

    def _bind_gradient(self, slot: Slot, place: int) -> None:
        # Not known, should only some of its arrays be bound.
        slot.grad_address = -1
        self._bind(slot, GRAD, place, slot.size, slot.types.gradient.itemsize)
        slot.grad_address = place

    def _bind(self, slot: Slot, buffer: bytes, place: int, size: int, itemsize: int) -> None:
        """Tells the library where a buffer is, of which each array has so many elements of such a size."""
        for copy, index in enumerate(slot.arrays):
            memory = (place + itemsize * size * copy, size) if place else (None, 0)
            check(lib.muon_optimizer_bind_buffer(self.handle, index, buffer, *memory))

    def _slot(
        self,
        parameter: Tensor,
        label: str,
        number: int,
        state: Mapping[Tensor, Any],
        grad_dtype: torch.dtype,
    ) -> Slot:
        """A parameter of a group with its memory, with the state that is there or a new one."""
        shape, counts_steps = parameter.shape, self.kind.counts_steps
        layout = self.kind.layout(shape, self.groups[number])
        types = types_of(self.groups[number], parameter.dtype, grad_dtype)
        buffers = state_buffers(self.handle, number, label, shape, layout, types)
        slot: Slot = Slot(parameter, label, number, layout, types, buffers, counts_steps, state)
        return slot

    def _add(self, slot: Slot, grad: Tensor) -> None:
        """Adds a new parameter with all its memory to the library's optimizer."""
        self.sound = False
        slot.grad_address = slot.place_of(grad)
        copies, size = slot.layout.copies, slot.size
        for copy in range(copies):
            name = slot.label if copies == 1 else f"{slot.label}[{copy}]"
            param = param_struct(name, slot.layout, slot.types)
            if size:
                offset = size * copy
                param.data = slot.place + slot.data.dtype.itemsize * offset
                param.grad = slot.grad_address + slot.types.gradient.itemsize * offset
                param.data_count = param.grad_count = size
            state = [
                _abi.StateBuffer(name, place + itemsize * count * copy, count)
                for name, place, count, itemsize in slot.places
                if count
            ]
            param.state = (_abi.StateBuffer * len(state))(*state)
            param.state_count = len(state)
            check(lib.muon_optimizer_add_param(self.handle, slot.group, byref(param), None))
            slot.arrays.append(self.count)
            self.count += 1
        self.slots[id(slot.parameter)] = slot
        self.sound = True

    def _take_steps(self, slot: Slot, step: Tensor) -> None:
        """Sets AdamW's count of steps, where the state has another one than the library."""
        if step.item() == slot.steps:
            return
        steps = step_count(slot.label, step)
        for index in slot.arrays:
            check(lib.muon_optimizer_set_param_steps(self.handle, index, steps))
        slot.steps = steps

    @property
    def grad_scale(self) -> float:
        """What the library multiplies the gradients of the next step by."""
        scale = c_double()
        check(lib.muon_optimizer_get_grad_scale(self.handle, byref(scale)))
        return scale.value

    @grad_scale.setter
    def grad_scale(self, value: float) -> None:
        check(lib.muon_optimizer_set_grad_scale(self.handle, value))

    def skipped(self) -> int:
        """How many steps the library has left out."""
        count = c_int64()
        check(lib.muon_optimizer_get_skipped_steps(self.handle, byref(count)))
        return count.value

    def finish(self, work: Work, state: dict[Tensor, Any]) -> None:
        """Brings torch up to date with what the library has written in a step."""
        slots = [slot for slot, _ in work]
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


class Prepared(NamedTuple):
    """What one optimizer brings to a step."""

    session: Session
    work: Work
    state: dict[Tensor, Any]


def make_step(prepared: Sequence[Prepared]) -> bool:
    """One step of all, as one; whether it was made, which policy `skip` of one of them may prevent.

    Raises for NaN and infinity, for want of memory, and where backend svd does not converge; no
    parameter and no state has changed then.
    """
    handles = [each.session.handle for each in prepared]
    may_skip = any(each.session.policy is NonFinitePolicy.skip for each in prepared)
    # What one has left out, all have.
    before = prepared[0].session.skipped() if may_skip else 0
    if len(handles) == 1:
        check(lib.muon_optimizer_step(handles[0]))
    else:
        check(lib.muon_optimizers_step(together.handle_array(handles), len(handles)))
    if may_skip and prepared[0].session.skipped() != before:
        return False
    for session, work, state in prepared:
        session.finish(work, state)
    return True


def clip(prepared: Sequence[Prepared], max_norm: float, grad_scale: float) -> float:
    """Sets what the next step multiplies gradients by, and returns their norm."""
    return together.clip(
        together.handle_array([each.session.handle for each in prepared]), max_norm, grad_scale
    )


class Names(NamedTuple):
    """What messages call the parameters of groups without names."""

    # Of the first ones, which the builders number over both optimizers, as route_params does.
    given: tuple[str, ...] = ()
    # The number of the parameter after them.
    following: int = 0

    def of(self, group: Group, index: int, first: int) -> str:
        """The name of a parameter; first: how many parameters the groups before it have."""
        names, place = group.get("param_names"), first + index
        # Others may have put parameters into the group without names for them.
        if names is not None and index < len(names):
            return str(names[index])
        if place < len(self.given):
            return self.given[place]
        return f"param{self.following + place - len(self.given)}"
