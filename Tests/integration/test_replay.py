"""The same recorded gradients, replayed from Python, C and Swift, end in bitwise equal parameters."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
from building import ROOT, compile_c, run

import libmuon

SHAPES = [(48, 64), (48,), (10, 48), (10,)]
TOTAL = sum(int(np.prod(shape)) for shape in SHAPES)
STEPS = 30
CONFIG = {
    "training": {
        "optimizer": "Muon",
        "learning_rate": 0.01,
        "weight_decay": 0.1,
        "n_epochs": 3,
        "warmup_steps": 5,
        "lr_schedule": "cosine",
    },
    "muon": {"shape_scale": "match_rms_adamw", "momentum_style": "ema"},
}


def replay_python(initial: np.ndarray, gradients: np.ndarray) -> bytes:
    values = initial.copy()
    parameters, offset = [], 0
    for shape in SHAPES:
        count = int(np.prod(shape))
        parameters.append(libmuon.Parameter(values[offset : offset + count].reshape(shape)))
        offset += count
    optimizers = libmuon.build_optimizers(parameters, CONFIG)
    setup = SimpleNamespace(train_dataloader=range(10))
    schedulers = libmuon.build_schedulers(optimizers, CONFIG, setup)
    for row in gradients:
        offset = 0
        for parameter in parameters:
            count = parameter.data.size
            parameter.grad = row[offset : offset + count].reshape(parameter.shape)
            offset += count
        for optimizer in optimizers:
            optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return values.tobytes()


def test_three_languages_agree_to_the_bit(tmp_path, consumer):
    random = np.random.default_rng(7)
    initial = random.standard_normal(TOTAL).astype(np.float32)
    gradients = random.standard_normal((STEPS, TOTAL)).astype(np.float32)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    initial.tofile(tmp_path / "parameters.f32")
    gradients.tofile(tmp_path / "gradients.f32")

    python = replay_python(initial, gradients)
    replay = compile_c(
        ["gcc", "-std=c11"], [ROOT / "Tests/integration/replay.c"], tmp_path / "replay")
    run([replay, tmp_path, tmp_path / "c.f32"])
    run([consumer / "Replay", tmp_path, tmp_path / "swift.f32"])

    assert python != initial.tobytes()
    assert (tmp_path / "c.f32").read_bytes() == python
    assert (tmp_path / "swift.f32").read_bytes() == python
