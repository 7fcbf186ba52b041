"""Files made to do harm, and files that came to harm: an error with a text, no crash, nothing changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from soak import long_or_short
from training_run import FOLDER, Run, fast_xxh64, sealed, split

import libmuon


def child(script: str, *arguments: object) -> str:
    """What a script prints in a process of its own, so that a crash is a failed test."""
    done = subprocess.run(
        [sys.executable, FOLDER / script, *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, (done.returncode, done.stdout[-2000:], done.stderr[-4000:])
    return done.stdout


def test_mutations(tmp_path):
    seed = os.environ.get("LIBMUON_SEED", "20260101")
    count = long_or_short(200_000, 10_000)
    print(child("mutate.py", tmp_path, seed, count))


def test_a_flipped_byte_is_noticed():
    """Every byte of a file once, and then at random."""
    seed = os.environ.get("LIBMUON_SEED", "20260101")
    print(child("flip.py", seed, long_or_short(100_000, 1_000)))


def test_every_length(tmp_path):
    run = Run()
    data, before = run.dumps(), run.state()
    for length in range(len(data)):
        with pytest.raises(ValueError):
            run.loads(data[:length])
    for more in (b"\0", b" ", data):
        with pytest.raises(ValueError):
            run.loads(data + more)
    assert run.state() == before


# What a header says of its first tensor, and what would be in its place. The checksum is made right.
FIRST = b'"optimizers.0.data.w0":{"dtype":"F32","shape":[5,7],"data_offsets":[0,140]}'
NAME = FIRST[: FIRST.index(b":")]
LIES = {
    "twice": (FIRST, FIRST + b"," + NAME + b':{"dtype":"F32","shape":[0],"data_offsets":[140,140]}'),
    "the key format twice": (b'"format"', b'"format":"libmuon.checkpoint","format"'),
    "expected it to begin at 0": (b"[0,140]", b"[4,144]"),
    "needs 140": (b"[0,140]", b"[0,136]"),
    "needs 144": (b"[5,7]", b"[6,6]"),
    "is too large": (b"[5,7]", b"[4611686018427387904,4]"),
    "expected it to end after its begin": (b"[0,140]", b"[140,0]"),
    "which safetensors has not": (b'"F32","shape":[5', b'"F33","shape":[5'),
    "at most 8 numbers": (b"[5,7]", b"[5,7,1,1,1,1,1,1,1]"),
    "a number at byte": (b"[5,7]", b"[-5,-7]"),
    "a number at": (b"[0,140]", b"[0,0140]"),
    "expected a number": (b"[0,140]", b"[99999999999999999999,140]"),
    "bytes of tensors; its header says": (b"}}" + b" " * 0, b"}}"),
    "is not UTF-8": (b'"format"', b'"\xff\xfe":"","format"'),
    "an escaped": (b'"format"', b'"\\ud800":"","format"'),
    "something after its header": (FIRST, FIRST + b"}}"),
    'expected "': (b'"format"', b'{"format"'),
}


@pytest.mark.parametrize("words", LIES)
def test_headers_that_lie(words):
    run = Run(seed=1)
    header, tensors = split(run.dumps())
    before = run.state()
    honest, lie = LIES[words]
    assert honest in header
    if "its header says" in words:
        tensors += b"\0\0\0\0"
    data = sealed(header.replace(honest, lie, 1), tensors)
    with pytest.raises(libmuon.CorruptError, match=re.escape(words)):
        run.loads(data)
    assert run.state() == before


@pytest.mark.parametrize("kind", ["fields", "tensors", "text", "spaces", "marks", "names", "escapes",
                                  "brackets", "digits", "sparse"])
def test_memory_is_bounded(kind, tmp_path):
    fast_xxh64(tmp_path)
    # With fewer of them there could be no too many fields and tensors.
    megabytes = {"fields": 60, "tensors": 99}.get(kind, 20)
    assert int(child("gorge.py", tmp_path, kind, long_or_short(99, megabytes))) >= 0


LEAK = """
import gc, os
import numpy as np
from training_run import Run
run, other = Run(seed=1), Run(seed=2, extra=["new"])
good, cut = run.dumps(), run.dumps()[:-1]

def cycle():
    run.loads(good, progress=lambda done, total: None)
    run.dumps()
    run.save(os.environ["NAME"])
    run.load(os.environ["NAME"])
    for data in (cut, good):
        try:
            other.loads(data)
        except ValueError:
            pass

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

gc.disable()
for _ in range(300):
    cycle()
before = resident()
for _ in range(%d):
    cycle()
print(resident() - before, len(os.listdir("/proc/self/fd")))
"""


def test_nothing_is_left_behind(tmp_path):
    """Neither memory nor descriptors, by calls that succeed and calls that are refused."""
    done = subprocess.run(
        [sys.executable, "-c", LEAK % long_or_short(30_000, 1_000)], env={**os.environ, "NAME": str(tmp_path / "run")},
        capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr
    grown, descriptors = map(int, done.stdout.split())
    assert grown < 2**20 and descriptors < 10
