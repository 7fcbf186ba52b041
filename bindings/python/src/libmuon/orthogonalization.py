"""orthogonalize, and the coefficient tables of the backends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from ctypes import byref
from typing import Any, Optional, TypeVar, Union, overload

import numpy as np
import numpy.typing as npt

from . import _abi
from ._enums import Backend, DType
from ._foreign import AnyArray, address, as_array, is_array, plain
from ._library import check, lib
from ._option_table import BackendName, NewtonSchulzMethodName, PrecisionName
from ._options import Triple, fetch_rows, member, orthogonalize_struct, step_count
from .errors import DTypeError, InvalidArgumentError, ShapeError
from .parameter import Array, check_array

Matrix = npt.NDArray[np.float32]
Out = TypeVar("Out", bound=AnyArray)

# The steps that orthogonalize makes with coefficients of the caller's.
STEPS = 10


@overload
def orthogonalize(
    G: AnyArray,
    steps: Optional[int] = None,
    eps: float = 1e-8,
    abc: Union[Triple, Sequence[Triple], None] = None,
    *,
    backend: Optional[BackendName] = None,
    method: NewtonSchulzMethodName = "auto",
    precision: PrecisionName = "f32",
    out: None = None,
) -> Matrix: ...
@overload
def orthogonalize(
    G: AnyArray,
    steps: Optional[int] = None,
    eps: float = 1e-8,
    abc: Union[Triple, Sequence[Triple], None] = None,
    *,
    backend: Optional[BackendName] = None,
    method: NewtonSchulzMethodName = "auto",
    precision: PrecisionName = "f32",
    out: Out,
) -> Out: ...
def orthogonalize(
    G: AnyArray,
    steps: Optional[int] = None,
    eps: float = 1e-8,
    abc: Union[Triple, Sequence[Triple], None] = None,
    *,
    backend: Optional[BackendName] = None,
    method: NewtonSchulzMethodName = "auto",
    precision: PrecisionName = "f32",
    out: Optional[AnyArray] = None,
) -> Any:
    """The orthogonal matrix nearest in direction to G: about U V^T where G = U S V^T; or those of a batch.

    By default 10 steps of abc = (3, -3.2, 1.2). Each step is, with A = X X^T on the short side,
    X <- a X + (b A + c A^2) X; it starts at X = G / (norm(G) + eps).

    G: a matrix of float32, or (..., r, c): each matrix in the last two dimensions by itself; of any
        layout, of numpy or of another library in CPU memory, by DLPack or __array_interface__, where it
        is. It is only read, unless it is out.
    steps: 1 to 99. None: 10, or with backend that backend's own number.
    eps: finite, >= 0.
    abc: (a, b, c), or a sequence of them, one for each step; the last repeats. None: the default.
    backend: a table by name in place of abc: "polar_express", "newtonschulz5", ..., or "svd".
    method: how the polynomial is evaluated: "auto", "standard" or "gram", as for Muon.
    precision: of the products: "f32", "auto", "bf16", "int16" or "int8", as for Muon.
    out: where to put the result: a C-contiguous float32 array of G's shape. It may be G itself,
        but must not overlap it in another way.

    Returns out, or a new numpy array of G's shape. Zeros give zeros. Raises DTypeError unless G is
    float32, ShapeError unless it is a matrix, InvalidArgumentError for NaN or infinity in G, and
    UnsupportedError for a method or precision that the backend or the processor does not have and for
    memory of another device. Then nothing has been written.
    """
    if not is_array(G):
        raise DTypeError(f"G: an array of float32 is expected, not {type(G).__name__}")
    given = plain(as_array(G, "G"))
    if given.dtype != np.float32:
        raise DTypeError(f"G: float32 is expected, not {given.dtype}")
    g = np.require(given, requirements=["C", "A"])
    if g.ndim < 2:
        raise ShapeError(f"G: a matrix is expected, not shape {g.shape}")
    if out is None:
        out = np.empty(g.shape, np.float32)
    result = check_out(out, g.shape)
    options = orthogonalize_options(steps, eps, abc, backend, method, precision)
    orthogonalize_memory(address(g), g.shape, options, address(result))
    return out


def orthogonalize_memory(
    g: int, shape: tuple[int, ...], options: _abi.OrthogonalizeOptions, out: int
) -> None:
    """Orthogonalizes the matrices in the last two dimensions of what is at the address g."""
    count, batch = math.prod(shape), math.prod(shape[:-2])
    check(lib.muon_orthogonalize_batch(g, count, batch, *shape[-2:], byref(options), out, count))


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
    memory = check_array(out, DType.f32, "out")
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
