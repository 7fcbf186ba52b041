#!/usr/bin/env python3
"""Trains a network on handwritten digits in JAX: Muon for its hidden matrices, AdamW for the rest.

    pip install "libmuon[jax]"
    python jax_loop.py
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from libmuon.jax import muon, route_params

DATA = Path(__file__).resolve().parents[2] / "data" / "digits.bin"
EPOCHS, BATCH = 10, 64
SIZES = {"layer_0": (64, 128), "layer_1": (128, 128), "head": (128, 10)}

records = np.fromfile(DATA, np.uint8).reshape(-1, 65)
x, y = jnp.array(records[:, :64] / 16, jnp.float32), jnp.array(records[:, 64], jnp.int32)
TRAIN = 1437  # the rest is to test


def initial(key, inputs, outputs):
    kernel = jax.random.normal(key, (inputs, outputs)) / inputs**0.5
    return {"kernel": kernel, "bias": jnp.zeros(outputs)}


def logits(params, x):
    for name in ("layer_0", "layer_1"):
        x = jax.nn.relu(x @ params[name]["kernel"] + params[name]["bias"])
    return x @ params["head"]["kernel"] + params["head"]["bias"]


def loss(params, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y).mean()


keys = jax.random.split(jax.random.key(0), len(SIZES))
params = {name: initial(key, *size) for key, (name, size) in zip(keys, SIZES.items())}
rate = optax.linear_schedule(0.05, 0.0, EPOCHS * (TRAIN // BATCH))
optimizer = muon(rate, adam_learning_rate=0.003)
state = optimizer.init(params)


def step(params, state, x, y):
    updates, state = optimizer.update(jax.grad(loss)(params, x, y), state, params)
    return optax.apply_updates(params, updates), state


print(*route_params(params), sep="\n")
step = jax.jit(step, donate_argnums=(0, 1))
rng = np.random.default_rng(0)
for _ in range(EPOCHS):
    for batch in rng.permutation(TRAIN)[: TRAIN // BATCH * BATCH].reshape(-1, BATCH):
        params, state = step(params, state, x[batch], y[batch])
guesses = logits(params, x[TRAIN:]).argmax(axis=1)
print(f"test accuracy {(guesses == y[TRAIN:]).mean():.3f}")
