"""Matrices whose rows several ranks have: to their owners, stepped there, and back.

Each rank steps its own, the dearest first. While one is computed, the rows of the next come and those of the
one before go back: nothing waits for what is not needed next. Rows come from where they lie and go back
there, without copies between, by messages from rank to rank that are as all_to_all's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

import torch
import torch.distributed as dist
from torch import Tensor

from ...errors import ExchangeError, MuonError
from .placement import Ranks
from .ring import Ring

# A message's tag is this, and the number of its matrix, buffer and way. Those of one step differ, and
# messages with the same tag between two ranks arrive in order.
FIRST_TAG = 0x4D75_0000
BUFFERS = 16
# How many of the largest matrices there is memory for: one that comes, one that is stepped, one that goes.
LARGEST = 3


class Part(NamedTuple):
    """One buffer of a matrix: the gradient, the parameter, or one of its state."""

    name: bytes
    # What is here: its rows, or all of it.
    local: Tensor
    # Of the whole buffer.
    numel: int
    # Whether it lies by rows.
    by_rows: bool
    # Whether a step writes it.
    returns: bool

    @property
    def kind(self) -> tuple[bytes, torch.dtype]:
        """Those of one kind lie in the same memory, one after another."""
        return self.name, self.local.dtype


class Unit(NamedTuple):
    """A matrix, or what is stepped as one, in one step."""

    number: int
    owner: int
    # See muon_optimizer_get_cost.
    cost: int
    parts: Sequence[Part]
    # The first row, and the one after the last, that the rank at a position has.
    rows: Callable[[int], tuple[int, int]]
    rows_in_all: int
    # Whether the owner has all of it, so that it is stepped where it lies.
    in_place: bool
    step: Callable[[dict[bytes, Tensor]], None]

    def gathered(self) -> list[Part]:
        """The parts that come together in the owner's memory."""
        if self.in_place:
            return []
        return [part for part in self.parts if part.by_rows and part.numel]


Pending = list[tuple[Any, Tensor]]


class Own:
    """A unit of this rank, with its whole buffers, while it is worked on."""

    def __init__(self, unit: Unit, memory: dict[bytes, Tensor]) -> None:
        self.unit = unit
        self.whole = {part.name: memory.get(part.name, part.local) for part in unit.parts}
        # What comes, and then what goes.
        self.pending: Pending = []

    def rows(self, part: Part, position: int) -> Tensor:
        """The rows that the rank at a position has; or all, where it has that."""
        whole = self.whole[part.name].view(-1)
        if not part.by_rows:
            return whole
        first, end = self.unit.rows(position)
        width = part.numel // self.unit.rows_in_all if self.unit.rows_in_all else 0
        return whole[first * width : end * width]


class Exchange:
    """The exchange over one mesh."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.rings: dict[tuple[bytes, torch.dtype], Ring] = {}

    def reserve(self, units: Sequence[Unit]) -> None:
        """Makes sure of memory for the units of this rank."""
        for unit in units:
            if unit.owner == self.ranks.position:
                for part in unit.gathered():
                    ring = self.rings.setdefault(part.kind, Ring(part.local.dtype))
                    ring.reserve(LARGEST * part.numel)

    def run(self, units: Sequence[Unit]) -> Optional[MuonError]:
        """Steps all units, in the order in which all ranks have them.

        Returns what stopped one of this rank's, which has not changed then. Raises ExchangeError where a
        rank cannot be reached: parameters are then undefined.
        """
        try:
            return self._run(units)
        except RuntimeError as error:
            raise ExchangeError(f"a rank was lost in the middle of a step: {error}") from error
        finally:
            for ring in self.rings.values():
                ring.taken.clear()

    def _run(self, units: Sequence[Unit]) -> Optional[MuonError]:
        failure: Optional[MuonError] = None
        others: Pending = []
        for unit in units:
            if unit.owner != self.ranks.position:
                self._take_part(unit, others)
        waiting = deque(unit for unit in units if unit.owner == self.ranks.position)
        coming: deque[Own] = deque()
        going: deque[Own] = deque()
        while waiting or coming:
            # The one before the last has had the time of a step to go.
            while len(going) > 1 or going and not coming and not self._has_memory(waiting[0]):
                self._gone(going.popleft())
            while waiting and self._has_memory(waiting[0]):
                coming.append(self._gather(waiting.popleft()))
            own = coming.popleft()
            finish(own.pending)
            try:
                own.unit.step(own.whole)
            except MuonError as error:
                failure = failure or error
            own.pending = self._return(own)
            going.append(own)
        for own in going:
            finish(own.pending)
        finish(others)
        return failure

    def _has_memory(self, unit: Unit) -> bool:
        return all(self.rings[part.kind].place_for(part.numel) >= 0 for part in unit.gathered())

    def _gone(self, own: Own) -> None:
        """Waits until what was written has gone, and gives its memory back."""
        finish(own.pending)
        for part in own.unit.gathered():
            self.rings[part.kind].give_back()

    def _take_part(self, unit: Unit, pending: Pending) -> None:
        """Begins to send another rank's unit its rows, and to take what comes back.

        The owner writes only after all has come: both may be in the same memory.
        """
        for index, part in enumerate(unit.parts):
            tag, rows = tag_of(unit, index), part.local.view(-1)
            if part.by_rows and not unit.in_place and self._brings(unit):
                self._send(rows, unit.owner, tag, pending)
            if part.returns:
                self._receive(rows, unit.owner, tag + 1, pending)

    def _brings(self, unit: Unit) -> bool:
        """Whether this rank is one of those that bring their rows, of all that have the same."""
        return self._line_of(unit.owner) == self._line_of(self.ranks.position)

    def _line_of(self, position: int) -> int:
        return position // self.ranks.parts

    def _gather(self, unit: Unit) -> Own:
        """Begins to bring the rows of a unit of this rank together."""
        memory = {part.name: self.rings[part.kind].take(part.numel) for part in unit.gathered()}
        own = Own(unit, memory)
        line = self._line_of(unit.owner) * self.ranks.parts
        for index, part in enumerate(unit.parts):
            if part.name not in memory:
                continue
            for position in range(line, line + self.ranks.parts):
                rows = own.rows(part, position)
                if position == unit.owner:
                    rows.copy_(part.local.view(-1))
                else:
                    self._receive(rows, position, tag_of(unit, index), own.pending)
        return own

    def _return(self, own: Own) -> Pending:
        """Begins to bring what was written to all ranks that have it."""
        unit, pending = own.unit, Pending()
        for index, part in enumerate(unit.parts):
            if not part.returns:
                continue
            for position in range(self.ranks.count):
                rows = own.rows(part, position)
                if position != unit.owner:
                    self._send(rows, position, tag_of(unit, index) + 1, pending)
                elif part.by_rows and not unit.in_place:
                    part.local.view(-1).copy_(rows)
        return pending

    def _send(self, rows: Tensor, position: int, tag: int, pending: Pending) -> None:
        if rows.numel():
            pending.append((dist.isend(rows, self.ranks.globals[position], tag=tag), rows))

    def _receive(self, rows: Tensor, position: int, tag: int, pending: Pending) -> None:
        if rows.numel():
            pending.append((dist.irecv(rows, self.ranks.globals[position], tag=tag), rows))


def tag_of(unit: Unit, index: int) -> int:
    """Of the message that brings a buffer to the owner; that back has the next."""
    return FIRST_TAG + 2 * (BUFFERS * unit.number + index)


def finish(pending: Pending) -> None:
    """Waits for messages."""
    for work, _ in pending:
        work.wait()
