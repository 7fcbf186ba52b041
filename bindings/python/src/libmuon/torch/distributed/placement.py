"""How a DTensor lies over the ranks of its mesh: by rows, and how often."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Optional

import torch
import torch.distributed as dist
from torch import Tensor

from ...errors import InvalidArgumentError, UnsupportedError

EXPECTED = "Shard(0), (Replicate(), Shard(0)) or Replicate()"


def is_placed(tensor: Any) -> bool:
    """Whether it is a DTensor. There is none before its module is loaded, which takes a second."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def any_placed(groups: Sequence[Any]) -> bool:
    """Whether a parameter of some groups is a DTensor."""
    return "torch.distributed.tensor" in sys.modules and any(
        is_placed(parameter) for group in groups for parameter in group["params"]
    )


def local_of(tensor: Any) -> Tensor:
    """A DTensor's memory on this rank: the same object at each call, without a graph."""
    local: Tensor = tensor._local_tensor
    return local


def rows_of(rows: int, parts: int, part: int) -> tuple[int, int]:
    """The first row of a part of so many, and the one after its last, as torch.chunk has them."""
    chunk = -(-rows // parts)
    return min(part * chunk, rows), min((part + 1) * chunk, rows)


class Ranks:
    """The ranks of a mesh, by their positions in it: 0, 1, ... in the order of mesh.mesh.flatten().

    The last dimension of the mesh is the one that may shard; those before replicate.
    """

    def __init__(self, mesh: Any) -> None:
        self.mesh = mesh
        self.globals: list[int] = mesh.mesh.flatten().tolist()
        self.count = len(self.globals)
        rank = dist.get_rank()
        if rank not in self.globals:
            raise InvalidArgumentError(f"rank {rank} is not in the mesh of its parameters, {mesh}")
        self.position = self.globals.index(rank)
        self.parts = int(mesh.mesh.shape[-1])
        self.groups = [mesh.get_group(dimension) for dimension in range(mesh.ndim)]

    def of_part(self, part: int) -> list[int]:
        """The positions that hold the part with this number."""
        return [*range(part, self.count, self.parts)]


class Placement:
    """How one DTensor lies: each rank has some of its rows (of the first dimension), or all."""

    def __init__(self, label: str, tensor: Any) -> None:
        from torch.distributed.tensor import Replicate, Shard

        placements = tuple(tensor.placements)
        self.sharded = type(placements[-1]) is Shard and placements[-1].dim == 0 and tensor.ndim > 0
        others = placements[:-1] if self.sharded else placements
        if any(type(each) is not Replicate for each in others):
            raise UnsupportedError(f"{label}: {EXPECTED} is expected, not {placements}")
        self.mesh, self.placements, self.shape = tensor.device_mesh, placements, tensor.shape
        # That DTensors of the same mesh and placements have their rows in the same places is torch's
        # rule; one that was made otherwise would be taken apart wrongly.
        ranks = Ranks(self.mesh)
        expected = self.local_shape(self.shape, ranks.parts, ranks.position)
        found = tuple(local_of(tensor).shape)
        if found != expected:
            raise InvalidArgumentError(
                f"{label}: its shard is expected to have shape {expected}, not {found}"
            )

    def shards(self, shape: Sequence[int]) -> bool:
        """Whether a buffer of the parameter's state lies by rows too: if it has as many."""
        return self.sharded and len(shape) > 0 and shape[0] == self.shape[0]

    def rows(self, parts: int, position: int) -> tuple[int, int]:
        """The rows that the rank at a position has of the parameter."""
        count = self.shape[0] if self.shape else 1
        return rows_of(count, parts, position % parts) if self.sharded else (0, count)

    def local_shape(
        self, shape: Sequence[int], parts: int, position: int
    ) -> tuple[int, ...]:
        """The shape that a rank has of the parameter, or of a buffer of its state."""
        if not self.shards(shape):
            return tuple(shape)
        first, end = self.rows(parts, position)
        return (end - first, *shape[1:])

    def wrapped(self, local: Tensor, shape: Sequence[int]) -> Tensor:
        """A DTensor of this rank's part of a state buffer of some shape, in the same memory."""
        from torch.distributed.tensor import DTensor, Replicate

        shape = torch.Size(shape)
        placements = self.placements if self.shards(shape) else [Replicate()] * self.mesh.ndim
        strides = torch.empty(shape, device="meta").stride()
        result: Tensor = DTensor.from_local(
            local, self.mesh, placements, run_check=False, shape=shape, stride=strides
        )
        return result

    def part_of(self, label: str, value: Any, shape: Sequence[int]) -> Optional[Tensor]:
        """This rank's part of a state buffer: of a DTensor, or of a plain tensor that is whole.

        None where the value has neither that shape nor a known placement.
        """
        ranks = Ranks(self.mesh)
        if is_placed(value):
            there = Placement(label, value)
            if there.shape != torch.Size(shape) or there.shards(shape) != self.shards(shape):
                return None
            return local_of(value)
        if not isinstance(value, Tensor) or value.shape != torch.Size(shape):
            return None
        if not self.shards(shape):
            return value
        first, end = self.rows(ranks.parts, ranks.position)
        return value[first:end]
