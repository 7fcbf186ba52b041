"""What ranks have of a matrix, and the memory that matrices pass through."""

from __future__ import annotations

import random

import pytest
import torch

from libmuon.torch.distributed.placement import rows_of
from libmuon.torch.distributed.ring import Ring


def test_memory_goes_around():
    ring = Ring(torch.float32)
    ring.reserve(10)
    assert ring.place_for(11) == -1
    places = [(ring.place_for(size), ring.take(size).numel()) for size in (4, 3, 3)]
    assert places == [(0, 4), (4, 3), (7, 3)] and ring.place_for(1) == -1
    ring.give_back()
    assert ring.place_for(5) == -1 and ring.place_for(4) == 0
    ring.take(2)
    assert ring.place_for(3) == -1 and ring.place_for(2) == 2
    ring.give_back()
    # It is contiguous: what is free at both ends of the memory is not one run.
    assert ring.place_for(5) == 2 and ring.place_for(6) == -1


@pytest.mark.parametrize("seed", range(5))
def test_runs_that_are_taken_do_not_overlap(seed):
    random.seed(seed)
    ring, taken = Ring(torch.float32), []
    ring.reserve(30)
    for number in range(300):
        size = random.randint(1, 12)
        if ring.place_for(size) >= 0:
            taken.append((number, ring.take(size).fill_(number)))
        elif taken:
            ring.give_back()
            first, run = taken.pop(0)
            assert (run == first).all()
        assert all((run == number).all() for number, run in taken)


@pytest.mark.parametrize("rows", [0, 1, 2, 5, 769])
@pytest.mark.parametrize("parts", [1, 2, 3, 4, 7])
def test_rows_are_those_of_torch_chunk(rows, parts):
    chunks = [len(each) for each in torch.zeros(rows, 1).chunk(parts)] if rows else []
    chunks += [0] * (parts - len(chunks))
    ranges = [rows_of(rows, parts, part) for part in range(parts)]
    assert [end - first for first, end in ranges] == chunks
    assert all(one[1] == two[0] for one, two in zip(ranges, ranges[1:]))
