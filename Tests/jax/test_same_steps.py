"""The steps are those of libmuon.Muon and libmuon.AdamW, and where they agree those of optax.contrib.muon."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import libmuon
from libmuon.jax import muon, scale_by_muon

STEPS = 20
OPTIONS = [
    {},
    {"precision": "f32"},
    {"momentum_style": "ema", "shape_scale": "match_rms_adamw", "weight_decay": 0.1, "precision": "f32"},
    {"nesterov": False, "update_scale": 0.5, "backend": "polar_express", "backend_steps": 4},
    {"coefficients": [(3.0, -3.2, 1.2), (2.0, -1.5, 0.5)], "momentum": 0.8, "eps": 1e-3, "method": "standard"},
    {"backend": "svd"},
]


def train(optimizer, params, gradients):
    """The parameters after a step for each gradient."""

    @jax.jit
    def step(params, state, gradient):
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state

    params = jax.tree.map(jnp.array, params)
    state = optimizer.init(params)
    for gradient in gradients:
        params, state = step(params, state, gradient)
    return params


def trained_by_libmuon(params, gradients, options, learning_rates):
    """The same by libmuon's own optimizers."""
    leaves, structure = jax.tree.flatten(params)
    own = [libmuon.Parameter(leaf.copy()) for leaf in leaves]
    matrices = [each for each in own if each.data.ndim == 2]
    others = [each for each in own if each.data.ndim != 2]
    optimizers = [libmuon.Muon(matrices, **options), *([libmuon.AdamW(others)] if others else [])]
    for gradient, rate in zip(gradients, learning_rates):
        for each, grad in zip(own, jax.tree.leaves(gradient)):
            each.grad = grad
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
    return jax.tree.unflatten(structure, [each.data for each in own])


def assert_close(one, other, tolerance=1e-6):
    """optax corrects the bias of AdamW's moments in float32, which shows after some steps."""
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other)):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance if a.ndim == 2 else 5e-6)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_as_libmuon(params, random_like, options):
    gradients = [random_like(params) for _ in range(STEPS)]
    mine = train(muon(0.02, **options), params, gradients)
    assert_close(mine, trained_by_libmuon(params, gradients, options, [0.02] * STEPS))


def test_a_schedule(params, random_like):
    gradients = [random_like(params) for _ in range(STEPS)]
    schedule = optax.linear_schedule(0.05, 0.0, STEPS)
    rates = [float(schedule(step)) for step in range(STEPS)]
    mine = train(muon(schedule), params, gradients)
    assert_close(mine, trained_by_libmuon(params, gradients, {}, rates))


# Kernels of JAX are (in, out), weights of libmuon.Muon (out, in): the transposes are trained alike.
@pytest.mark.parametrize("scale", ["original", "spectral", "match_rms_adamw", "none"])
def test_shape_scales_take_kernels_as_inputs_by_outputs(rng, random_like, scale):
    params = {"kernel": (0.1 * rng.standard_normal((16, 64))).astype(np.float32)}
    gradients = [random_like(params) for _ in range(STEPS)]
    mine = train(muon(0.02, shape_scale=scale), params, gradients)
    transposed = [{"kernel": np.ascontiguousarray(each["kernel"].T)} for each in gradients]
    weight = {"kernel": np.ascontiguousarray(params["kernel"].T)}
    theirs = trained_by_libmuon(weight, transposed, {"shape_scale": scale}, [0.02] * STEPS)
    assert_close(mine, {"kernel": theirs["kernel"].T}, 2e-6)


def test_as_optax(params, random_like):
    """Without Nesterov: the momentum's bias, which optax corrects, then makes no difference."""
    gradients = [random_like(params) for _ in range(STEPS)]
    same = {"nesterov": False, "weight_decay": 0.1}
    options = {"momentum_style": "ema", "shape_scale": "original", "precision": "f32", "adam_weight_decay": 0.0}
    mine = train(muon(0.02, **same, **options), params, gradients)
    theirs = train(optax.contrib.muon(0.02, **same), params, gradients)
    for one, other in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs)):
        np.testing.assert_allclose(one, other, rtol=0, atol=5e-6)


def test_stacked_layers_are_matrices_each(rng, random_like):
    """Of 3 dimensions, a matrix for each index of the first; of 4, as a convolution, one matrix."""
    stack = {"w": (0.1 * rng.standard_normal((3, 24, 16))).astype(np.float32)}
    gradients = [random_like(stack) for _ in range(3)]
    mine = train(muon(0.02, to_muon=["w"]), stack, gradients)
    for i in range(3):
        alone = train(muon(0.02), {"w": stack["w"][i]}, [{"w": each["w"][i]} for each in gradients])
        np.testing.assert_array_equal(mine["w"][i], alone["w"])
    kernel = {"conv": (0.1 * rng.standard_normal((3, 3, 4, 16))).astype(np.float32)}
    gradients = [random_like(kernel) for _ in range(3)]
    mine = train(muon(0.02, to_muon=["conv"], shape_scale="original"), kernel, gradients)
    flat = [{"conv": each["conv"].reshape(36, 16)} for each in gradients]
    alone = train(muon(0.02, shape_scale="original"), {"conv": kernel["conv"].reshape(36, 16)}, flat)
    np.testing.assert_array_equal(mine["conv"].reshape(36, 16), alone["conv"])


def test_the_momentum_is_the_state(random_like):
    params = {"w": np.zeros((8, 4), np.float32)}
    optimizer = scale_by_muon(momentum=0.5)
    state = optimizer.init(params)
    first, second = random_like(params), random_like(params)
    _, state = optimizer.update(first, state)
    _, state = optimizer.update(second, state)
    expected = 0.5 * np.float64(first["w"]) + second["w"]
    np.testing.assert_allclose(state.momentum["w"], expected, rtol=0, atol=1e-6)
