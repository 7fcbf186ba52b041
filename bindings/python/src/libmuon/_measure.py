"""How fast Muon's step is here: ten seconds, beside torch where that is installed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from statistics import median

import numpy as np

from .optimizers import Muon
from .parameter import Parameter

SHAPES = [(64, 64), (256, 1024), (768, 3072), (1024, 1024), (4096, 256)]
SECONDS = 10.0


def lines() -> Iterator[str]:
    """A line for each shape. Both make steps in turn, so that they meet the same machine."""
    has_torch = find_spec("torch") is not None
    yield "milliseconds of a step of Muon, median" + ("; torch.optim.Muon beside it" if has_torch else "")
    for shape in SHAPES:
        steps = [own(shape), *([torchs(shape)] if has_torch else [])]
        times: list[list[float]] = [[] for _ in steps]
        end = time.perf_counter() + SECONDS / len(SHAPES)
        while time.perf_counter() < end or len(times[0]) < 3:
            for step, seen in zip(steps, times):
                begin = time.perf_counter()
                step()
                seen.append(time.perf_counter() - begin)
        took = [1000 * median(seen[1:]) for seen in times]
        beside = f" {took[1]:10.3f}   {took[1] / took[0]:.1f} times as fast" if has_torch else ""
        yield f"{shape[0]:>6} x {shape[1]:<6} {took[0]:10.3f}{beside}"


def own(shape: tuple[int, int]) -> Callable[[], object]:
    rng = np.random.default_rng(0)
    parameter = Parameter(rng.standard_normal(shape, dtype=np.float32))
    parameter.grad = rng.standard_normal(shape, dtype=np.float32)
    return Muon([parameter]).step


def torchs(shape: tuple[int, int]) -> Callable[[], object]:
    import torch

    parameter = torch.nn.Parameter(torch.randn(shape))
    parameter.grad = torch.randn(shape)
    step: Callable[[], object] = torch.optim.Muon([parameter]).step
    return step
