"""One optimizer whose parameters are DTensors: what it steps here, and what goes to owners."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from functools import partial
from math import prod
from typing import Any, NamedTuple, Optional

import torch
from torch import Tensor

from ..._enums import NonFinitePolicy
from ..._plan import cost, owners
from ...errors import ExchangeError, MuonError, UnsupportedError
from .._buffers import Layout, Types, param_struct, state_buffers, types_of
from .._session import DATA, GRAD, Group, Kind, Prepared, Session, Work, make_step
from .._slot import Slot
from .._tensors import plain, state_tensor
from .engine import Engine
from .exchange import Exchange, Part, Unit
from .local import Entry, Locals
from .placement import Placement, Ranks, is_placed

# What the rows of a matrix that goes to its owner are looked at with: only the momentum is there.
ROWS_ALONE = {"second_moment": "none", "hyperball": False}


class Matrix(NamedTuple):
    """A parameter that goes to its owner."""

    number: int
    owner: int
    cost: int
    entry: Entry
    engine: Engine
    # Of its state beside the momentum, names and keys.
    more: tuple[tuple[bytes, str], ...]


class Ready(NamedTuple):
    """What an optimizer brings to a step."""

    here: tuple[Session, Work]
    # The rows of the matrices that go to their owners.
    away: tuple[Session, Work]
    # In the order in which they are stepped.
    units: list[Unit]
    # The state beside the momentum that is new.
    fresh: list[tuple[Tensor, str, Tensor]]


class Side:
    """One optimizer of libmuon.torch with its DTensors, as long as its groups have the same ones."""

    def __init__(self, optimizer: Any, ranks: Ranks) -> None:
        # Which has this: a strong reference would keep both until the garbage is collected.
        self._optimizer = weakref.ref(optimizer)
        self.ranks, self.structure = ranks, structure_of(optimizer)
        kind: Kind = optimizer._kind
        groups = optimizer.param_groups
        here: list[list[Entry]] = [[] for _ in groups]
        away: list[list[Entry]] = [[] for _ in groups]
        matrices: list[Matrix] = []
        # What each rank has to do with whole matrices that it has.
        loads = [0] * ranks.count
        self.lines: list[str] = []
        for number, group in enumerate(groups):
            engines: dict[tuple[Layout, Types], Engine] = {}
            for entry, layout, price, more in entries_of(optimizer, number, ranks):
                placement, shape = entry.placement, entry.parameter.shape
                how = "plain" if placement is None else placement.placements
                self.lines.append(
                    f"{kind.name}: {entry.label}: shape {tuple(shape)}, {entry.parameter.dtype}, {how}, "
                    f"{layout}"
                )
                types = types_of(group, entry.parameter.dtype)
                if placement is None or kind.counts_steps:
                    here[number].append(entry)
                    continue
                if placement.sharded and layout.copies > 1:
                    entry.is_stack = True
                    here[number].append(entry)
                    for position in range(ranks.count):
                        first, end = placement.rows(ranks.parts, position)
                        loads[position] += (end - first) * price // shape[0]
                    continue
                away[number].append(entry)
                engine = engines.setdefault((layout, types), Engine(kind, group, layout, types))
                matrices.append(Matrix(len(matrices), 0, price, entry, engine, more))
        self.here = Locals(kind, here, groups, {})
        self.away = Locals(kind._replace(layout=layout_of_rows), away, groups, ROWS_ALONE)
        self.exchange = Exchange(ranks)
        # Why nothing can be made of the parameters any more.
        self.broken: Optional[BaseException] = None
        found = owners([each.cost for each in matrices], loads)
        self.matrices = {
            id(each.entry): each._replace(owner=owner) for each, owner in zip(matrices, found)
        }

    @property
    def optimizer(self) -> Any:
        return self._optimizer()

    def fits(self, optimizer: Any) -> bool:
        """Whether its groups still have the same parameters, laid out the same way."""
        return bool(self.structure == structure_of(optimizer))

    def prepare(self) -> Ready:
        """All of a step that can fail, but the look for NaN and infinity."""
        if self.broken is not None:
            raise ExchangeError(
                f"an earlier step failed in the middle ({self.broken}): load a checkpoint, parameters too"
            ) from self.broken
        optimizer = self.optimizer
        policy: NonFinitePolicy = optimizer._nonfinite
        here = self.here.prepare(optimizer.state, policy)
        away = self.away.prepare(optimizer.state, policy)
        fresh: list[tuple[Tensor, str, Tensor]] = []
        units = []
        for slot, grad in away[1]:
            matrix = self.matrices[id(self.away.entry(slot.parameter))]
            units.append(self._unit(matrix, slot, grad, fresh))
            if matrix.owner == self.ranks.position:
                matrix.engine.take_options(policy)
        self.exchange.reserve(units)
        # The dearest first.
        return Ready(here, away, sorted(units, key=lambda unit: -unit.cost), fresh)

    def _unit(
        self, matrix: Matrix, slot: Slot, grad: Tensor, fresh: list[tuple[Tensor, str, Tensor]]
    ) -> Unit:
        entry, placement = matrix.entry, matrix.entry.placement
        assert placement is not None
        numel = prod(placement.shape)
        parts = [
            Part(GRAD, grad, numel, placement.sharded, False),
            Part(DATA, slot.data.detach(), numel, placement.sharded, True),
        ]
        own = self.away.state[slot.parameter]
        for (name, *_), tensor in zip(slot.places, slot.buffers):
            parts.append(Part(name, tensor, numel, placement.sharded, True))
        for name, key in matrix.more:
            shape = entry.shapes[key]
            local = torch.Size(
                placement.local_shape(shape, self.ranks.parts, self.ranks.position)
            )
            tensor = state_tensor(entry.label, key, own.get(key), local)
            if tensor is not own.get(key):
                fresh.append((slot.parameter, key, tensor))
            parts.append(Part(name, tensor, prod(shape), placement.shards(shape), True))
        owner_rows = placement.rows(self.ranks.parts, matrix.owner)
        return Unit(
            matrix.number,
            matrix.owner,
            matrix.cost,
            parts,
            partial(placement.rows, self.ranks.parts),
            placement.shape[0],
            owner_rows == (0, placement.shape[0]),
            partial(matrix.engine.step, entry.label),
        )

    def described(self, ready: Ready) -> list[str]:
        """What has to be the same on all ranks: in lines, the first of which to differ is named."""
        kind: Kind = self.optimizer._kind
        options = [
            f"{kind.name}: {key}={plain(group.get(key))!r} in group {number}"
            for number, group in enumerate(self.optimizer.param_groups)
            for key in dict.fromkeys((*kind.options, *kind.layout_options))
        ]
        steps = []
        for locals, (_, work) in ((self.here, ready.here), (self.away, ready.away)):
            for slot, grad in work:
                label = locals.entry(slot.parameter).label
                steps.append(f"a gradient of {label} in {grad.dtype}, step {slot.steps}")
        policy = f"{kind.name}: nonfinite={self.optimizer.nonfinite!r}"
        return [*self.lines, policy, *options, *steps]

    def run(self, ready: Ready) -> Optional[BaseException]:
        """Makes the step, and returns what went wrong in it on this rank."""
        failure: Optional[BaseException] = None
        if ready.here[1]:
            try:
                make_step([Prepared(*ready.here, self.here.state)])
            except (MuonError, MemoryError) as error:
                failure = error
        failure = self.exchange.run(ready.units) or failure
        ready.away[0].finish(ready.away[1], self.away.state)
        for parameter, key, tensor in ready.fresh:
            self.away.state[parameter][key] = tensor
        state = self.optimizer.state
        self.here.put(ready.here[1], state)
        self.away.put(ready.away[1], state)
        return failure


def entries_of(
    optimizer: Any, number: int, ranks: Ranks
) -> Iterator[tuple[Entry, Layout, int, tuple[tuple[bytes, str], ...]]]:
    """The parameters of a group, with their layouts, their costs, and their state that is not looked at by rows."""
    kind: Kind = optimizer._kind
    group = optimizer.param_groups[number]
    alone = {**group, **ROWS_ALONE} if kind.layout_options else group
    with optimizer._made_for(group) as handle, optimizer._made_for(alone) as bare:
        for index, parameter in enumerate(group["params"]):
            label, shape = optimizer._label(number, index), parameter.shape
            layout = kind.layout(shape, group)
            types = types_of(group, parameter.dtype)
            buffers = state_buffers(handle, 0, label, shape, layout, types)
            shapes = {each.key: each.shape for each in buffers}
            entry = Entry(parameter, label, placement_of(label, parameter, ranks), shapes)
            rows = state_buffers(bare, 0, label, shape, layout_of_rows(shape, group), types)
            known = {each.name for each in rows}
            price = layout.copies * cost(handle, 0, param_struct(label, layout, types))
            yield entry, layout, price, tuple((b.name, b.key) for b in buffers if b.name not in known)


def layout_of_rows(shape: torch.Size, group: Group) -> Layout:
    """Some rows of a parameter, as one matrix; they are only looked at."""
    return Layout(1, (shape[0] if shape else 1, prod(shape[1:])))


def placement_of(label: str, parameter: Tensor, ranks: Ranks) -> Optional[Placement]:
    """How a parameter lies; None for one that is no DTensor."""
    if not is_placed(parameter):
        return None
    placement = Placement(label, parameter)
    if placement.mesh != ranks.mesh:
        raise UnsupportedError(
            f"{label}: all DTensors of a step are expected on one mesh, {ranks.mesh}, not {placement.mesh}"
        )
    return placement


def structure_of(optimizer: Any) -> list[Any]:
    """What a Side depends on."""
    kind: Kind = optimizer._kind
    return [
        (
            id(group),
            *(group.get(key) for key in kind.layout_options),
            *(id(parameter) for parameter in group["params"]),
        )
        for group in optimizer.param_groups
    ]
