"""Which layers of a module are its output, as far as a module shows it."""

from __future__ import annotations

from torch import nn

from .._patterns import OUTPUT_LAYERS


def output_layers(module: nn.Module) -> dict[nn.Module, str]:
    """The output layers, each with how it is known; the first of these that says something:

    get_output_embeddings(), which models of transformers have; a weight that is an embedding's too;
    nn.Linear layers with the name of an output layer; the last nn.Linear. A layer in a repeated
    block is none. A module runs in the order its code says, which may not be that of its layers:
    hence the names first.
    """
    ask = getattr(module, "get_output_embeddings", None)
    layer = ask() if callable(ask) else None
    if isinstance(layer, nn.Module):
        return {layer: "get_output_embeddings()"}
    modules = dict(module.named_modules())
    linears = {path: each for path, each in modules.items() if isinstance(each, nn.Linear)}
    # Not by .weight, which a parametrized layer makes anew each time.
    tables = {id(p) for each in modules.values() if is_embedding(each) for p in each.parameters()}
    tied = [
        each for each in linears.values() if any(id(p) in tables for p in each.parameters())
    ]
    if tied:
        return {each: "it is tied to an embedding" for each in tied}
    single = {path: each for path, each in linears.items() if not is_repeated(path, modules)}
    called = [each for path, each in single.items() if path.split(".")[-1] in OUTPUT_LAYERS]
    if called:
        return {each: "its name" for each in called}
    return {each: "it is the last nn.Linear" for each in [*single.values()][-1:]}


def is_embedding(module: nn.Module) -> bool:
    """Whether a module looks rows up in a table, its weight."""
    return isinstance(module, (nn.Embedding, nn.EmbeddingBag))


def is_repeated(path: str, modules: dict[str, nn.Module]) -> bool:
    """Whether a layer is in a block of which there are several: in an element of an nn.ModuleList,
    or in one of several blocks of a class in an nn.Sequential."""
    parts = path.split(".")
    for depth in range(1, len(parts)):
        block, parent = modules[".".join(parts[:depth])], modules[".".join(parts[: depth - 1])]
        if isinstance(parent, nn.ModuleList):
            return True
        if isinstance(parent, nn.Sequential):
            return sum(type(each) is type(block) for each in parent) > 1
    return False
