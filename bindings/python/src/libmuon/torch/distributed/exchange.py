"""Matrices whose rows several ranks have: to their owners, stepped there, and back.

In wave k each rank steps the k-th of its own. The rows of wave k + 1 come and those of wave k - 1 go
back while that is computed: nothing here waits for what is not needed next. Rows come from where they lie
and go back there, without copies between, by messages from rank to rank that are as all_to_all's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

import torch
import torch.distributed as dist
from torch import Tensor

from ...errors import MuonError
from .errors import ExchangeError
from .placement import Ranks

# A message's tag is this, and the number of its matrix, buffer and way. That of the waves of one step
# differ, and messages with the same tag between two ranks arrive in order.
FIRST_TAG = 0x4D75_0000
BUFFERS = 16


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
    parts: Sequence[Part]
    # The first row, and the one after the last, that the rank at a position has.
    rows: Callable[[int], tuple[int, int]]
    rows_in_all: int
    # Whether the owner has all of it, so that it is stepped where it lies.
    in_place: bool
    step: Callable[[dict[bytes, Tensor]], None]


Pending = list[tuple[Any, Tensor]]


class Exchange:
    """The exchange over one mesh, with memory for three waves: that comes, is stepped, and goes."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        # For each of three waves by turns, and by name and type.
        self.memory: list[dict[tuple[bytes, torch.dtype], Tensor]] = [{}, {}, {}]

    def reserve(self, units: Sequence[Unit]) -> None:
        """Makes sure of memory for the units of this rank."""
        sizes: defaultdict[tuple[bytes, torch.dtype], int] = defaultdict(int)
        for unit in self._own(units):
            for part in unit.parts:
                size = part.numel if part.by_rows else 0
                sizes[part.kind] = max(sizes[part.kind], size)
        for memory in self.memory:
            for kind, size in sizes.items():
                if kind not in memory or memory[kind].numel() < size:
                    memory.pop(kind, None)
                    memory[kind] = torch.empty(size, dtype=kind[1], device="cpu")

    def _own(self, units: Sequence[Unit]) -> list[Unit]:
        return [
            unit for unit in units if unit.owner == self.ranks.position and not unit.in_place
        ]

    def run(self, waves: Sequence[Sequence[Unit]]) -> Optional[MuonError]:
        """Steps all units; returns what stopped one of them, which has not changed then.

        Raises ExchangeError where a rank cannot be reached: parameters are then undefined.
        """
        failure: Optional[MuonError] = None
        coming: dict[int, Pending] = {}
        going: dict[int, Pending] = {}
        # What nothing waits for but the end.
        rest: Pending = []
        try:
            for number in range(-1, len(waves)):
                if number + 1 < len(waves):
                    # Its memory is that of the wave before the last.
                    finish(going.pop(number - 2, []))
                    coming[number + 1] = self._gather(number + 1, waves[number + 1], rest)
                if number < 0:
                    continue
                finish(coming.pop(number))
                for unit in waves[number]:
                    if unit.owner == self.ranks.position:
                        try:
                            unit.step(self._whole(number, unit))
                        except MuonError as error:
                            failure = failure or error
                going[number] = self._return(number, waves[number])
            for pending in (*going.values(), rest):
                finish(pending)
        except RuntimeError as error:
            raise ExchangeError(f"a rank was lost in the middle of a step: {error}") from error
        return failure

    def _whole(self, number: int, unit: Unit) -> dict[bytes, Tensor]:
        """The whole buffers of a unit of this rank."""
        memory = self.memory[number % 3]
        return {
            part.name: part.local
            if unit.in_place or not part.by_rows
            else memory[part.kind][: part.numel]
            for part in unit.parts
        }

    def _rows(self, number: int, unit: Unit, part: Part, position: int) -> Tensor:
        """In the owner's memory, the rows that a rank has; or all, where it has that."""
        whole = self._whole(number, unit)[part.name].view(-1)
        if not part.by_rows:
            return whole
        first, end = unit.rows(position)
        width = part.numel // unit.rows_in_all if unit.rows_in_all else 0
        return whole[first * width : end * width]

    def _gather(self, number: int, wave: Sequence[Unit], rest: Pending) -> Pending:
        """Begins to bring the rows of a wave to their owners; returns what comes to this one.

        From here on, too, what the owners have written may come back: they write it after all has come.
        """
        here: Pending = []
        for unit in wave:
            for index, part in enumerate(unit.parts):
                tag = tag_of(unit, index)
                if unit.owner == self.ranks.position:
                    if part.by_rows and not unit.in_place:
                        self._gather_here(number, unit, part, tag, here)
                    continue
                rows = part.local.view(-1)
                if part.by_rows and not unit.in_place and self._brings(unit):
                    self._send(rows, unit.owner, tag, rest)
                if part.returns:
                    self._receive(rows, unit.owner, tag + 1, rest)
        return here

    def _brings(self, unit: Unit) -> bool:
        """Whether this rank is one of those that bring their rows, of all that have the same."""
        return self._line_of(unit.owner) == self._line_of(self.ranks.position)

    def _line_of(self, position: int) -> int:
        return position // self.ranks.parts

    def _gather_here(self, number: int, unit: Unit, part: Part, tag: int, here: Pending) -> None:
        line = self._line_of(unit.owner) * self.ranks.parts
        for position in range(line, line + self.ranks.parts):
            rows = self._rows(number, unit, part, position)
            if position == unit.owner:
                rows.copy_(part.local.view(-1))
            else:
                self._receive(rows, position, tag, here)

    def _return(self, number: int, wave: Sequence[Unit]) -> Pending:
        """Begins to bring what this rank has written in a wave to all that have it."""
        sent: Pending = []
        for unit in wave:
            if unit.owner != self.ranks.position:
                continue
            for index, part in enumerate(unit.parts):
                if not part.returns:
                    continue
                for position in range(self.ranks.count):
                    rows = self._rows(number, unit, part, position)
                    if position != unit.owner:
                        self._send(rows, position, tag_of(unit, index) + 1, sent)
                    elif part.by_rows and not unit.in_place:
                        part.local.view(-1).copy_(rows)
        return sent

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
