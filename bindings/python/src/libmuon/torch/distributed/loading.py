"""State of DTensors out of state dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import ShapeError
from .._checkpoint import Kept, kept_state
from .placement import Placement, Ranks


def kept_placed_state(
    parameter: Tensor,
    label: str,
    saved: Mapping[str, Any],
    shapes: Mapping[str, torch.Size],
    counts_steps: bool,
) -> dict[str, Any]:
    """kept_state for a DTensor, from DTensors placed as it is or from whole tensors."""
    placement = Placement(label, parameter)
    ranks = Ranks(placement.mesh)
    parts, part_shapes = {}, {}
    for key, shape in shapes.items():
        local = placement.local_shape(shape, ranks.parts, ranks.position)
        part_shapes[key] = torch.Size(local)
        if saved.get(key) is not None:
            parts[key] = placement.part_of(f"{label}: {key}", saved[key], shape)
            if parts[key] is None:
                found = getattr(saved[key], "shape", saved[key])
                raise ShapeError(
                    f"{label}: {key}: a tensor of shape {tuple(shape)}, placed as the parameter or "
                    f"whole, is expected, not {found}"
                )
    state = kept_state(label, {**saved, **parts}, part_shapes, counts_steps)
    for key, value in state.items():
        if key in shapes and isinstance(value, Kept):
            state[key] = Kept(placement.wrapped(value.tensor, shapes[key]))
    return state
