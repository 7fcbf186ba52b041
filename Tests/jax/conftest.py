"""Random pytrees, and both ways in which XLA calls the library."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from libmuon.jax import _call


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(params=["ffi", "callback"])
def implementation(request, monkeypatch):
    """Each way that there is, in turn."""
    assert _call.implementation() == "ffi", "make xla-handler has not been run for this jax"
    monkeypatch.setattr(_call, "implementation", lambda: request.param)
    jax.clear_caches()
    yield request.param
    jax.clear_caches()


@pytest.fixture
def random_like(rng):
    """A pytree of random arrays of the same shapes, of about that size."""

    def make(tree, size=1.0):
        return jax.tree.map(lambda x: np.array(size * rng.standard_normal(np.shape(x)), np.float32), tree)

    return make


@pytest.fixture
def params(random_like):
    """Dicts in dicts; tall, wide and square matrices, vectors and a scalar."""
    shapes = {
        "layers": [{"kernel": (40, 24), "bias": (24,)}, {"kernel": (24, 56), "bias": (56,)}],
        "square": (32, 32),
        "gain": (),
    }
    shaped = jax.tree.map(np.empty, shapes, is_leaf=lambda x: isinstance(x, tuple))
    return random_like(shaped, 0.1)
