"""The identity, which is compiled for the CPU and refused for anything else."""

from __future__ import annotations

from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir

from ..errors import UnsupportedError

primitive = Primitive("libmuon_on_the_cpu")


def on_the_cpu(x: jax.Array) -> jax.Array:
    """x. Where a computation is compiled for another kind of device, UnsupportedError."""
    result: jax.Array = primitive.bind(x)
    return result


def refuse(context: Any, *_: Any) -> Any:
    devices = ", ".join(map(repr, context.module_context.platforms))
    raise UnsupportedError(
        f"libmuon.jax computes on the CPU only, and this computation is for {devices}; "
        "jax.default_device(jax.devices('cpu')[0]) puts it there"
    )


primitive.def_abstract_eval(lambda x: x)
mlir.register_lowering(primitive, refuse)
mlir.register_lowering(primitive, lambda context, x: [x], platform="cpu")
batching.primitive_batchers[primitive] = lambda args, axes: (primitive.bind(*args), axes[0])
