"""The kernels for other processors than this one: MUON_MAX_CPU caps what a process may use."""

from __future__ import annotations

import pytest

# All in one process for each level: what is capped is capped at the first use.
SCRIPT = """
import numpy as np
import libmuon, reference
from libmuon import _enums, _library

level, rng = {level!r}, np.random.default_rng(3)
info = _library.lib.muon_build_info().decode()

def show(what, error, bar):
    if not error <= bar:
        print(what, error, "is more than", bar)

def normal(*shape):
    return rng.standard_normal(shape, dtype=np.float32)

# Neither a tile, nor a register, nor a block of a sum divides these.
for shape in [(1, 1), (1, 40), (5, 3), (16, 16), (31, 33), (129, 131), (70, 523), (523, 70)]:
    for backend in ["newtonschulz5", "turbo", "polar_express", "orthogonalize", "cubic5"]:
        g = normal(*shape)
        bar = max(2e-5, reference.tolerance(g, backend))
        exact = reference.orthogonal(g, backend, 1e-8)
        show((shape, backend), reference.error(libmuon.orthogonalize(g, backend=backend), exact), bar)

for precision in ["auto", "f32"]:
    bar = 1e-2 if precision == "auto" and " int16" in info else 2e-5
    for shape in [(1, 1), (7, 5), (17, 15), (129, 131), (70, 523), (523, 70), (200, 64)]:
        for options in [{{}}, {{"nesterov": False, "weight_decay": 0.1, "momentum_style": "ema"}}]:
            w = normal(*shape)
            expected = reference.Muon(0 * w, **options)
            muon = libmuon.Muon([0 * w], precision=precision, **options)
            for _ in range(2):
                g = normal(*shape)
                muon.step([g])
                expected.step(g)
            data, buffer = muon.parameters[0].data, muon.state_dict()["state"][0]["momentum_buffer"]
            # Two steps may lead back to 0, so the error is measured by their length.
            error = np.linalg.norm(data - expected.p) / (0.02 * 2 * min(shape) ** 0.5)
            show((shape, precision, options), error, bar)
            show((shape, "momentum"), reference.error(buffer, expected.momentum_buffer), 1e-6)

for count in [1, 15, 16, 17, 1000003]:
    w = normal(count)
    for options in [{{}}, {{"weight_decay": 0.3, "eps": 1e-3}}]:
        expected, adamw = reference.AdamW(w, **options), libmuon.AdamW([w.copy()], **options)
        for _ in range(2):
            g = normal(count)
            adamw.step([g])
            expected.step(g)
        state = adamw.state_dict()["state"][0]
        show((count, "p"), np.abs(adamw.parameters[0].data - expected.p).max(), 2e-6)
        show((count, "m"), reference.error(state["exp_avg"], expected.exp_avg), 1e-6)
        show((count, "v"), reference.error(state["exp_avg_sq"], expected.exp_avg_sq), 1e-6)

# One element that is not finite is found wherever it is.
for count in [1, 15, 16, 17, 40]:
    for at in range(count):
        for value in [np.nan, np.inf, -np.inf]:
            g = np.zeros(count, np.float32)
            g[at] = value
            try:
                libmuon.AdamW([np.zeros(count, np.float32)]).step([g])
            except libmuon.NonFiniteGradientError:
                continue
            print(count, at, value, "was not found")

found = []
for precision in _enums.Precision:
    try:
        libmuon.Muon([normal(4, 4)], precision=precision.name)
        found.append(precision.name)
    except NotImplementedError:
        pass
print(info.split("; ")[1], *found)
"""

FLOATS = "auto f32"
LEVELS = {  # and the precisions that each has
    "baseline": FLOATS,
    "avx2": f"{FLOATS} int16",
    "avxvnni": f"{FLOATS} int16 int8",
    "avx512": f"{FLOATS} int16",
    "avx512vnni": f"{FLOATS} int16 int8",
    "avx512bf16": f"{FLOATS} bf16 int16 int8",
    "amx": f"{FLOATS} bf16 int16 int8",
}


def processor_flags() -> set[str]:
    try:
        with open("/proc/cpuinfo") as file:
            return set(next(line for line in file if line.startswith("flags")).split())
    except (OSError, StopIteration):
        return set()


def best_level() -> str:
    flags = processor_flags()
    if not {"avx2", "fma"} <= flags:
        return "baseline"
    if not {"avx512f", "avx512bw", "avx512vl", "avx512dq"} <= flags:
        return "avxvnni" if "avx_vnni" in flags else "avx2"
    if "avx512_vnni" not in flags:
        return "avx512"
    if "avx512_bf16" not in flags:
        return "avx512vnni"
    return "amx" if {"amx_tile", "amx_int8", "amx_bf16"} <= flags else "avx512bf16"


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_is_correct(run_python, level):
    if list(LEVELS).index(level) > list(LEVELS).index(best_level()):
        pytest.skip(f"the processor has no {level}")
    if level == "avxvnni" and "avx_vnni" not in processor_flags():
        pytest.skip("the processor has no avxvnni")
    script = SCRIPT.format(level=level)
    if level == "avx512" and "avx_vnni" in processor_flags():
        assert run_python(script, MUON_MAX_CPU=level) == f"{level} {LEVELS['avxvnni']}\n"
        return
    assert run_python(script, MUON_MAX_CPU=level) == f"{level} {LEVELS[level]}\n"


def test_a_cap_that_means_nothing_is_ignored(run_python):
    script = "from libmuon._library import lib; print(lib.muon_build_info().decode().split('; ')[1])"
    for cap in ["", "avx1024", "AVX2", "amx"]:
        assert run_python(script, MUON_MAX_CPU=cap) == best_level() + "\n"
