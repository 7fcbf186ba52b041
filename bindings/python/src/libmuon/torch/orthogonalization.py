"""orthogonalize for tensors of torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Union

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from .._option_table import BackendName, NewtonSchulzMethodName, PrecisionName
from .._options import Triple
from ..errors import DTypeError, ShapeError
from ..orthogonalization import orthogonalize_memory, orthogonalize_options
from ._compile import uncompiled
from ._tensors import (
    FLOAT32,
    FLOATS,
    address,
    check_shared,
    check_tensor,
    float32_copy,
    usable,
)


@uncompiled
@torch.no_grad()
def orthogonalize(
    G: Tensor,
    steps: Optional[int] = None,
    eps: float = 1e-8,
    abc: Union[Triple, Sequence[Triple], None] = None,
    *,
    backend: Optional[BackendName] = None,
    method: NewtonSchulzMethodName = "auto",
    precision: PrecisionName = "f32",
    out: Optional[Tensor] = None,
) -> Tensor:
    """libmuon.orthogonalize, for tensors of torch in CPU memory.

    G: float32, bfloat16 or float16, (..., r, c): each matrix in the last two dimensions by itself.
        bfloat16 and float16 are computed in float32, and rounded at the end.
    out: where to put the result: a tensor of G's shape and type. It may be G itself, and then a contiguous
        tensor of float32 is not copied; it must not overlap G in another way.
    The rest: as for libmuon.orthogonalize.

    Returns out, or a new contiguous tensor. It has no derivative. Raises DTypeError, ShapeError,
    InvalidArgumentError, for NaN and infinity too, and UnsupportedError; then nothing has been written.
    """
    check("G", G)
    if G.ndim < 2:
        raise ShapeError(f"G: a matrix is expected, not shape {tuple(G.shape)}")
    if out is not None:
        check("out", out)
        check_shared("out", out)
        if out.dtype is not G.dtype:
            raise DTypeError(f"out: {G.dtype} is expected, not {out.dtype}")
        if out.shape != G.shape:
            raise ShapeError(f"out: shape {tuple(G.shape)} is expected, not {tuple(out.shape)}")
    options = orthogonalize_options(steps, eps, abc, backend, method, precision)
    g = G if usable(G, FLOAT32) else float32_copy(G)
    if out is not None and usable(out, FLOAT32):
        result = out
    else:
        result = torch.empty_like(g, memory_format=torch.contiguous_format) if g is G else g
    orthogonalize_memory(address(g), tuple(g.shape), options, address(result))
    if out is None:
        return result.to(G.dtype)
    if result is out:
        increment_version(out)
        return out
    return out.copy_(result)


def check(label: str, tensor: Tensor) -> None:
    """Raises unless it is a tensor that can be computed with."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{label}: a tensor is expected, not {type(tensor).__name__}")
    check_tensor("orthogonalize", label, tensor)
    if tensor.dtype not in FLOATS:
        raise DTypeError(f"{label}: float32, bfloat16 or float16 is expected, not {tensor.dtype}")
