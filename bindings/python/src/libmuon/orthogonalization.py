"""orthogonalize, and the coefficient tables of the backends."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _abi
from ._enums import Backend
from ._library import check, lib
from ._option_table import BackendName, NewtonSchulzMethodName, PrecisionName
from ._options import Triple, fetch_rows, member, orthogonalize_struct, step_count
from .errors import DTypeError, InvalidArgumentError, ShapeError
from .parameter import Array, address, check_array, plain

Matrix = npt.NDArray[np.float32]

# The steps that orthogonalize makes with coefficients of the caller's.
STEPS = 10


def orthogonalize(
    G: Matrix,
    steps: Optional[int] = None,
    eps: float = 1e-8,
    abc: Union[Triple, Sequence[Triple], None] = None,
    *,
    backend: Optional[BackendName] = None,
    method: NewtonSchulzMethodName = "auto",
    precision: PrecisionName = "f32",
    out: Optional[Matrix] = None,
) -> Matrix:
    """The orthogonal matrix nearest in direction to G: about U V^T where G = U S V^T.

    By default 10 steps of abc = (3, -3.2, 1.2). Each step is, with A = X X^T on the short side,
    X <- a X + (b A + c A^2) X; it starts at X = G / (norm(G) + eps).

    G: a matrix of float32, of any layout. It is only read, unless it is out.
    steps: 1 to 99. None: 10, or with backend that backend's own number.
    eps: finite, >= 0.
    abc: (a, b, c), or a sequence of them, one for each step; the last repeats. None: the default.
    backend: a table by name in place of abc: "polar_express", "newtonschulz5", ..., or "svd".
    method: how the polynomial is evaluated: "auto", "standard" or "gram", as for Muon.
    precision: of the products: "f32", "auto", "bf16" or "int16", as for Muon.
    out: where to put the result: a C-contiguous float32 array of G's shape. It may be G itself,
        but must not overlap it in another way.

    Returns out, or a new array of G's shape. Zeros give zeros. Raises DTypeError unless G is
    float32, ShapeError unless it is a matrix, InvalidArgumentError for NaN or infinity in G, and
    UnsupportedError for a method or precision that the backend or the processor does not have.
    """
    if not isinstance(G, np.ndarray) or G.dtype != np.float32:
        given = G.dtype if isinstance(G, np.ndarray) else type(G).__name__
        raise DTypeError(f"G: a numpy array of float32 is expected, not {given}")
    g = np.require(plain(G), requirements=["C", "A"])
    if g.ndim != 2:
        raise ShapeError(f"G: a matrix is expected, not shape {g.shape}")
    if out is None:
        out = np.empty(g.shape, np.float32)
    result = check_out(out, g.shape)
    options = orthogonalize_options(steps, eps, abc, backend, method, precision)
    memory, count = address(result), result.size
    check(lib.muon_orthogonalize(address(g), g.size, *g.shape, byref(options), memory, count))
    return out


def orthogonalize_options(
    steps: Optional[int],
    eps: float,
    abc: Union[Triple, Sequence[Triple], None],
    backend: Optional[BackendName],
    method: NewtonSchulzMethodName,
    precision: PrecisionName,
) -> _abi.OrthogonalizeOptions:
    """The arguments of orthogonalize for C."""
    options: dict[str, Any] = {"eps": eps, "method": method, "precision": precision}
    if backend is not None:
        if abc is not None:
            raise InvalidArgumentError("abc and backend are both given; one is enough")
        options["backend"] = backend
    elif abc is not None:
        options |= {"backend": Backend.custom, "backend_steps": STEPS, "coefficients": abc}
    struct = orthogonalize_struct(options)
    if steps is not None:
        struct.backend_steps = step_count("steps", steps)
    return struct


def check_out(out: Any, shape: tuple[int, ...]) -> Array:
    """The memory of out. Raises unless a result of that shape can be written there."""
    memory = check_array(out, "out")
    if memory.shape != shape:
        raise ShapeError(f"out: shape {shape} is expected, not {memory.shape}")
    if not memory.flags.writeable:
        raise InvalidArgumentError("out: the array is read-only")
    return memory


def backend_coefficients(name: str, steps: Optional[int] = None) -> list[Triple]:
    """The coefficients (a, b, c) that a backend uses, one triple a step.

    name: as for Muon and orthogonalize, but not "custom". "svd" has none.
    steps: 1 to 99. None: the backend's own number.
    """
    backend = member("name", name, Backend)
    return fetch_rows(lib.muon_backend_get_coefficients, backend, step_count("steps", steps))
