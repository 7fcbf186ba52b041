"""JAX's arrays as gradients of numpy's optimizers: read where they are, when they are there."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import libmuon


def test_gradients_are_read_where_they_are(rng):
    parameter = libmuon.Parameter(np.ones((40, 60), np.float32), "w")
    other = libmuon.Parameter(np.ones((40, 60), np.float32), "w")
    one, two = libmuon.Muon([parameter]), libmuon.Muon([other])
    slow = jax.jit(lambda x: x + jnp.linalg.matrix_power(jnp.eye(300) * 0.9, 900)[0, 1])
    for _ in range(4):
        grad = rng.standard_normal((40, 60), dtype=np.float32)
        given = slow(grad)  # which JAX may still be computing
        parameter.grad, other.grad = given, grad
        assert parameter.grad is given
        one.step()
        two.step()
        assert np.array_equal(np.asarray(given), grad)
        assert parameter.data.tobytes() == other.data.tobytes()


def test_a_donated_gradient_is_not_lost(rng):
    parameter = libmuon.Parameter(np.ones((4, 6), np.float32), "w")
    grad = rng.standard_normal((4, 6), dtype=np.float32)
    parameter.grad = jnp.array(grad)
    optimizer = libmuon.Muon([parameter])
    jax.jit(lambda x: x * 0 + 7, donate_argnums=0)(parameter.grad).block_until_ready()
    optimizer.step()
    other = libmuon.Parameter(np.ones((4, 6), np.float32))
    libmuon.Muon([other]).step([grad])
    assert parameter.data.tobytes() == other.data.tobytes()


def test_what_cannot_be_written_is_no_parameter(rng):
    array = jnp.ones((4, 6))
    with pytest.raises(libmuon.InvalidArgumentError, match="'w': the array is read-only"):
        libmuon.Parameter(array, "w")
    with pytest.raises(libmuon.InvalidArgumentError, match="out: the array is read-only"):
        libmuon.orthogonalize(array, out=array)
    assert libmuon.orthogonalize(array[None]).shape == (1, 4, 6)
