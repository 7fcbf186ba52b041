#!/usr/bin/env python3
"""Writes turbo.json beside itself: what optax makes of matrices with AOL scaling and the coefficients of
backend `turbo`, in float64. The format is described in README.md. Needs optax 0.2.8, jax and numpy."""

import base64
import json
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np  # noqa: E402
import optax  # noqa: E402
from optax.contrib import _muon  # noqa: E402

from inputs import uniform  # noqa: E402

# thib-s/flash-newton-schulz cdb03db, newton_schulz_triton.py.
COEFFICIENTS = [
    (4.6051, -9.6552, 5.6769),
    (4.7505, -6.0861, 2.1790),
    (2.7763, -2.3190, 0.5523),
    (2.4231, -2.2861, 0.8193),
]
SHAPES = [(7, 7), (5, 9), (9, 5), (1, 6), (6, 1), (2, 40), (12, 12)]


def main():
    cases = []
    for rows, columns in SHAPES:
        # And with rows that are orthogonal already, which the first coefficients turned around.
        for kind in ("uniform", "eye"):
            x = np.eye(rows, columns) if kind == "eye" else uniform(1, (rows, columns)).astype(float)
            result = _muon.orthogonalize_via_newton_schulz(
                jax.numpy.asarray(x), jax.numpy.asarray(COEFFICIENTS), preconditioning="aol"
            )
            raw = np.ascontiguousarray(result, "<f4").tobytes()
            text = base64.b64encode(raw).decode("ascii")
            cases.append({"matrix": kind, "shape": [rows, columns], "result": text})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    target = Path(__file__).resolve().with_name("turbo.json")
    target.write_text(f'{{\n"optax": "{optax.__version__}",\n"cases": [\n{lines}\n]\n}}\n', "ascii")


if __name__ == "__main__":
    main()
