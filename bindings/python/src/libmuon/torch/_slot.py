"""Slot: one parameter with its memory, as the library has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import torch
from torch import Tensor

from ..errors import InvalidArgumentError, ShapeError
from ._buffers import Buffer, Layout, Types
from ._tensors import MASTER, REMAINDER, address, check_memory, copy_of, gradient_type, memory_of
from ._tensors import state_tensor, step_tensor, storage, usable


class Slot:
    """A parameter, what the library updates in its place, and the addresses it was told.

    The library updates `data`: the parameter itself where that is contiguous. Otherwise a contiguous
    copy, which is only kept here, and from which the parameter is written after each step.
    """

    # torch refuses to update what is made in inference mode once that has been left.
    @torch.inference_mode(False)
    def __init__(
        self,
        parameter: Tensor,
        label: str,
        group: int,
        layout: Layout,
        types: Types,
        buffers: list[Buffer],
        counts_steps: bool,
        state: Mapping[Tensor, Any],
    ) -> None:
        self.parameter = parameter
        self.label = label
        self.group = group
        self.numel = parameter.numel()
        self.layout, self.types = layout, types
        # The elements of each array that C takes the parameter for, and its number there.
        self.size = self.numel // layout.copies if layout.copies else 0
        self.arrays: list[int] = []
        self.grad_address = 0
        self.steps = 0
        # Whether `tensors` are not in the optimizer's state yet: they go there after a step.
        self.fresh = True

        own = state.get(parameter, {})
        self.tensors: dict[str, Tensor] = {
            each.key: state_tensor(label, each.key, own.get(each.key), each.shape, each.dtype)
            for each in buffers
        }
        self.buffers = list(self.tensors.values())
        self.step: Optional[Tensor] = None
        if counts_steps:
            self.step = self.tensors["step"] = step_tensor(own.get("step", 0.0), f"{label}: step")
        self.data = parameter if usable(parameter) else copy_of(parameter, parameter.dtype)

        self.seen = self._look()
        memory = [memory_of(each) for each in (self.data, *self.tensors.values())]
        # Kept: another thread may set .data while the library works there.
        # By a method of theirs, with what it said: others can free a storage or make it smaller.
        self.storages = [(each.nbytes, each.nbytes()) for each, _ in memory]
        # What the library updates: the data, and the buffers.
        self.place, *places = (place for _, place in memory)
        # Of each state buffer, the elements of each array's, and the bytes of an element.
        self.places = [
            (each.name, place, each.size, each.dtype.itemsize) for each, place in zip(buffers, places)
        ]
        self.addresses = [(*item, place) for item, place in zip(self.tensors.items(), places)]
        # What the state has of them, as long as they are not there: a refused step leaves it so.
        self.sources = {name: own.get(name) for name in self.tensors}

    def _look(self) -> tuple[Any, ...]:
        p = self.parameter
        return address(p), p.dtype, p.shape, p.is_contiguous()

    def holds(self, state: Mapping[Tensor, Any]) -> bool:
        """Whether parameter and state are still the memory that the library knows."""
        if self._look() != self.seen:
            return False
        for nbytes, size in self.storages:
            if nbytes() != size:
                return False
        own = state.get(self.parameter)
        if own is None:
            if not self.fresh:
                return False
            own = {}
        for name, tensor, place in self.addresses:
            if address(tensor) != place:
                return False
            there = own.get(name)
            if there is not tensor:
                # A copy of what is there, which may have been written into, is not kept.
                if not self.fresh or there is not None or self.sources[name] is not None:
                    return False
        return True

    def takes(self, grad: Tensor) -> bool:
        """Whether a gradient has the type that the library was told, or one that float32 holds."""
        return self.types.gradient in (torch.float32, gradient_type(grad))

    def takes_gradient(self) -> bool:
        """The same of the parameter's present one, if there is one."""
        if self.types.gradient is torch.float32:
            return True
        grad = self.parameter.grad
        return grad is None or self.takes(grad)

    def place_of(self, grad: Tensor) -> int:
        """Where a gradient is, which has to fit. It is contiguous."""
        count = grad.numel()
        if count != self.numel:
            raise ShapeError(
                f"the gradient of {self.label}: shape {tuple(self.parameter.shape)} is expected, "
                f"not {tuple(grad.shape)}"
            )
        # The same as check_memory, for less time: this is done in every step.
        memory = grad.untyped_storage() if type(grad) is Tensor else storage(grad)
        extent = grad.storage_offset() + count
        if count and memory.nbytes() < grad.dtype.itemsize * extent:
            raise InvalidArgumentError(
                f"the gradient of {self.label}: its memory has been freed or shrunk"
            )
        return grad.data_ptr() if type(grad) is Tensor else address(grad)

    def before(self) -> None:
        """Takes into the copy, if there is one, what was written into the parameter."""
        if self.data is not self.parameter:
            check_memory(self.label, self.parameter)
            self.data.copy_(self.parameter)

    def after(self) -> None:
        """Writes the copy into the parameter."""
        self.parameter.copy_(self.data)

    def commit(self, state: dict[Tensor, Any]) -> None:
        """Puts the tensors that the library updates into the optimizer's state."""
        state[self.parameter].update(self.tensors)
        for key in (MASTER, REMAINDER):
            if key not in self.tensors:
                state[self.parameter].pop(key, None)
        self.fresh = False
