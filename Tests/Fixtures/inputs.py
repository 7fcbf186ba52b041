"""Reproducible numbers, as README.md describes them, for what makes fixtures and what compares with them."""

import numpy as np


def splitmix64(seed, count):
    """The first `count` outputs of splitmix64."""
    state, mask = seed, (1 << 64) - 1
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield z ^ (z >> 31)


def uniform(seed, shape):
    """Values in [-1, 1), row-major. 24 bits fit a float32, so they are the same everywhere."""
    count = int(np.prod(shape, dtype=np.int64))
    values = [(z >> 40) / 2**23 - 1 for z in splitmix64(seed, count)]
    return np.array(values, dtype=np.float32).reshape(shape)
