"""What a parameter of a module is: one of its hidden matrices, several, or something else."""

from __future__ import annotations

import re
from math import prod
from typing import NamedTuple, Optional

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from .output_layers import is_embedding


class Place(NamedTuple):
    """Where a parameter is in a module. One that is tied is in several places.

    For a part of a parametrized one: where that one would be.
    """

    path: str
    owner: nn.Module
    attribute: str
    is_part: bool = False


class Nature(NamedTuple):
    """What a parameter of 2 or more dimensions is."""

    optimizer: str
    reason: str
    # How Muon takes more than 2 dimensions, also where it is asked to.
    higher_dims: str = "batch"
    # Whether it is a matrix, or several, beside embeddings, output layers, norms and biases.
    is_hidden: bool = True


# The names of what inputs are multiplied by. Others, such as A_log, cls_token and time_decay, are
# added to something, or multiply it element by element.
WEIGHT = re.compile(r"weight|proj|kernel", re.IGNORECASE)
STACK = re.compile(r"expert|moe", re.IGNORECASE)


VECTOR = Nature("AdamW", "a vector, by its shape", is_hidden=False)


def nature_of(parameter: Tensor, places: list[Place], outputs: dict[nn.Module, str]) -> Nature:
    """What a parameter is by its module, its own name and its shape."""
    why = why_not_hidden(places, outputs)
    if why is not None:
        return Nature("AdamW", why, is_hidden=False)
    _, owner, attribute, is_part = places[0]
    kind, shape = type(owner).__name__, tuple(parameter.shape)
    # The factor of a weight norm is one.
    if is_vector("" if is_part else attribute, shape):
        return VECTOR
    is_convolution = isinstance(owner, _ConvNd) or "conv" in kind.lower()
    return nature_of_weight(attribute, kind, shape, is_convolution, is_depthwise(owner))


def is_vector(attribute: str, shape: tuple[int, ...]) -> bool:
    """Whether only one of its extents is above 1; a layer's matrix may be a single row or column."""
    return max(shape) == prod(shape) and (len(shape) > 2 or attribute != "weight")


def nature_of_weight(
    attribute: str, layer: str, shape: tuple[int, ...], is_convolution: bool, is_depthwise: bool
) -> Nature:
    """What is neither an embedding, an output layer, a norm, a bias nor a vector.

    attribute: its own name. layer: what may say that it holds a stack of matrices.
    """
    is_weight = bool(WEIGHT.search(attribute))
    if len(shape) == 2:
        if is_weight:
            return Nature("Muon", "a hidden matrix")
        return Nature("AdamW", "no weight of a layer, by its name")
    if is_convolution:
        if is_depthwise:
            return Nature("AdamW", "a depthwise convolution: a filter a channel", "flatten")
        return Nature("Muon", f"a convolution: a matrix of {shape[0]} rows", "flatten")
    if len(shape) == 3 and (is_weight or STACK.search(layer)):
        return Nature("Muon", f"a stack of {shape[0]} hidden matrices")
    return Nature("AdamW", "neither a convolution nor a stack of matrices", is_hidden=is_weight)


def is_depthwise(owner: nn.Module) -> bool:
    """Whether a convolution does not mix channels."""
    groups = getattr(owner, "groups", 1)
    return bool(groups > 1 and groups == getattr(owner, "in_channels", 0))


def why_not_hidden(places: list[Place], outputs: dict[nn.Module, str]) -> Optional[str]:
    """Why a matrix is not one of the hidden ones; None if it is."""
    for place in places:
        if is_embedding(place.owner):
            others = [other.path for other in places if other is not place]
            return "an embedding" + (f", tied to {', '.join(others)}" if others else "")
    for _, owner, attribute, _ in places:
        if owner in outputs:
            return f"the output layer: {outputs[owner]}"
        if "norm" in type(owner).__name__.lower():
            return f"part of a {type(owner).__name__}"
        if "bias" in attribute.lower():
            return "a bias, by its name"
        if "embed" in attribute.lower():
            return "an embedding, by its name"
    return None
