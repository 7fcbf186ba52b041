"""What a second thread is worth: steps of few matrices, which two threads share or work on together."""

import statistics

import numpy as np

import libmuon
import measure
import ours

CASES = (
    *((1, (256, 256)), (1, (512, 256)), (1, (512, 512)), (1, (1024, 1024))),
    *((2, (256, 256)), (4, (512, 256)), (3, (512, 512)), (8, (512, 512)), (2, (768, 768))),
    (2, (4096, 256)),
)
ROUNDS = 15


def times(number, shape):
    """Milliseconds of a step with one and with two threads, in turn: medians."""
    rng = np.random.default_rng(1)
    grads = [rng.standard_normal(shape, dtype=np.float32) for _ in range(number)]
    step = ours.LibMuon(grads, "auto").step
    found = {1: [], 2: []}
    for turn in range(ROUNDS + 1):
        for threads in found:
            libmuon.set_num_threads(threads)
            step()  # a thread that slept has its processor again
            seconds = measure.seconds_of(step)
            if turn > 0:
                found[threads].append(1e3 * seconds)
    libmuon.set_num_threads(0)
    return [statistics.median(found[threads]) for threads in (1, 2)]


def all_cases():
    """By name."""
    return {f"{number} of {m}x{n}": times(number, (m, n)) for number, (m, n) in CASES}


def print_all(found):
    print("\na step with 1 and with 2 threads, ms")
    for name, (one, two) in found.items():
        print(f"  {name:<16}{one:10.2f}{two:10.2f}{two / one:8.2f}")
