"""Where each parameter of a module goes: the hidden matrices to Muon, the rest to AdamW."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Optional

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from .._patterns import asked_for, matched
from ..view import View
from .builders import route_params
from .fused_layers import fused
from .hidden_matrices import Place, nature_of
from .muon import HIGHER_DIMS, check_higher_dims
from .output_layers import output_layers
from .routes import ModuleRoute, Routes

# All that the library needs to say which parameters can be Muon's at all.
CONFIG = {"training": {"optimizer": "Muon", "learning_rate": 0.0}}
# Where torch.nn.utils.parametrize puts the parts of a module's parameters.
PARAMETRIZED = "parametrizations"


def route_module(
    module: nn.Module,
    *,
    to_muon: Sequence[str] = (),
    to_adamw: Sequence[str] = (),
    higher_dims: str = "auto",
    views: Optional[Mapping[str, View]] = None,
    split_fused: bool = False,
) -> Routes:
    """Says for each parameter of a module where MuonWithAdamW sends it, and why.

    AdamW gets vectors; the output layer; embeddings (nn.Embedding, nn.EmbeddingBag, parameters with
    "embed" in their own name), tied or not; norms; biases; depthwise convolutions; and parameters of
    2 or more dimensions that are no weights of a layer, as A_log and cls_token. Muon gets the
    matrices that are left: those of layers, convolutions, each as a matrix of shape[0] rows, and
    stacks of matrices, such as a layer's experts, each of them by itself. The output layer is what
    get_output_embeddings() returns, if module has that; an nn.Linear with the name of one, such as
    "lm_head" or "classifier"; or else the last nn.Linear that is not part of a repeated block. A
    parameter is a weight if its own name has "weight", "proj" or "kernel" in it.

    to_muon, to_adamw: names of parameters, or patterns such as "*.router.weight", that go there
        whatever the above says.
    higher_dims: what Muon takes parameters of more than 2 dimensions for: "auto", as above, by their layers;
        "flatten" or "batch", always that (see Muon); "refuse": they go to AdamW.
    split_fused: whether each matrix of a hidden one that holds several is one of its own, where the layer is
        known: q, k and v of nn.MultiheadAttention, of GPT-2's c_attn, and of layers called qkv, Wqkv, qkv_proj and
        query_key_value, as transformers and timm have them; gate and up of those called gate_up_proj.
    views: by names or patterns, how parameters are seen as matrices, as {"*.qkv.weight": View("oi",
        split=(0, [768, 768, 768]))}; the first pattern that matches counts. They go to Muon, unless to_adamw has them.

    Returns a list with a ModuleRoute for each of module.named_parameters(), in that order; printed,
    it is a table. Raises TypeError if module is no nn.Module, and ValueError for a pattern that
    matches no parameter, for a parameter asked for on both sides or not trained, for one asked for
    on Muon's that is a vector, and for another higher_dims.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module: an nn.Module is expected, not {type(module).__name__}")
    check_higher_dims(higher_dims, HIGHER_DIMS)
    parameters = dict(module.named_parameters())
    asked = asked_for([*parameters], to_muon, to_adamw)
    viewed = views_for([*parameters], views or {})
    places, outputs = places_of(module), output_layers(module)
    modules = dict(module.named_modules())
    routes = Routes()
    for name, shape, optimizer, reason in route_params(parameters, CONFIG):
        route = ModuleRoute(name, shape, optimizer, reason)
        if len(shape) >= 2 and optimizer != "none":
            parameter = parameters[name]
            nature = nature_of(parameter, places[id(parameter)], outputs)
            route = ModuleRoute(name, shape, *nature)
            if len(shape) == 2 or higher_dims != "auto":
                route = route._replace(higher_dims=higher_dims if len(shape) > 2 else "refuse")
            if len(shape) > 2 and higher_dims == "refuse":
                route = route._replace(optimizer="AdamW", reason=reason)
            if split_fused and route.optimizer == "Muon":
                route = with_parts(route, places[id(parameter)][0], modules)
        if name in viewed and asked.get(name, ("Muon",))[0] == "Muon":
            route = as_viewed(route, *viewed[name])
        elif name in asked:
            route = as_asked(route, *asked[name])
        routes.append(route)
    return routes


def views_for(names: list[str], views: Mapping[str, View]) -> dict[str, tuple[View, str]]:
    """For each parameter that a pattern matches, its view, and the pattern."""
    for pattern, view in views.items():
        if not isinstance(view, View):
            raise TypeError(f"views[{pattern!r}]: a View is expected, not {type(view).__name__}")
    return {
        name: (views[pattern], pattern)
        for name, pattern in matched("views", [*views], names).items()
    }


def with_parts(route: ModuleRoute, place: Place, modules: dict[str, nn.Module]) -> ModuleRoute:
    """The route of a hidden matrix, with a view if its layer holds several."""
    parent = modules.get(place.path.rpartition(".")[0])
    parts = None if place.is_part else fused(place, parent, route.shape)
    if parts is None:
        return route
    reason = f"hidden matrices: {parts.what}"
    return route._replace(view=parts.view, reason=reason, higher_dims="refuse")


def as_viewed(route: ModuleRoute, view: View, pattern: str) -> ModuleRoute:
    """The route of a parameter that the user gives a view."""
    if route.optimizer == "none":
        raise ValueError(f"views: {route.name!r} cannot have one: {route.reason}")
    reason = f"asked for: views has {pattern!r}"
    return route._replace(
        optimizer="Muon", reason=reason, view=view, higher_dims="refuse", is_hidden=True
    )


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
    return Place(layer, modules[layer], parts[depth + 1], is_part=True)


def as_asked(route: ModuleRoute, optimizer: str, pattern: str) -> ModuleRoute:
    """The route of a parameter that the user sends somewhere."""
    argument = f"to_{optimizer.lower()}"
    if route.optimizer == "none" or (optimizer == "Muon" and len(route.shape) < 2):
        raise ValueError(f"{argument}: {route.name!r} cannot go there: {route.reason}")
    reason = f"asked for: {argument} has {pattern!r}"
    return route._replace(optimizer=optimizer, reason=reason, is_hidden=optimizer == "Muon")
