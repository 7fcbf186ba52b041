"""The file, read by the safetensors package and by a second implementation of the checksums."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load
from training_run import DIGITS, Run, rewritten, sealed, split, xxh64

import libmuon


@pytest.fixture(scope="module")
def run():
    run = Run()
    for number in range(5):
        run.step(number)
    return run


@pytest.fixture(scope="module")
def header(run):
    return json.loads(split(run.dumps())[0])


def test_the_reference_checksum():
    assert xxh64(b"") == 0xEF46DB3751D8E999
    assert xxh64(b"abc") == 0x44BC2CF5AD770999
    text = b"Nobody inspects the spammish repetition"
    assert xxh64(text) == 0xFBCEA83C8A378BF1


def test_the_safetensors_package_sees_the_same_arrays(run, tmp_path):
    run.save(tmp_path / "run.safetensors")
    data = (tmp_path / "run.safetensors").read_bytes()
    assert data == run.dumps()
    arrays = load(data)
    expected = {}
    for index, optimizer in enumerate(run.optimizers):
        state = optimizer.state_dict()["state"]
        for number, parameter in enumerate(optimizer.parameters):
            expected[f"optimizers.{index}.data.{parameter.name}"] = parameter.data
            for name, array in state[number].items():
                if name != "step":
                    name = name.removesuffix("_buffer")
                    expected[f"optimizers.{index}.{name}.{parameter.name}"] = array
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert arrays[name].dtype == np.float32 and arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.tobytes()
    with safe_open(tmp_path / "run.safetensors", "np") as file:
        assert file.metadata()["format_version"] == "1"


def test_numbers_are_exact(run, header):
    metadata = header["__metadata__"]
    for index, optimizer in enumerate(run.optimizers):
        for number, group in enumerate(optimizer.param_groups):
            prefix = f"optimizers.{index}.groups.{number}."
            for name in {"lr", "initial_lr", "weight_decay", "eps"}:
                assert float.fromhex(metadata[prefix + name]) == group[name]
    assert metadata["optimizers.1.skipped_steps"] == "1"
    assert metadata["optimizers.1.steps.b3"] == "4"
    assert metadata["schedulers.0.step"] == "5"


def test_every_tensor_and_the_header_have_their_checksums(run, header):
    data = run.dumps()
    text, tensors = split(data)
    metadata = header.pop("__metadata__")
    for name, each in header.items():
        begin, end = each["data_offsets"]
        assert metadata[f"checksum.{name}"] == f"{xxh64(tensors[begin:end]):016x}"
    assert sealed(text, tensors) == rewritten(data, lambda header: None) == data
    assert data[DIGITS] == metadata["checksum"].encode()
    assert (8 + len(text)) % 8 == 0


@pytest.mark.parametrize("name", ['quote " and \\', "line\nand\ttab\x01", "größe/层.0", "", " "])
def test_names_of_any_kind(name):
    weight = libmuon.Parameter(np.eye(3, dtype=np.float32), name)
    muon = libmuon.Muon([weight])
    data = libmuon.checkpoint.dumps(muon)
    assert np.array_equal(load(data)["optimizers.0.data." + name], np.eye(3))
    weight.data[:] = 0
    libmuon.checkpoint.loads(data, muon)
    assert np.array_equal(weight.data, np.eye(3))


def test_names_must_differ():
    arrays = [("w", np.ones((2, 2), np.float32)), ("w", np.ones((2, 2), np.float32))]
    with pytest.raises(libmuon.InvalidArgumentError, match='parameters .* are named "w"'):
        libmuon.checkpoint.dumps(libmuon.Muon(arrays))
    # In two optimizers they may be the same, as they are where nobody named them.
    unnamed = [libmuon.Muon([np.ones((2, 2), np.float32)]) for _ in range(2)]
    assert "optimizers.1.data.param0" in load(libmuon.checkpoint.dumps(unnamed))


def test_the_edges_of_numbers():
    """Subnormal, shortest and longest numbers, and empty and scalar parameters."""
    for lr in (0.0, 5e-324, 2.2250738585072014e-308, 1 / 3, 1e38, 0.1):
        params = [("empty", np.ones(0, np.float32)), ("scalar", np.ones((), np.float32)),
                  ("flat", np.ones((3, 0, 2), np.float32))]
        adamw = libmuon.AdamW(params, lr=lr)
        data = libmuon.checkpoint.dumps(adamw)
        fresh = libmuon.AdamW([(name, array.copy()) for name, array in params])
        libmuon.checkpoint.loads(data, fresh)
        assert fresh.param_groups[0]["lr"] == lr
        assert load(data)["optimizers.0.exp_avg.flat"].shape == (3, 0, 2)
