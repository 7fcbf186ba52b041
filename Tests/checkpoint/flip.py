"""flip.py SEED COUNT: every byte of a file flipped, each time alone, and COUNT flips at random."""

from __future__ import annotations

import sys

import numpy as np
from training_run import Run

import libmuon

seed, count = map(int, sys.argv[1:])
rng = np.random.default_rng(seed)
run = Run(seed=1)
for number in range(3):
    run.step(number)
data = run.dumps()
run = Run(seed=2)
before = run.state()
places = [*range(len(data)), *rng.integers(len(data), size=count).tolist()]
for place in places:
    flipped = bytearray(data)
    flipped[place] ^= int(rng.integers(1, 256))
    try:
        run.loads(bytes(flipped))
    except libmuon.CorruptError as error:
        assert len(str(error)) > 20
    else:
        raise AssertionError(f"seed {seed}: byte {place} as {flipped[place]} was accepted")
    if place % 50 == 0:
        assert run.state() == before, place
assert run.state() == before
print(f"seed {seed}: {len(places)} flips, none accepted")
