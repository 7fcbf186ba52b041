"""orthogonalize for arrays of JAX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Union

import jax

from .._option_table import BackendName, NewtonSchulzMethodName, PrecisionName
from .._options import Triple
from ..orthogonalization import orthogonalize_options
from ._call import call_of, check_matrices, compute


def orthogonalize(
    G: jax.Array,
    steps: Optional[int] = None,
    eps: float = 1e-8,
    abc: Union[Triple, Sequence[Triple], None] = None,
    *,
    backend: Optional[BackendName] = None,
    method: NewtonSchulzMethodName = "auto",
    precision: PrecisionName = "f32",
) -> jax.Array:
    """libmuon.orthogonalize, for arrays of JAX, under jit and vmap too.

    G: float32, (..., r, c): each matrix in the last two dimensions by itself.
    The rest: as for libmuon.orthogonalize; numbers, not traced arrays.

    Returns an array of G's shape. It has no derivative. Raises DTypeError, ShapeError,
    InvalidArgumentError and UnsupportedError when it is traced. NaN or infinity in G ends the
    computation with JaxRuntimeError, which names it.
    """
    check_matrices("G", G)
    struct = orthogonalize_options(steps, eps, abc, backend, method, precision)
    return compute(call_of("G", struct), G)
