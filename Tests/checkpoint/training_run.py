"""Training runs to save, what a load may change of them, and the format written a second time."""

from __future__ import annotations

import ctypes
import json
import os
import struct
import subprocess
from pathlib import Path

import numpy as np

import libmuon

FOLDER = Path(__file__).resolve().parent


class Run:
    """A Muon of two groups, an AdamW, and a scheduler that drives both."""

    def __init__(self, seed: int = 0, backend: str = "newtonschulz5", schedule: str = "cosine",
                 names=("w0", "w1", "w2"), shapes=((5, 7), (8, 3), (4, 4)), extra=()):
        rng = np.random.default_rng(seed)
        self.matrices = [
            libmuon.Parameter(rng.standard_normal(shape).astype(np.float32), name)
            for name, shape in zip(names, shapes)
        ]
        self.vectors = [
            libmuon.Parameter(rng.standard_normal(count).astype(np.float32), f"b{count}")
            for count in (3, 1)
        ]
        self.vectors += [libmuon.Parameter(np.ones(2, np.float32), name) for name in extra]
        options = {"backend": backend}
        if backend == "custom":
            options = {"coefficients": [(3.0, -3.2, 1.2), (2.0, -1.5, 0.5)]}
        self.muon = libmuon.Muon(
            [{"params": self.matrices[:2], "lr": 0.05},
             {"params": self.matrices[2:], "momentum_style": "ema", "weight_decay": 0.1}],
            **options,
        )
        self.adamw = libmuon.AdamW(self.vectors, lr=1 / 3, nonfinite="skip")
        self.optimizers = [self.muon, self.adamw]
        self.schedulers = [SCHEDULES[schedule](self.optimizers)]

    def step(self, number: int) -> None:
        """A step with the gradients of its number, of which one has a NaN now and then."""
        rng = np.random.default_rng(1000 + number)
        for parameter in self.matrices + self.vectors:
            parameter.grad = rng.standard_normal(parameter.shape).astype(np.float32)
        if number % 7 == 3:
            self.vectors[0].grad[0] = np.nan
        for part in (*self.optimizers, *self.schedulers):
            part.step()

    def save(self, path) -> None:
        libmuon.checkpoint.save(path, self.optimizers, self.schedulers)

    def load(self, path, **options) -> None:
        libmuon.checkpoint.load(path, self.optimizers, self.schedulers, **options)

    def loads(self, saved: bytes, **options) -> None:
        libmuon.checkpoint.loads(saved, self.optimizers, self.schedulers, **options)

    def dumps(self, **options) -> bytes:
        return libmuon.checkpoint.dumps(self.optimizers, self.schedulers, **options)

    def state(self) -> bytes:
        """Everything a load may change, without the help of checkpoints."""
        parts = [parameter.data.tobytes() for parameter in self.matrices + self.vectors]
        for optimizer in self.optimizers:
            saved = optimizer.state_dict()
            for each in saved["state"].values():
                parts += [v.tobytes() if isinstance(v, np.ndarray) else repr(v).encode()
                          for v in each.values()]
            parts.append(repr(saved["param_groups"]).encode())
            parts.append(f"{optimizer.nonfinite} {optimizer.skipped_steps}".encode())
        for scheduler in self.schedulers:
            parts.append(f"{scheduler.last_epoch} {scheduler.get_last_lr()}".encode())
        return b"|".join(parts)


SCHEDULES = {
    "linear": lambda o: libmuon.LinearLR(o, 0.1, 1.0, 40),
    "constant": lambda o: libmuon.ConstantLR(o, 0.3, 50),
    "cosine": lambda o: libmuon.CosineAnnealingLR(o, 90, 1e-4),
    "trapezoid": lambda o: libmuon.Trapezoid(o, 20, 60, 180, 0.1),
    "sequential": lambda o: libmuon.SequentialLR(
        o, [libmuon.LinearLR(o, 0.1, 1.0, 30), libmuon.CosineAnnealingLR(o, 70)], [30]),
    "chained": lambda o: libmuon.ChainedScheduler(
        [libmuon.LinearLR(o, 0.2, 1.0, 60), libmuon.CosineAnnealingLR(o, 90, 1e-5)]),
}


# ---- The format, from its description

MASK = (1 << 64) - 1
P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def xxh64(data: bytes) -> int:
    """XXH64 with seed 0, after github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md."""

    def rotl(x, n):
        return (x << n | x >> (64 - n)) & MASK

    def lane(accumulator, word):
        return rotl((accumulator + word * P2) & MASK, 31) * P1 & MASK

    at, count = 0, len(data)
    h = P5
    if count >= 32:
        lanes = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        while at + 32 <= count:
            words = struct.unpack_from("<4Q", data, at)
            lanes = [lane(*pair) for pair in zip(lanes, words)]
            at += 32
        h = sum(rotl(v, n) for v, n in zip(lanes, (1, 7, 12, 18))) & MASK
        for v in lanes:
            h = ((h ^ lane(0, v)) * P1 + P4) & MASK
    h = (h + count) & MASK
    while at + 8 <= count:
        h = (rotl(h ^ lane(0, struct.unpack_from("<Q", data, at)[0]), 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= count:
        word = struct.unpack_from("<I", data, at)[0]
        h = (rotl(h ^ word * P1 & MASK, 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        h = rotl(h ^ byte * P5 & MASK, 11) * P1 & MASK
    h = (h ^ h >> 33) * P2 & MASK
    h = (h ^ h >> 29) * P3 & MASK
    return h ^ h >> 32


def compiled(source: str, out: Path) -> Path:
    """A C file of this folder as a shared library."""
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    subprocess.run(
        ["gcc", "-std=gnu11", *strict, "-O2", "-shared", "-fPIC", FOLDER / source, "-o", out],
        check=True,
    )
    return out


def fast_xxh64(folder: Path):
    """xxh64 in C, for headers of many megabytes and for many headers."""
    function = ctypes.CDLL(str(compiled("xxh64.c", folder / "xxh64.so"))).xxh64
    function.restype, function.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
    return lambda data: function(data, len(data))


OPENING = b'{"__metadata__":{"checksum":"'
DIGITS = slice(8 + len(OPENING), 8 + len(OPENING) + 16)


def split(data: bytes) -> tuple[bytes, bytes]:
    """The header's text, and the tensors."""
    end = 8 + struct.unpack("<Q", data[:8])[0]
    return data[8:end], data[end:]


def sealed(header: bytes, tensors: bytes, checksum=xxh64) -> bytes:
    """A file of these, with the right length and the right checksum of the header."""
    data = bytearray(struct.pack("<Q", len(header)) + header)
    data[DIGITS] = b"0" * 16
    data[DIGITS] = f"{checksum(bytes(data)):016x}".encode()
    return bytes(data) + tensors


def rewritten(data: bytes, change) -> bytes:
    """A file whose header was changed as a dict, and written and sealed as the library does."""
    text, tensors = split(data)
    header = json.loads(text)
    change(header)
    written = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    written += b" " * (-(8 + len(written)) % 8)
    return sealed(written, tensors)
