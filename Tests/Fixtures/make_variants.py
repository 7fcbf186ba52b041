#!/usr/bin/env python3
"""Writes variants.json beside itself: what other libraries make of a parameter in 50 steps with the variants of
docs/variants.md. The format is described in README.md. Needs torch 2.15, heavyball 3.2.1, pytorch_optimizer 4.1.0
and numpy."""

import base64
import importlib.metadata
import functools
import json
from pathlib import Path

import heavyball
import numpy as np
import torch
from pytorch_optimizer import NorMuon
from pytorch_optimizer.optimizer.muon import base, normuon
from pytorch_optimizer.optimizer.utils.matrix import zero_power_via_newton_schulz_5

from inputs import uniform

SHAPES = [(17, 31), (31, 17)]
STEPS = 50


def trained(make, shape):
    """The parameter after the steps of an optimizer, which `make` makes of it."""
    p = torch.nn.Parameter(torch.from_numpy(uniform(1, shape)))
    optimizer = make(p)
    for t in range(1, STEPS + 1):
        p.grad = torch.from_numpy(uniform(1000 + t, shape))
        optimizer.step()
    return p.detach().numpy()


def cautious_adamw(p):
    heavyball.utils.compile_mode = None
    return heavyball.AdamW(
        [p], lr=0.05, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.9, cautious_weight_decay=True
    )


def in_float32():
    """Replaces the bfloat16 of pytorch_optimizer's iteration, whose rounding would hide the rest."""
    iteration = functools.partial(zero_power_via_newton_schulz_5, dtype=torch.float32)
    base.zero_power_via_newton_schulz_5 = normuon.zero_power_via_newton_schulz_5 = iteration


def row_normuon(p):
    in_float32()
    group = {"params": [p], "use_muon": True, "lr": 0.02, "weight_decay": 0.1, "beta2": 0.9}
    return NorMuon([group])


class HyperballMuon:
    """heavyball's hyperball on the O of pytorch_optimizer: neither has a Muon on it."""

    def __init__(self, p):
        heavyball.utils.compile_mode = None
        self.p, self.momentum, self.norm = p, torch.zeros_like(p), p.detach().norm()

    @torch.no_grad()
    def step(self):
        self.momentum.lerp_(self.p.grad, 0.05)
        u = self.p.grad.lerp(self.momentum, 0.95)
        o = zero_power_via_newton_schulz_5(u, dtype=torch.float32)
        lr = torch.tensor(0.05)
        heavyball.utils.hyperball_step_([self.p], [o], [self.norm], lr, 0.0, False, [self.p.grad])


# By name: who makes it, what libmuon calls the same, and with which options.
CASES = {
    "cautious AdamW": (
        cautious_adamw,
        "AdamW",
        {
            "lr": 0.05,
            "betas": [0.9, 0.99],
            "eps": 1e-8,
            "weight_decay": 0.9,
            "cautious_weight_decay": True,
        },
    ),
    "NorMuon": (
        row_normuon,
        "Muon",
        {
            "lr": 0.02,
            "weight_decay": 0.1,
            "momentum_style": "ema",
            "shape_scale": "original",
            "second_moment": "normuon",
            "beta2": 0.9,
            "precision": "f32",
        },
    ),
    "hyperball": (
        HyperballMuon,
        "Muon",
        {"lr": 0.05, "momentum_style": "ema", "hyperball": True, "precision": "f32"},
    ),
}


def main():
    torch.manual_seed(0)
    cases = []
    for name, (make, optimizer, options) in CASES.items():
        for shape in SHAPES:
            raw = np.ascontiguousarray(trained(make, shape), "<f4").tobytes()
            text = base64.b64encode(raw).decode("ascii")
            cases.append(
                {"case": name, "optimizer": optimizer, "options": options, "shape": shape, "p": text}
            )
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    names = ("torch", "heavyball", "pytorch_optimizer")
    versions = {name: importlib.metadata.version(name) for name in names}
    target = Path(__file__).resolve().with_name("variants.json")
    target.write_text(f'{{\n"versions": {json.dumps(versions)},\n"cases": [\n{lines}\n]\n}}\n', "ascii")


if __name__ == "__main__":
    main()
