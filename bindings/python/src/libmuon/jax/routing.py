"""Where the leaves of a pytree of parameters go: to Muon or to AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from .._patterns import EMBEDDING, OTHER, OUTPUT, asked_for
from ..builders import Route


def route_params(params: Any, *, to_muon: Sequence[str] = (), to_adamw: Sequence[str] = ()) -> list[Route]:
    """Says for each leaf of a pytree where muon() sends it, and why.

    Muon gets matrices, of exactly 2 dimensions, but those whose name says that they are an embedding
    ("embed", "wte", ...), an output layer ("lm_head", "head", "classifier", ...), a norm or a bias.
    AdamW gets the rest. A leaf's name is its path: "decoder.layers_0.kernel".

    to_muon, to_adamw: names, or patterns such as "*.conv_*.kernel", that go there whatever the above
        says. Those of more than 2 dimensions go to Muon by this alone.

    print(*route_params(params), sep="\\n") is a table. Raises ValueError for a pattern that matches
    no leaf, for a leaf asked for on both sides, and for a vector or scalar asked for on Muon's.
    """
    leaves = {name_of(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(params)}
    asked = asked_for([*leaves], to_muon, to_adamw)
    return [route_of(name, tuple(leaf.shape), asked) for name, leaf in leaves.items()]


def labels(params: Any, to_muon: Sequence[str], to_adamw: Sequence[str]) -> Any:
    """The same as a pytree of "Muon" and "AdamW", as optax.partition takes it."""
    routes = route_params(params, to_muon=to_muon, to_adamw=to_adamw)
    return jax.tree.unflatten(jax.tree.structure(params), [each.optimizer for each in routes])


def name_of(path: Any) -> str:
    """The name of a leaf, its path with dots: "decoder.layers_0.kernel"; "params" if it is all there is."""
    return jax.tree_util.keystr(path, simple=True, separator=".") or "params"


def route_of(name: str, shape: tuple[int, ...], asked: dict[str, tuple[str, str]]) -> Route:
    """Where a leaf goes."""
    if name in asked:
        optimizer, pattern = asked[name]
        argument = f"to_{optimizer.lower()}"
        if optimizer == "Muon" and len(shape) < 2:
            raise ValueError(f"{argument}: {name!r} cannot go there: its shape is {shape}")
        return Route(name, shape, optimizer, f"asked for: {argument} has {pattern!r}")
    if len(shape) != 2:
        return Route(name, shape, "AdamW", "it does not have 2 dimensions")
    for pattern_of_names, what in (
        (EMBEDDING, "an embedding"), (OUTPUT, "an output layer"), (OTHER, "a norm or a bias")
    ):
        if pattern_of_names.search(name):
            return Route(name, shape, "AdamW", f"{what}, by its name")
    return Route(name, shape, "Muon", "a matrix")
