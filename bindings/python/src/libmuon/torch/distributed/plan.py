"""Which rank orthogonalizes which matrix. In integers, so that all ranks find the same by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from .._buffers import Layout


def cost_of(layout: Layout, steps: int) -> int:
    """About how many multiplications all matrices of a parameter take."""
    view = layout.view
    if view is None:
        rows, columns = layout.extents
        return cost(layout.copies, rows, columns, steps)
    shape = [*(view.shape or layout.extents)]
    if -1 in shape:
        shape[shape.index(-1)] = prod(layout.extents) // max(1, -prod(shape))
    count, rows, columns = (
        prod(extent for axis, extent in zip(view.axes, shape) if axis == letter) for letter in "boi"
    )
    if view.split is None:
        return cost(count, rows, columns, steps)
    axis, sizes = view.split
    whole = max(1, shape[axis])
    if view.axes[axis] == "o":
        return sum(cost(count, rows // whole * size, columns, steps) for size in sizes)
    return sum(cost(count, rows, columns // whole * size, steps) for size in sizes)


def cost(matrices: int, rows: int, columns: int, steps: int) -> int:
    """In operations, as OwnerPlan.swift has them: X X^T and the square of that, of each of which one triangle is
    worked out, and a product with X."""
    short, long = sorted((rows, columns))
    return matrices * max(steps, 1) * short * short * (3 * long + short)


def owners(costs: Sequence[int], loads: Sequence[int]) -> list[int]:
    """The owner of each: the dearest first, each to whom has least; ties by index, then by rank.

    loads: what each rank has to do besides.
    """
    total = list(loads)
    result = [0] * len(costs)
    for index in dearest_first(costs):
        owner = min(range(len(total)), key=lambda rank: (total[rank], rank))
        result[index] = owner
        total[owner] += costs[index]
    return result


def dearest_first(costs: Sequence[int]) -> list[int]:
    """The order in which they are given out and stepped; ties by index."""
    return sorted(range(len(costs)), key=lambda index: (-costs[index], index))
