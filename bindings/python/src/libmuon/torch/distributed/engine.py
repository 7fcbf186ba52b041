"""The library's step of one parameter whose memory is somewhere else at each step."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from ctypes import byref
from typing import Any

from torch import Tensor

from ... import _abi
from ..._enums import NonFinitePolicy
from ..._library import check, lib
from ...errors import MuonError
from .._buffers import Layout, Types, param_struct
from .._session import DATA, GRAD, Kind
from .._tensors import plain


class Engine:
    """Steps parameters of one group and one layout, one after another, in memory that is bound for each.

    So the library's own memory is that of one parameter, however many there are.
    """

    def __init__(
        self, kind: Kind, group: Mapping[str, Any], layout: Layout, types: Types
    ) -> None:
        self.kind, self.group, self.layout, self.types = kind, group, layout, types
        self.values: tuple[Any, ...] = ()
        self.policy = NonFinitePolicy.error
        self.places: dict[bytes, int] = {}
        self.handle: Any = None

    def take_options(self, policy: NonFinitePolicy) -> None:
        """Takes what the group says now. Raises before a step where the library does not take it."""
        values = tuple(plain(self.group[key]) for key in self.kind.options)
        if self.handle is None or values != self.values:
            if self.handle is None:
                self._create()
            check(self.kind.set_options(self.handle, 0, byref(self.kind.struct(self.group))))
            self.values = values
        self.policy = policy
        check(lib.muon_optimizer_set_nonfinite_policy(self.handle, policy))

    def _create(self) -> None:
        handle = _abi.OptimizerHandle()
        check(self.kind.create(byref(self.kind.struct(self.group)), byref(handle)))
        self.free = weakref.finalize(self, lib.muon_optimizer_destroy, handle)
        # As free_with.
        self.free.atexit = False
        self.handle, self.places = handle, {}

    def _begin_anew(self) -> None:
        """Another optimizer of the library's, which is bound to nothing."""
        self.free()
        self.handle = None
        self.take_options(self.policy)

    def step(self, label: str, memory: Mapping[bytes, Tensor]) -> None:
        """One step. memory: data, gradient and state, contiguous, by the library's names."""
        places = {name: each.data_ptr() for name, each in memory.items()}
        if memory[GRAD].dtype is not self.types.gradient:
            self.types = self.types._replace(gradient=memory[GRAD].dtype)
            if self.places:
                self._begin_anew()
        if self.places and places != self.places:
            try:
                self._bind(memory, places)
            except MuonError:
                # What it was bound to may be the memory of something else by now.
                self._begin_anew()
        if not self.places:
            self._add(label, memory, places)
        self.places = places
        check(lib.muon_optimizer_step(self.handle))

    def _bind(self, memory: Mapping[bytes, Tensor], places: Mapping[bytes, int]) -> None:
        copies = self.layout.copies
        for name, each in memory.items():
            size = each.numel() // copies
            if places[name] != self.places[name]:
                for copy in range(copies):
                    place = places[name] + copy * size * each.element_size()
                    check(lib.muon_optimizer_bind_buffer(self.handle, copy, name, place, size))

    def _add(
        self, label: str, memory: Mapping[bytes, Tensor], places: Mapping[bytes, int]
    ) -> None:
        copies = self.layout.copies
        for copy in range(copies):
            param = param_struct(label, self.layout, self.types)
            state = []
            for name, each in memory.items():
                size = each.numel() // copies
                place = places[name] + copy * size * each.element_size()
                if name == DATA:
                    param.data, param.data_count = place, size
                elif name == GRAD:
                    param.grad, param.grad_count = place, size
                else:
                    state.append(_abi.StateBuffer(name, place, size))
            param.state = (_abi.StateBuffer * len(state))(*state)
            param.state_count = len(state)
            check(lib.muon_optimizer_add_param(self.handle, 0, byref(param), None))
