"""mutate.py FOLDER SEED COUNT: mutations of real files and of a small corpus, with the checksum of the
header made right again in most of them, so that they come past it."""

from __future__ import annotations

import os
import re
import struct
import sys
from pathlib import Path

import numpy as np
from training_run import Run, fast_xxh64, sealed, split

import libmuon

folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(seed)
checksum = fast_xxh64(folder)

# Words that a parser could trip over.
WORDS = [
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\u0000", b"\\u001f", b"\\ud800", b"\\/",
    b"null", b"true", b"-1", b"1e308", b"0x1p+1024", b"0x1p-1075", b"nan", b"inf", b"-0x0p+0",
    b"18446744073709551615", b"9223372036854775807", b"9223372036854775808", b"4611686018427387904",
    b"9007199254740993", b"0", b"00", b"F64", b"F32", b"BOOL", b"U8", b"[" * 5000, b'{"a":' * 2000,
    b"1," * 3000, b"\x00", b"\xff\xfe", b"\xc3", "\u0301".encode() * 200, b" ", b"\n", b"w0", b"w1",
    b"optimizers.0.steps.", b"checksum.", b"__metadata__", b"custom", b"chained(",
]


def corpus() -> list[bytes]:
    """Real files of several kinds of run."""
    runs = [Run(seed=1), Run(seed=2, backend="custom", schedule="sequential"),
            Run(seed=3, schedule="chained", extra=["é", 'q"'])]
    for run in runs:
        for number in range(3):
            run.step(number)
    files = [run.dumps() for run in runs]
    return [*files, runs[0].dumps(data=False)]


def pick(sequence):
    return sequence[int(rng.integers(len(sequence)))]


def place(data: bytes) -> int:
    return int(rng.integers(len(data) + 1))


def edit(header: bytes) -> bytes:
    """The header, changed in one way."""
    kind = int(rng.integers(9))
    at, to = sorted((place(header), place(header)))
    if kind == 0:  # a byte
        return header[:at] + bytes([int(rng.integers(256))]) + header[at + 1 :]
    if kind == 1:  # a word inserted
        return header[:at] + pick(WORDS) + header[at:]
    if kind == 2:  # a part removed
        return header[:at] + header[min(to, at + 200) :]
    if kind == 3:  # a part twice: keys and tensors, too
        return header[:to] + header[at:to] + header[to:]
    if kind == 4:  # an entry of the metadata or a tensor twice
        entries = list(re.finditer(rb',"[^"]*":("[^"]*"|\{[^}]*\})', header))
        entry, other = pick(entries), pick(entries)
        return header[: other.end()] + entry[0] + header[other.end() :]
    if kind == 5:  # a number
        numbers = list(re.finditer(rb"\d+", header))
        number = pick(numbers)
        return header[: number.start()] + pick(WORDS) + header[number.end() :]
    if kind == 6:  # a value
        values = list(re.finditer(rb':"([^"]*)"', header))
        value = pick(values)
        return header[: value.start(1)] + pick(WORDS) + header[value.end(1) :]
    if kind == 7:  # offsets or a shape
        lists = list(re.finditer(rb"\[([0-9,]*)\]", header))
        each = pick(lists)
        numbers = b",".join(pick([b"0", b"1", b"4", b"24", b"4611686018427387904",
                                  b"18446744073709551615", b"9223372036854775807"])
                            for _ in range(int(rng.integers(5))))
        return header[: each.start(1)] + numbers + header[each.end(1) :]
    return header[:at] + header[at:].replace(pick(WORDS), pick(WORDS), 1)


def mutant(data: bytes) -> tuple[bytes, bool]:
    """A changed file, and whether it may be accepted."""
    header, tensors = split(data)
    kind = int(rng.integers(10))
    if kind == 0:  # the length
        length = pick([0, 1, 8, len(header) - 1, len(header) + 1, len(data) - 8, len(data), 1 << 31,
                       100_000_001, 1 << 62, 1 << 63, (1 << 64) - 1, int(rng.integers(1 << 62))])
        return struct.pack("<Q", length) + data[8:], length == len(header)
    if kind == 1:  # cut or longer
        cut = place(data)
        changed = pick([data[:cut], data + os.urandom(int(rng.integers(1, 40))), data[cut:]])
        return changed, changed == data
    if kind == 2:  # bytes anywhere
        changed = bytearray(data)
        for _ in range(int(rng.integers(1, 9))):
            changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
        return bytes(changed), bytes(changed) == data
    for _ in range(int(rng.integers(1, 4))):
        header = edit(header)
    if len(header) < 60:
        header += b" " * 60
    if kind == 3:
        tensors = tensors[: place(tensors)]
    return sealed(header, tensors, checksum), True


files = corpus()
run = Run(seed=4, extra=["é"])
before, original = run.state(), run.dumps()
accepted = 0
texts = set()
for number in range(count):
    data, may = mutant(pick(files))
    options = {name: bool(rng.integers(2)) for name in ("data", "allow_missing", "allow_extra", "allow_rewritten")}
    try:
        run.loads(data, **options)
    except libmuon.MuonError as error:
        assert len(str(error)) > 10, error
        texts.add(re.sub(r"\d+", "#", str(error))[:30])
        if number % 20 == 0:
            assert run.state() == before, (seed, number, error)
    else:
        assert may or options["allow_rewritten"], (seed, number)
        accepted += 1
        run.loads(original)
assert run.state() == before
assert len(texts) > 12, texts
print(f"seed {seed}: {count} mutations, {accepted} harmless, {len(texts)} kinds of message")
