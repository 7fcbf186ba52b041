"""Memory for a queue: what was taken first is given back first."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor


class Ring:
    """Elements of one type, of which runs are taken in order, around and around."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.memory = torch.empty(0, dtype=dtype, device="cpu")
        # The runs that are taken, the oldest first.
        self.taken: deque[tuple[int, int]] = deque()

    def reserve(self, count: int) -> None:
        """Makes sure of so many elements. None may be taken."""
        if self.memory.numel() < count:
            # The old ones go first.
            self.memory = self.memory[:0].clone()
            self.memory = torch.empty(count, dtype=self.memory.dtype, device="cpu")

    def place_for(self, count: int) -> int:
        """Where the next run of so many elements, at least 1, can be; -1: nowhere at present."""
        if not self.taken:
            return 0 if count <= self.memory.numel() else -1
        (oldest, _), (newest, end) = self.taken[0], self.taken[-1]
        if newest < oldest:  # it has gone around
            return end if end + count <= oldest else -1
        if end + count <= self.memory.numel():
            return end
        return 0 if count <= oldest else -1

    def take(self, count: int) -> Tensor:
        """The next run, for which there has to be a place."""
        first = self.place_for(count)
        self.taken.append((first, first + count))
        return self.memory[first : first + count]

    def give_back(self) -> None:
        """Gives the oldest run back."""
        self.taken.popleft()
