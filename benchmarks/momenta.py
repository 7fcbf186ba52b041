#!/usr/bin/env python3
"""Trains the small GPT of the examples with Muon and keeps the momenta, for accuracy.py: needs torch.

The model is 256 wide, so that its matrices are of 256x256 to 1024x256.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bindings" / "python" / "examples"))

from gpt_model import GPT  # noqa: E402
from gpt_text import Characters, batch, load_text  # noqa: E402
from libmuon.torch import MuonWithAdamW  # noqa: E402

LENGTH, BATCH = 64, 16


def momenta(steps):
    """By name, after so many steps from seed 0."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    text = Characters(load_text())
    model = GPT(len(text.alphabet), LENGTH, width=256, depth=4, heads=4)
    optimizer = MuonWithAdamW(model, 1.6e-2, 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(batch(text.train, BATCH, LENGTH, random)).backward()
        optimizer.step()
    found = {}
    for name, parameter in model.named_parameters():
        momentum = optimizer.state[parameter].get("momentum_buffer")
        if momentum is not None:
            found[name] = momentum.numpy()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "momenta.npz")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(options.out, **momenta(options.steps))
    print(f"momenta: {options.out}")


if __name__ == "__main__":
    main()
