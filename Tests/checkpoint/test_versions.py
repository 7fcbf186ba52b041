"""Files of every released format load, to the numbers they were made of."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from training_run import split

import libmuon


@pytest.fixture(scope="module")
def made(root):
    """make_checkpoint.py, which describes the committed file."""
    path = root / "Tests" / "Fixtures" / "checkpoints" / "make_checkpoint.py"
    spec = importlib.util.spec_from_file_location("make_checkpoint", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def loaded(made, root):
    optimizers, schedulers = made.run()
    path = root / "Tests" / "Fixtures" / "checkpoints" / "version1.safetensors"
    libmuon.checkpoint.load(path, optimizers, schedulers)
    return optimizers, schedulers


def test_the_arrays_of_version_1(loaded):
    (muon, adamw), _ = loaded
    number = 0
    for optimizer, names in ((muon, ["momentum_buffer"]), (adamw, ["exp_avg", "exp_avg_sq"])):
        state = optimizer.state_dict()["state"]
        for index, parameter in enumerate(optimizer.parameters):
            for array in (parameter.data, *(state[index][name] for name in names)):
                number += 1
                expected = (np.arange(array.size) + number) / 8
                assert array.ravel().tolist() == expected.tolist()
            assert state[index]["step"] == 1000 + index
    assert number == 10


def test_the_options_of_version_1(loaded):
    (muon, adamw), (scheduler,) = loaded
    first, second = (group.options() for group in muon.param_groups)
    assert first == {
        "lr": 1 / 3, "momentum": 0.9, "nesterov": False, "momentum_style": "ema",
        "weight_decay": 0.1, "shape_scale": "spectral", "eps": 1e-6, "precision": "f32", "method": "auto",
        "update_scale": 1.0, "cautious_weight_decay": False,
        "second_moment": "none", "beta2": 0.95, "hyperball": False,
        "backend": "custom", "backend_steps": 7,
        "coefficients": [(3.4445, -4.775, 2.0315), (1.0, 0.0, 0.0)],
    }
    assert second["backend"] == "cans" and second["backend_steps"] is None
    assert muon.param_groups[0]["initial_lr"] == 0.7
    assert muon.param_groups[1]["initial_lr"] == 0.02
    assert muon.nonfinite == "skip" and adamw.nonfinite == "error"
    assert adamw.param_groups[0].options()["betas"] == (0.8, 0.95)
    assert scheduler.last_epoch == 50


def test_what_the_file_holds_is_still_written(made, root):
    """Until there is a version 2: then this test goes, and the file stays. Later versions may add to it."""
    path = root / "Tests" / "Fixtures" / "checkpoints" / "version1.safetensors"
    (header, tensors), (text, data) = split(path.read_bytes()), split(libmuon.checkpoint.dumps(*made.fill()))
    header, written = json.loads(header), json.loads(text)
    metadata = header.pop("__metadata__"), written.pop("__metadata__")
    assert (written, data) == (header, tensors)
    for key in metadata[0].keys() - {"checksum", "library_version"}:
        assert metadata[1][key] == metadata[0][key]
