"""What all ranks have to agree on before any of them writes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import torch
import torch.distributed as dist

from ... import _log
from ..._enums import LogLevel
from ...errors import ExchangeError, MuonError, NonFiniteGradientError

# How a step stands on a rank; of several ranks the highest counts.
GO, SKIP, NONFINITE, FAILED = range(4)
# Of a message that is sent.
BYTES = 1024


class Stand(NamedTuple):
    """How a rank stands before a step."""

    code: int = GO
    error: Optional[BaseException] = None


def stand_of(error: Optional[BaseException], may_skip: bool = False) -> Stand:
    """The stand of a rank whose part of the step cannot be made, or can."""
    if error is None:
        return Stand()
    if isinstance(error, NonFiniteGradientError):
        return Stand(SKIP if may_skip else NONFINITE, error)
    return Stand(FAILED, error)


class Agreement:
    """Agreement by maxima over process groups, which together reach all ranks, one after another."""

    def __init__(self, groups: Sequence[Any]) -> None:
        self.groups, self.rank = groups, dist.get_rank()

    def maxima(self, values: Sequence[int]) -> list[int]:
        """The maximum over all ranks of each value, which fits 63 bits."""
        tensor = torch.tensor(values, dtype=torch.int64)
        for group in self.groups:
            try:
                dist.all_reduce(tensor, dist.ReduceOp.MAX, group=group)
            except RuntimeError as error:
                raise ExchangeError(f"the ranks cannot be reached: {error}") from error
        return [int(each) for each in tensor.tolist()]

    def text_of(self, text: Optional[str]) -> str:
        """The text of the rank that has one; all that have one have the same."""
        mine = (text or "").encode("utf-8", "replace")[:BYTES]
        given = self.maxima([*mine, *[0] * (BYTES - len(mine))])
        return bytes(given).rstrip(b"\0").decode("utf-8", "replace")

    def reached(self, stand: Stand, lines: Sequence[str]) -> bool:
        """Whether all ranks make the step; False where it is skipped.

        lines: what has to be the same on all ranks. Raises on every rank where one of them cannot, or
        where they differ.
        """
        digest = digest_of("\n".join(lines))
        # Of the ranks with the highest stand, the last in order speaks.
        mine = stand.code << 32 | self.rank
        highest, most, least = self.maxima([mine, digest, ~digest])
        code = highest >> 32
        text = "" if code == GO else self.text_of(str(stand.error) if mine == highest else None)
        if code >= NONFINITE:
            self._refuse(stand, code, f"rank {highest & 0xFFFFFFFF} cannot make the step: {text}")
        if most != ~least:
            if stand.code < NONFINITE:
                self._say_difference(lines)
            raise ExchangeError("ranks differ")
        if code == SKIP:
            # Kept back, as the library's own, where locks are held.
            message = f"a step was skipped on all ranks, for rank {highest & 0xFFFFFFFF}: {text}"
            _log.write(LogLevel.warning, message)
        return code == GO

    def confirm(self, failure: Optional[BaseException]) -> None:
        """Raises on every rank where one has failed in the middle of a step."""
        mine = self.rank + 1 if failure else 0
        failed = self.maxima([mine])[0]
        if failed:
            text = self.text_of(str(failure) if failed == mine else None)
            raise ExchangeError(
                f"rank {failed - 1} failed in the middle of a step, whose parameters are undefined "
                f"now: {text}"
            ) from failure

    def _refuse(self, stand: Stand, code: int, text: str) -> None:
        """Raises what stopped this rank, or what stopped another."""
        if stand.error is not None and stand.code >= NONFINITE:
            raise stand.error
        kind: type[MuonError] = NonFiniteGradientError if code == NONFINITE else ExchangeError
        raise kind(text)

    def _say_difference(self, lines: Sequence[str]) -> None:
        """Raises with the first of the lines in which ranks differ."""
        count = self.maxima([len(lines)])[0]
        digests = [digest_of(line) for line in [*lines, *[""] * (count - len(lines))]]
        found = self.maxima([*digests, *(~each for each in digests)])
        for index in range(count):
            most, least = found[index], ~found[count + index]
            if most == least:
                continue
            line = lines[index] if index < len(lines) else ""
            one = self.text_of(line if digests[index] == most else None)
            other = self.text_of(line if digests[index] == least else None)
            raise ExchangeError(
                f"ranks differ: {one or 'nothing'!r} on one, {other or 'nothing'!r} on another"
            )


def digest_of(text: str) -> int:
    """63 bits that differ where texts do."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
