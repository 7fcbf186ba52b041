"""Makes version1.safetensors: a checkpoint of the first format, which every later version must load.

    PYTHONPATH=bindings/python/src python Tests/Fixtures/checkpoints/make_checkpoint.py OUT

It was made by libmuon 0.1.0 and is not made again: a later version writes its own format under another
name. The numbers in it are those of the function `run`, which the test has as well.
"""

from __future__ import annotations

import sys

import numpy as np

import libmuon


def run() -> tuple[list[libmuon.Optimizer], list[libmuon.Scheduler]]:
    """A run without a step, of the kinds and shapes of the checkpoint."""
    w = libmuon.Parameter(np.zeros((2, 3), np.float32), "layers.0.weight")
    v = libmuon.Parameter(np.zeros((3, 1), np.float32), 'the "last" größe')
    b = libmuon.Parameter(np.zeros(3, np.float32), "layers.0.bias")
    s = libmuon.Parameter(np.zeros((), np.float32), "scale")
    muon = libmuon.Muon([{"params": [w]}, {"params": [v], "backend": "cans"}])
    adamw = libmuon.AdamW([b, s])
    both: list[libmuon.Optimizer] = [muon, adamw]
    warmup = libmuon.LinearLR(both, 0.25, 1.0, 4)
    cosine = libmuon.CosineAnnealingLR(both, 100, 0.001)
    return both, [libmuon.SequentialLR(both, [warmup, cosine], [4])]


def fill() -> tuple[list[libmuon.Optimizer], list[libmuon.Scheduler]]:
    """The run as it is in the checkpoint: no number of it was computed."""
    optimizers, schedulers = run()
    number = 0
    for optimizer in optimizers:
        state = optimizer.state_dict()
        for index, parameter in enumerate(optimizer.parameters):
            for array in (parameter.data, *state["state"][index].values()):
                if isinstance(array, np.ndarray):
                    number += 1
                    array[...] = (np.arange(array.size).reshape(array.shape) + number) / 8
            state["state"][index]["step"] = 1000 + index
        optimizer.load_state_dict(state)
    muon, adamw = optimizers
    muon.param_groups[0].update(
        lr=1 / 3, momentum=0.9, nesterov=False, momentum_style="ema", weight_decay=0.1,
        shape_scale="spectral", eps=1e-6, precision="f32", initial_lr=0.7,
        coefficients=[(3.4445, -4.775, 2.0315), (1.0, 0.0, 0.0)], backend_steps=7,
    )
    adamw.param_groups[0].update(lr=2e-3, betas=(0.8, 0.95), eps=1e-9, weight_decay=0.0)
    muon.nonfinite = "skip"
    schedulers[0].load_state_dict({"kind": "SequentialLR", "last_epoch": 50})
    muon.param_groups[0]["lr"] = 1 / 3
    return optimizers, schedulers


if __name__ == "__main__":
    libmuon.checkpoint.save(sys.argv[1], *fill())
