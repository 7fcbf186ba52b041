"""Which rank gets which matrix, for 1 to 1024 ranks."""

from __future__ import annotations

import itertools
import random

import pytest
import torch

from libmuon import View
from libmuon.torch._buffers import Layout
from libmuon.torch.distributed.placement import rows_of
from libmuon.torch.distributed.ring import Ring
from libmuon.torch.distributed.plan import cost, cost_of, dearest_first, owners

GPT2 = [(2304, 768), (768, 768), (3072, 768), (768, 3072)] * 12
LLAMA_1B = ([(2048, 2048)] * 2 + [(512, 2048)] * 2 + [(8192, 2048)] * 3) * 16
LLAMA_7B = ([(4096, 4096)] * 4 + [(11008, 4096)] * 3) * 32
LLAMA_8B = ([(4096, 4096)] * 2 + [(1024, 4096)] * 2 + [(14336, 4096)] * 3) * 32


def loads(costs, owner_of, count):
    result = [0] * count
    for each, owner in zip(costs, owner_of):
        result[owner] += each
    return result


@pytest.mark.parametrize(
    "shapes, expected",
    [
        (GPT2, {8: 0.984, 32: 0.750, 64: 0.577}),
        (LLAMA_1B, {8: 1, 32: 0.912, 64: 0.912}),
        (LLAMA_7B, {8: 1, 32: 1, 64: 0.976}),
        (LLAMA_8B, {8: 1, 32: 1, 64: 0.933}),
    ],
    ids=["GPT-2 small", "Llama-3.2-1B", "Llama-2-7B", "Llama-3-8B"],
)
def test_real_models_are_spread_as_computed_before(shapes, expected):
    costs = [cost(1, *shape, 5) for shape in shapes]
    for count, efficiency in expected.items():
        found = loads(costs, owners(costs, [0] * count), count)
        assert sum(costs) / count / max(found) == pytest.approx(efficiency, abs=1e-3)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 1000, 1024])
def test_each_has_one_owner_and_its_turn(count):
    costs = [cost(1, *shape, 5) for shape in GPT2]
    owner_of = owners(costs, [0] * count)
    assert len(owner_of) == len(costs) and all(0 <= owner < count for owner in owner_of)
    order = dearest_first(costs)
    assert sorted(order) == [*range(len(costs))]
    for before, after in zip(order, order[1:]):
        assert (-costs[before], before) < (-costs[after], after)


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


def test_the_load_is_near_the_least_possible():
    random.seed(3)
    for _ in range(30):
        count, costs = random.choice([2, 3]), [random.randint(1, 50) for _ in range(8)]
        best = min(
            max(loads(costs, choice, count))
            for choice in itertools.product(range(count), repeat=len(costs))
        )
        found = max(loads(costs, owners(costs, [0] * count), count))
        assert found <= (4 / 3 - 1 / (3 * count)) * best


def test_ties_go_by_index_then_by_rank_and_what_is_to_do_besides_counts():
    assert owners([5, 5, 5, 5], [0, 0]) == [0, 1, 0, 1]
    assert owners([1, 9, 1], [0, 0, 0]) == [1, 0, 2]
    assert owners([5, 5, 5], [9, 0]) == [1, 1, 0]


@pytest.mark.parametrize(
    "extents, view, matrices",
    [
        ((30, 20), View(split=(0, [10, 20])), [(10, 20), (20, 20)]),
        ((30, 20), View("io", split=(0, [10, 20])), [(20, 10), (20, 20)]),
        ((4, 6, 5), View("boi"), [(6, 5)] * 4),
        ((8, 3, 2, 2), View("oiii"), [(8, 12)]),
        ((60,), View("oi", shape=(-1, 6)), [(10, 6)]),
    ],
    ids=str,
)
def test_the_cost_of_a_view_is_that_of_its_matrices(extents, view, matrices):
    assert cost_of(Layout(1, extents, view), 5) == sum(cost(1, *each, 5) for each in matrices)


@pytest.mark.parametrize("rows", [0, 1, 2, 5, 769])
@pytest.mark.parametrize("parts", [1, 2, 3, 4, 7])
def test_rows_are_those_of_torch_chunk(rows, parts):
    chunks = [len(each) for each in torch.zeros(rows, 1).chunk(parts)] if rows else []
    chunks += [0] * (parts - len(chunks))
    ranges = [rows_of(rows, parts, part) for part in range(parts)]
    assert [end - first for first, end in ranges] == chunks
    assert all(one[1] == two[0] for one, two in zip(ranges, ranges[1:]))
