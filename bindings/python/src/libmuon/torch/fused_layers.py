"""Layers that hold several matrices in one: q, k and v of an attention, gate and up of an MLP."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from torch import nn

from ..view import View
from .hidden_matrices import Place

QKV = ("qkv", "Wqkv", "qkv_proj", "query_key_value", "c_attn")
# Of transformers: rows are q, k and v of one head after another, or of one group of heads.
BY_HEADS = (
    "BloomAttention", "FalconAttention", "GPTBigCodeAttention", "GPTNeoXAttention",
    "GPTNeoXJapaneseAttention", "PersimmonAttention",
)
# Rows that are in an order of their own.
UNKNOWN = ("CodeGenAttention",)


class Fused(NamedTuple):
    """How a parameter is several matrices."""

    view: View
    what: str


def fused(place: Place, parent: Optional[nn.Module], shape: tuple[int, ...]) -> Optional[Fused]:
    """The matrices of a parameter that holds several, as far as its layer is known; None for others.

    parent: the module that its layer is in.
    """
    owner, attribute = place.owner, place.attribute
    layer = place.path.rpartition(".")[2] if attribute == "weight" else attribute
    if layer == "gate_up_proj" and len(shape) in (2, 3):
        return gate_up(owner, shape)
    if len(shape) != 2:
        return None
    if isinstance(owner, nn.MultiheadAttention) and attribute == "in_proj_weight":
        return blocks("oi", 0, [shape[0] // 3] * 3)
    if layer not in QKV or attribute != "weight" or type(parent).__name__ in UNKNOWN:
        return None
    if type(owner).__name__ == "Conv1D":  # of transformers: y = x W
        count, rest = divmod(shape[1], shape[0])
        return blocks("io", 1, [shape[0]] * count) if count in (2, 3) and rest == 0 else None
    return of_heads(parent, shape) if are_by_heads(parent) else one_after_another(parent, shape)


def blocks(axes: str, axis: int, sizes: list[int]) -> Fused:
    """An axis in blocks."""
    names = {2: "k and v", 3: "q, k and v"}[len(sizes)]
    return Fused(View(axes, split=(axis, sizes)), f"{names} in one")


def are_by_heads(parent: Any) -> bool:
    """Whether q, k and v alternate."""
    if type(parent).__name__ in BY_HEADS:
        # Where all heads have one k and v in common, these come last.
        return not getattr(parent, "multi_query", False) or is_grouped(parent)
    return bool(getattr(parent, "head_first", False))  # timm


def is_grouped(parent: Any) -> bool:
    return bool(getattr(parent, "new_decoder_architecture", False))  # Falcon


def number(parent: Any, *names: str) -> Optional[int]:
    """The first whole number that a module, or its config, has by one of these names."""
    for place in (parent, getattr(parent, "config", None)):
        for name in names:
            value = getattr(place, name, None)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def of_heads(parent: Any, shape: tuple[int, ...]) -> Optional[Fused]:
    """Rows that are q, k and v of a head, or of heads with one k and v, and then of the next."""
    width, rows = number(parent, "head_dim", "head_size", "dim_head"), shape[0]
    if width is None:
        return None
    each = 1
    if is_grouped(parent):
        heads, groups = number(parent, "num_heads"), number(parent, "num_kv_heads")
        if heads is None or groups is None or heads % groups:
            return None
        each = heads // groups
    if rows % (width * (each + 2)):
        return None
    view = View(
        "ooi",
        shape=(rows // (width * (each + 2)), width * (each + 2), shape[1]),
        split=(1, [width * each, width, width]),
    )
    return Fused(view, "q, k and v of heads in one")


def one_after_another(parent: Any, shape: tuple[int, ...]) -> Optional[Fused]:
    """Rows that are q, then k, then v, of which the latter two may have fewer heads."""
    if number(parent, "key_dim") is not None:  # timm's LeViT: heads with k and v of two widths
        return None
    rows, width = shape[0], number(parent, "head_dim", "head_size")
    heads = number(parent, "num_key_value_heads", "num_kv_heads")
    if getattr(parent, "multi_query", False):
        heads = 1
    if heads is not None and width is not None:
        rest = rows - 2 * heads * width
        if rest >= heads * width and rest % width == 0:
            return blocks("oi", 0, [rest, heads * width, heads * width])
        return None
    return blocks("oi", 0, [rows // 3] * 3) if rows % 3 == 0 else None


def gate_up(owner: Any, shape: tuple[int, ...]) -> Optional[Fused]:
    """gate and up, one after another; of experts of transformers also the other way."""
    what = "gate and up in one"
    if len(shape) == 2:
        half, rest = divmod(shape[0], 2)
        return None if rest else Fused(View("oi", split=(0, [half, half])), what)
    is_transposed = getattr(owner, "is_transposed", None)
    if is_transposed is None:
        inputs = number(owner, "hidden_dim", "hidden_size")
        if inputs not in shape[1:] or shape[1] == shape[2]:
            return None
        is_transposed = shape[1] == inputs
    axis = 2 if is_transposed else 1
    half, rest = divmod(shape[axis], 2)
    if rest:
        return None
    if getattr(owner, "is_concatenated", True):
        return Fused(View("bio" if is_transposed else "boi", split=(axis, [half, half])), what)
    # They alternate: each is a matrix of every other row or column.
    if is_transposed:
        return Fused(View("biob", shape=(shape[0], shape[1], half, 2)), what)
    return Fused(View("bobi", shape=(shape[0], half, 2, shape[2])), what)
