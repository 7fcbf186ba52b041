"""Muon for JAX: transformations of optax, computed by libmuon on the CPU.

    from libmuon.jax import muon          # was: from optax.contrib import muon

    optimizer = muon(0.02)                # the hidden matrices by Muon, the rest by AdamW
    state = optimizer.init(params)
    updates, state = optimizer.update(grads, state, params)
    params = optax.apply_updates(params, updates)

They work under jit, vmap and scan, with donated buffers, and with optax's own chain, partition,
schedules and inject_hyperparams. The momentum is in the state, a pytree. Parameters are float32.

Needs jax and optax: pip install "libmuon[jax]". `import libmuon` alone does not load jax.
"""

try:
    import jax as _jax  # noqa: F401
    import optax as _optax  # noqa: F401
except ImportError as error:
    raise ImportError(
        'libmuon.jax needs jax and optax: pip install "libmuon[jax]"'
    ) from error

from ._handler import implementation
from .orthogonalization import orthogonalize
from .routing import route_params
from .transformations import ScaleByMuonState, muon, scale_by_muon

__all__ = [
    "ScaleByMuonState",
    "muon",
    "orthogonalize",
    "route_params",
    "scale_by_muon",
    "implementation",
]
