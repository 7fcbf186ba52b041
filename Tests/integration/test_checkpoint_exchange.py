"""Checkpoints of Python, C and Swift are the same bytes, and each goes on with those of the others."""

from __future__ import annotations

import numpy as np
import pytest
from building import ROOT, compile_c, run

import libmuon


def values(count: int, factor: int, modulus: int) -> np.ndarray:
    return ((np.arange(count) * factor % modulus - modulus // 2) / 4).astype(np.float32)


def python(start: object, end: object, steps: int) -> None:
    """As exchange.c."""
    w = libmuon.Parameter(values(12, 5, 7).reshape(3, 4), "w")
    b = libmuon.Parameter(values(4, 3, 5), "b")
    optimizers = [libmuon.Muon([w]), libmuon.AdamW([b])]
    scheduler = libmuon.CosineAnnealingLR(optimizers, 20)
    if start != "-":
        libmuon.checkpoint.load(start, optimizers, scheduler)
    for _ in range(steps):
        step = scheduler.last_epoch
        w.grad = values(12, step + 3, 11).reshape(3, 4)
        b.grad = values(4, step + 2, 13)
        for part in (*optimizers, scheduler):
            part.step()
    libmuon.checkpoint.save(end, optimizers, scheduler)


@pytest.fixture(scope="module")
def programs(tmp_path_factory, consumer):
    out = tmp_path_factory.mktemp("exchange")
    source = ROOT / "Tests/integration/exchange.c"
    c = compile_c(["gcc", "-std=c11"], [source], out / "c")
    cpp = compile_c(["g++", "-std=c++17"], ["-x", "c++", source, "-x", "none"], out / "cpp")

    def program(path):
        return lambda start, end, steps: run([path, start, end, steps])

    return {"python": python, "c": program(c), "c++": program(cpp),
            "swift": program(consumer / "Exchange")}


def test_each_goes_on_with_the_files_of_the_others(tmp_path, programs):
    whole = tmp_path / "whole"
    python("-", whole, 6)
    first = {}
    for writer, write in programs.items():
        write("-", tmp_path / writer, 3)
        first[writer] = (tmp_path / writer).read_bytes()
        for reader, read in programs.items():
            read(tmp_path / writer, tmp_path / "end", 3)
            assert (tmp_path / "end").read_bytes() == whole.read_bytes(), (writer, reader)
    assert len(set(first.values())) == 1
    assert first["c"] != whole.read_bytes()
