#!/usr/bin/env python3
"""Writes variants.json beside itself: what other libraries make of a parameter in 50 steps with the variants of
docs/variants.md. The format is described in README.md. Needs torch 2.15, heavyball 3.2.1 and numpy."""

import base64
import importlib.metadata
import json
from pathlib import Path

import heavyball
import numpy as np
import torch

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
    versions = {name: importlib.metadata.version(name) for name in ("torch", "heavyball")}
    target = Path(__file__).resolve().with_name("variants.json")
    target.write_text(f'{{\n"versions": {json.dumps(versions)},\n"cases": [\n{lines}\n]\n}}\n', "ascii")


if __name__ == "__main__":
    main()
