#!/usr/bin/env python3
"""A step of matrices that a view finds apart in memory, beside one of the same matrices row after row.

From the root of a checkout, after `make library` and `make test-python`: .venv/bin/python benchmarks/views.py. Prints the least of 25
steps on one thread, in milliseconds of processor time, and the ratio.
"""

import time

import numpy as np
from machine import processor

import libmuon
from libmuon import Muon, Parameter, View

STEPS = 25
# The parameter's shape and view, and the shape and view of the same matrices row after row.
CASES = {
    "`io`, 4096×64": ((4096, 64), View("io"), (64, 4096), None),
    "`io`, 4096×256": ((4096, 256), View("io"), (256, 4096), None),
    "`io`, 768×2304": ((768, 2304), View("io"), (2304, 768), None),
    "`io`, 768×2304, split in 3": ((768, 2304), View("io", split=(1, [768] * 3)), (3, 768, 768), View("boi")),
    "`io`, 1000×96": ((1000, 96), View("io"), (96, 1000), None),
    "`bio`, 12×512×64": ((12, 512, 64), View("bio"), (12, 64, 512), View("boi")),
    "`iiio`, 3×3×64×128": ((3, 3, 64, 128), View("iiio"), (128, 576), None),
    "`obi`, heads of 768×(12·64)": ((768, 768), View("obi", shape=(768, 12, 64)), (12, 768, 64), View("boi")),
}


def milliseconds(shape, view):
    random = np.random.default_rng(0)
    parameter = Parameter(random.standard_normal(shape, dtype=np.float32), view=view)
    parameter.grad = random.standard_normal(shape, dtype=np.float32)
    optimizer = Muon([parameter])
    optimizer.step()
    taken = []
    for _ in range(STEPS):
        start = time.thread_time()
        optimizer.step()
        taken.append(time.thread_time() - start)
    return 1000 * min(taken)


def main():
    libmuon.set_num_threads(1)
    print(f"{processor()['name']}, one thread, numpy {np.__version__}, {libmuon.build_info()}\n")
    print("| view | apart | row after row | ratio |\n|---|---|---|---|")
    for name, (shape, view, dense_shape, dense_view) in CASES.items():
        apart, dense = milliseconds(shape, view), milliseconds(dense_shape, dense_view)
        print(f"| {name} | {apart:.2f} | {dense:.2f} | {apart / dense:.2f} |", flush=True)


if __name__ == "__main__":
    main()
