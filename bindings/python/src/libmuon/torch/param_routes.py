"""Where parameters go that come without their module: by group, by name, by shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union

from torch import Tensor

from .._patterns import EMBEDDING, OTHER, OUTPUT
from ..errors import InvalidArgumentError
from .builders import named_tensors
from .hidden_matrices import VECTOR, Nature, is_vector, nature_of_weight
from .routes import ModuleRoute, Routes

# Tensors, (name, tensor) pairs, or groups of either.
Params = Union[Iterable[Tensor], Iterable[tuple[str, Tensor]], Iterable[dict[str, Any]]]

# Why one is taken for a hidden matrix that may be none.
UNNAMED = "a matrix without a name"


def groups_of_params(params: Params) -> tuple[Routes, list[dict[str, Any]]]:
    """The routes of parameters, and groups of a single optimizer each, with the options they had.

    A group says itself where it goes by "use_muon", as those of Keller Jordan's optimizers, or by
    "optimizer", "Muon" or "AdamW"; otherwise its parameters go by their names and shapes.
    """
    if not isinstance(params, Iterable):
        raise TypeError(
            f"module: an nn.Module, or its parameters, is expected, not {type(params).__name__}"
        )
    items: list[Any] = [*(params.items() if isinstance(params, Mapping) else params)]
    in_groups = bool(items) and all(isinstance(each, dict) for each in items)
    routes, groups = Routes(), []
    for given in items if in_groups else [{"params": items}]:
        own, asked = given.get("params", []), asked_by(given)
        named = named_tensors([own] if isinstance(own, Tensor) else own, first=len(routes))
        made: dict[tuple[str, str], dict[str, Any]] = {}
        for name, tensor in named:
            route = route_of(name or f"param{len(routes)}", name, tensor, asked)
            routes.append(route)
            if route.optimizer == "none":
                continue
            higher_dims = route.higher_dims if route.optimizer == "Muon" else "refuse"
            if asked == "Muon":
                higher_dims = "auto"
            key = (route.optimizer, higher_dims)
            group = made.setdefault(key, {**given, "params": [], "optimizer": route.optimizer})
            if higher_dims != "refuse":
                group.setdefault("higher_dims", higher_dims)
            group["params"].append((route.name, tensor) if name else tensor)
        groups += [made[key] for key in sorted(made, key=lambda key: (key[0] != "Muon", key[1]))]
    return routes, groups


def asked_by(group: Mapping[str, Any]) -> Optional[str]:
    """The optimizer that a group says it goes to."""
    if "use_muon" in group:
        return "Muon" if group["use_muon"] else "AdamW"
    kind = group.get("optimizer")
    if kind not in (None, "Muon", "AdamW"):
        raise InvalidArgumentError(f'params: "optimizer" is "Muon" or "AdamW", not {kind!r}')
    return kind


def route_of(label: str, name: Optional[str], tensor: Tensor, asked: Optional[str]) -> ModuleRoute:
    """Where a parameter goes."""
    shape = tuple(tensor.shape)
    if not tensor.requires_grad:
        return ModuleRoute(label, shape, "none", "it does not require a gradient")
    if not tensor.is_floating_point():
        return ModuleRoute(label, shape, "none", "it is not floating point")
    nature = nature_by_name(name or "", shape)
    if asked is not None:
        nature = nature._replace(optimizer=asked, reason="asked for by its group", is_hidden=False)
    route = ModuleRoute(label, shape, *nature)
    return route if len(shape) > 2 else route._replace(higher_dims="refuse")


def nature_by_name(name: str, shape: tuple[int, ...]) -> Nature:
    """What a parameter is, as far as its name and shape say it."""
    if len(shape) < 2:
        return Nature("AdamW", "it does not have 2 dimensions", is_hidden=False)
    for pattern, what in ((EMBEDDING, "an embedding"), (OUTPUT, "an output layer")):
        if pattern.search(name):
            return Nature("AdamW", f"{what}, by its name", is_hidden=False)
    if OTHER.search(name):
        return Nature("AdamW", "a norm or a bias, by its name", is_hidden=False)
    if not name and len(shape) == 2:
        return Nature("Muon", UNNAMED)
    own = name.rpartition(".")[2]
    if name and is_vector(own, shape):
        return VECTOR
    is_convolution = len(shape) > 3 or "conv" in name.lower()
    return nature_of_weight(own, name, shape, is_convolution, shape[1] == 1)
