#!/usr/bin/env python3
"""A jitted step of Muon in JAX with donated buffers: libmuon.jax beside optax.contrib.muon, in turn.

    make bench-jax ARGS="--rounds 20"

Prints medians in milliseconds, and their ratio to optax's.
"""

import argparse
import os
import time

os.environ.pop("OPENBLAS_CORETYPE", None)

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

import libmuon  # noqa: E402
import libmuon.jax  # noqa: E402

MIXED = [(768, 256), (256, 768), (256, 256), (128, 512), (64, 64)] * 10
SETS = {"1024x1024": [(1024, 1024)], "50 mixed": MIXED}
# The same function: no Nesterov, whose momentum optax corrects for its bias.
LIKE_OPTAX = {"nesterov": False, "momentum_style": "ema", "shape_scale": "original"}
CONTENDERS = {
    "libmuon": lambda: libmuon.jax.muon(0.02, **LIKE_OPTAX),
    "libmuon, f32": lambda: libmuon.jax.muon(0.02, **LIKE_OPTAX, precision="f32"),
    "optax": lambda: optax.contrib.muon(0.02, nesterov=False),
}


def stepper(optimizer, gradients):
    """A function that makes a step and waits for it."""

    def update(params, state):
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    jitted = jax.jit(update, donate_argnums=(0, 1))
    params = [jnp.zeros(each.shape, jnp.float32) for each in gradients]
    carry = [params, optimizer.init(params)]

    def step():
        carry[:] = jax.block_until_ready(jitted(*carry))

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(f"jax {jax.__version__}, optax {optax.__version__}, {libmuon.jax.implementation()}, {libmuon.build_info()}")
    for name, shapes in SETS.items():
        rng = np.random.default_rng(1)
        gradients = [jnp.array(rng.standard_normal(shape, dtype=np.float32)) for shape in shapes]
        steps = {each: stepper(make(), gradients) for each, make in CONTENDERS.items()}
        seconds = {each: [] for each in steps}
        for turn in range(rounds + 2):
            for each, step in steps.items():
                start = time.perf_counter()
                step()
                if turn >= 2:  # the first compiles
                    seconds[each].append(time.perf_counter() - start)
        medians = {each: 1e3 * float(np.median(times)) for each, times in seconds.items()}
        for each, median in medians.items():
            print(f"{name:<10} {each:<13} {median:8.1f} ms  {median / medians['optax']:.2f}")


if __name__ == "__main__":
    main()
