"""The orthogonalization as part of a computation of JAX: by XLA's handler, or through Python."""

from __future__ import annotations

from ctypes import byref, sizeof
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import _abi
from .._foreign import address
from .._library import check, failure, lib
from .._option_table import ORTHOGONALIZE
from ..errors import DTypeError, InvalidArgumentError, MuonError, ShapeError
from ._cpu import on_the_cpu
from ._handler import TARGET, implementation


class Call(NamedTuple):
    """What a call computes. It can be hashed: computations are kept by it."""

    name: str  # what errors call the matrices
    propagate: bool  # NaN or infinity makes a matrix NaN; otherwise it is an error
    options: tuple[tuple[str, float], ...]
    coefficients: tuple[float, ...]

    def attributes(self) -> dict[str, Any]:
        """As the handler takes them."""
        return {
            "name": self.name,
            "propagate": self.propagate,
            "coefficients": np.array(self.coefficients, np.float64),
            **{key: scalar(value) for key, value in self.options},
        }

    def struct(self) -> _abi.OrthogonalizeOptions:
        """As the library takes them."""
        struct = _abi.OrthogonalizeOptions()
        check(lib.muon_orthogonalize_options_init(byref(struct), sizeof(struct)))
        for key, value in self.options:
            setattr(struct, key, value)
        count = len(self.coefficients) // 3
        rows = (_abi.Coefficients * count)()
        for index in range(count):
            rows[index] = _abi.Coefficients(*self.coefficients[3 * index : 3 * index + 3])
        struct.coefficients, struct.coefficients_count = rows if count else None, count
        return struct


def scalar(value: float) -> Any:
    """A double or an int32_t of C."""
    return np.float64(value) if isinstance(value, float) else np.int32(value)


def call_of(name: str, struct: _abi.OrthogonalizeOptions, propagate: bool = False) -> Call:
    """A call with the options of a struct."""
    rows = [struct.coefficients[index] for index in range(struct.coefficients_count)]
    return Call(
        name,
        propagate,
        tuple((key, getattr(struct, key)) for key in ORTHOGONALIZE),
        tuple(each for row in rows for each in (row.a, row.b, row.c)),
    )


def check_matrices(name: str, x: Any) -> None:
    """Raises unless it is an array of float32 with a matrix in its last two dimensions."""
    if not hasattr(x, "dtype") or not hasattr(x, "shape"):
        raise TypeError(f"{name}: an array is expected, not {type(x).__name__}")
    if x.dtype != jnp.float32:
        raise DTypeError(f"{name}: float32 is expected, not {x.dtype}")
    if len(x.shape) < 2:
        raise ShapeError(f"{name}: a matrix is expected, not shape {tuple(x.shape)}")


@partial(jax.jit, static_argnums=0)
def compute(call: Call, x: jax.Array) -> jax.Array:
    """The matrices in the last two dimensions of x, made orthogonal."""
    x = on_the_cpu(x)
    result = jax.ShapeDtypeStruct(x.shape, x.dtype)
    if implementation() == "ffi":
        # In place, so that XLA needs no second buffer.
        function = jax.ffi.ffi_call(
            TARGET, result, vmap_method="broadcast_all", input_output_aliases={0: 0}
        )
        return function(x, **call.attributes())
    return jax.pure_callback(partial(in_python, call), result, x, vmap_method="broadcast_all")


def in_python(call: Call, x: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What the handler does."""
    matrices = np.ascontiguousarray(np.asarray(x), np.float32)
    result = np.empty_like(matrices)
    options, (rows, columns) = call.struct(), matrices.shape[-2:]
    for index in np.ndindex(matrices.shape[:-2] if matrices.size else (0,)):
        g, out = matrices[index], result[index]
        status = lib.muon_orthogonalize(
            address(g), g.size, rows, columns, byref(options), address(out), out.size
        )
        if status == InvalidArgumentError.status and call.propagate and not np.isfinite(g).all():
            out[...] = np.nan
        elif status:
            raise named(call.name, failure(status))
    return result


def named(name: str, error: MuonError) -> MuonError:
    """The error with what it is about."""
    return type(error)(f"{name}: {error}")
