#!/usr/bin/env python3
"""A step as torch's users make it: right after one of torch's parallel regions.

torch's threads spin for some milliseconds after a region, and share the processors with the step then.
Prints milliseconds a step: with and without a region just before it, in turn, and on one thread. With
OMP_WAIT_POLICY=passive in the environment they do not spin.
"""

import argparse
import statistics
import time

import numpy as np
import torch

import libmuon
import machine
import ours

SHAPES = [[(4096, 256)] * 2, [(512, 256)] * 4, [(1024, 1024)]]
PAUSE_SECONDS = 0.03  # torch's threads have stopped spinning then
WAYS = ("alone", "after torch", "one thread")


def medians(step, region, threads, rounds):
    times = {way: [] for way in WAYS}
    for number in range(rounds + 1):
        for way in WAYS:
            libmuon.set_num_threads(1 if way == "one thread" else threads)
            step()
            time.sleep(PAUSE_SECONDS)
            if way == "after torch":
                region()
            start = time.perf_counter()
            step()
            if number > 0:
                times[way].append(time.perf_counter() - start)
    return {way: 1e3 * statistics.median(found) for way, found in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=min(2, len(machine.cores())))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    activations = torch.randn(4_000_000)
    rng = np.random.default_rng(1)
    print(f"{options.threads} threads; ms a step, medians of {options.rounds}")
    print(f"  {'':<22}" + "".join(f"{way:>13}" for way in WAYS) + f"{'after/alone':>13}")
    for shapes in SHAPES:
        grads = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
        found = medians(
            ours.LibMuon(grads, "auto").step, activations.relu_, options.threads, options.rounds
        )
        name = f"{len(shapes)} of {shapes[0][0]}x{shapes[0][1]}"
        ratio = found["after torch"] / found["alone"]
        print(f"  {name:<22}" + "".join(f"{found[way]:13.2f}" for way in WAYS) + f"{ratio:13.2f}")


if __name__ == "__main__":
    main()
