"""Where each parameter of a module goes: the hidden matrices to Muon, the rest to AdamW."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple, Optional

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ..builders import Route
from .builders import route_params
from .output_layers import is_embedding, output_layers

# All that the library needs to say which parameters can be Muon's at all.
CONFIG = {"training": {"optimizer": "Muon", "learning_rate": 0.0}}
# Where torch.nn.utils.parametrize puts the parts of a module's parameters.
PARAMETRIZED = "parametrizations"


class Place(NamedTuple):
    """Where a parameter is in a module. One that is tied is in several places.

    For a part of a parametrized one: where that one would be.
    """

    path: str
    owner: nn.Module
    attribute: str


def route_module(
    module: nn.Module, *, to_muon: Sequence[str] = (), to_adamw: Sequence[str] = ()
) -> list[Route]:
    """Says for each parameter of a module where MuonWithAdamW sends it, and why.

    AdamW gets what is no matrix; the output layer; embeddings (nn.Embedding, nn.EmbeddingBag,
    parameters with "embed" in their own name), tied or not; norms; and biases. Muon gets the
    matrices that are left. The output layer is what get_output_embeddings() returns, if module has
    that; an nn.Linear with the name of one, such as "lm_head" or "classifier"; or else the last
    nn.Linear that is not part of a repeated block.

    to_muon, to_adamw: names of parameters, or patterns such as "*.router.weight", that go there
        whatever the above says. Convolutions can go to Muon if it has higher_dims="flatten".

    Returns a Route for each of module.named_parameters(), in that order;
    print(*route_module(module), sep="\\n") is a table. Raises TypeError if module is no nn.Module,
    and ValueError for a pattern that matches no parameter, for a parameter asked for on both sides
    or not trained, and for one asked for on Muon's that is a vector.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module: an nn.Module is expected, not {type(module).__name__}")
    parameters = dict(module.named_parameters())
    asked = asked_for([*parameters], to_muon, to_adamw)
    places, outputs = places_of(module), output_layers(module)
    routes = []
    for route in route_params(parameters, CONFIG):
        if route.name in asked:
            routes.append(as_asked(route, *asked[route.name]))
        elif route.optimizer == "Muon":
            why = why_not_hidden(places[id(parameters[route.name])], outputs)
            choice = ("Muon", "a hidden matrix") if why is None else ("AdamW", why)
            routes.append(Route(route.name, route.shape, *choice))
        else:
            routes.append(route)
    return routes


def why_not_hidden(places: list[Place], outputs: dict[nn.Module, str]) -> Optional[str]:
    """Why a matrix is not one of the hidden ones; None if it is."""
    for place in places:
        if is_embedding(place.owner):
            others = [other.path for other in places if other is not place]
            return "an embedding" + (f", tied to {', '.join(others)}" if others else "")
    for path, owner, attribute in places:
        if owner in outputs:
            return f"the output layer: {outputs[owner]}"
        if "norm" in type(owner).__name__.lower():
            return f"part of a {type(owner).__name__}"
        if "bias" in attribute.lower():
            return "a bias, by its name"
        if "embed" in attribute.lower():
            return "an embedding, by its name"
    return None


def places_of(module: nn.Module) -> dict[int, list[Place]]:
    """Everywhere each parameter is, by its id."""
    places: dict[int, list[Place]] = defaultdict(list)
    modules = dict(module.named_modules())
    for path, owner in modules.items():
        for attribute, parameter in owner.named_parameters(recurse=False, remove_duplicate=False):
            place = parametrized(path, modules) or Place(path, owner, attribute)
            places[id(parameter)].append(place)
    return places


def parametrized(path: str, modules: dict[str, nn.Module]) -> Optional[Place]:
    """The place of the parameter that a module holds parts of; None if it holds none."""
    parts = path.split(".")
    if PARAMETRIZED not in parts:
        return None
    depth = parts.index(PARAMETRIZED)
    layer = ".".join(parts[:depth])
    if not is_parametrized(modules[layer]):
        return None
    return Place(layer, modules[layer], parts[depth + 1])


# What makes a pattern of a name, as fnmatch has it.
WILDCARDS = frozenset("*?[")


def asked_for(
    names: list[str], to_muon: Sequence[str], to_adamw: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """For each parameter that a pattern matches, the optimizer asked for, and the pattern."""
    asked: dict[str, tuple[str, str]] = {}
    known = set(names)
    for argument, patterns in (("to_muon", to_muon), ("to_adamw", to_adamw)):
        if isinstance(patterns, str):
            raise TypeError(f"{argument}: a list of names is expected, not a single string")
        optimizer = "Muon" if argument == "to_muon" else "AdamW"
        for pattern in patterns:
            # Whole names may be as many as there are parameters.
            if WILDCARDS.isdisjoint(pattern):
                found = [pattern] if pattern in known else []
            else:
                found = [name for name in names if fnmatchcase(name, pattern)]
            if not found:
                raise ValueError(f"{argument}: {pattern!r} matches no parameter")
            for name in found:
                if asked.setdefault(name, (optimizer, pattern))[0] != optimizer:
                    raise ValueError(f"to_muon and to_adamw both match {name!r}")
    return asked


def as_asked(route: Route, optimizer: str, pattern: str) -> Route:
    """The route of a parameter that the user sends somewhere."""
    argument = f"to_{optimizer.lower()}"
    # Muon itself says whether it takes more than 2 dimensions.
    if route.optimizer == "none" or (optimizer == "Muon" and len(route.shape) < 2):
        raise ValueError(f"{argument}: {route.name!r} cannot go there: {route.reason}")
    return route._replace(optimizer=optimizer, reason=f"asked for: {argument} has {pattern!r}")
