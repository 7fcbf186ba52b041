"""The hosts of bindings: a GPT in C with stacked layers, and C++ libraries that update array by array."""

from __future__ import annotations

import ctypes
import re
import sys

import numpy as np
import pytest
from building import ROOT, compile_c, run
from documents import accuracy
from hosts import gpt_reference

GPT = ROOT / "bindings/c/gpt"
TEXT = ROOT / "include/muon.h"
CXX = ["g++", "-std=c++17", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Wold-style-cast"]


class Config(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in "batch tokens vocabulary layers heads channels".split()]


class Array(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p), ("ndim", ctypes.c_int), ("shape", ctypes.c_int64 * 3),
        ("count", ctypes.c_size_t), ("data", ctypes.POINTER(ctypes.c_float)),
        ("grad", ctypes.POINTER(ctypes.c_float))]


class Model(ctypes.Structure):
    # Behind the arrays it has more, for which there is room.
    _fields_ = [("config", Config), ("arrays", Array * 16), ("rest", ctypes.c_char * 65536)]


def test_the_gradient_of_the_gpt(tmp_path):
    """Its loss is that of numpy in float64, and its gradient the slope of that."""
    rng = np.random.default_rng(1)
    out = tmp_path / "gpt.so"
    run(["gcc", "-std=c11", "-O2", "-shared", "-fPIC", GPT / "gpt.c", "-lm", "-o", out])
    library = ctypes.CDLL(str(out))
    library.gpt_forward.restype = ctypes.c_double
    model, config = Model(), Config(batch=2, tokens=5, vocabulary=11, layers=3, heads=2, channels=12)
    assert library.gpt_init(ctypes.byref(model), config, ctypes.c_uint64(3))
    values, grads = {}, {}
    for array in model.arrays:
        shape = tuple(array.shape[: array.ndim])
        data = np.ctypeslib.as_array(array.data, shape)
        data += 0.2 * rng.standard_normal(shape, np.float32)  # far from where gradients are tiny
        values[array.name.decode()] = data.astype(np.float64)
        grads[array.name.decode()] = np.ctypeslib.as_array(array.grad, shape)
    tokens, targets = rng.integers(11, size=(2, 2, 5), dtype=np.int32)

    def loss():
        return gpt_reference.loss(values, tokens, targets, heads=2)

    places = [each.ctypes.data_as(ctypes.c_void_p) for each in (tokens, targets)]
    for _ in range(2):  # gradients add up
        assert library.gpt_forward(ctypes.byref(model), *places) == pytest.approx(loss(), rel=1e-6)
        library.gpt_backward(ctypes.byref(model), *places)
    for name, array in values.items():
        direction = rng.standard_normal((4, *array.shape))
        for each in direction:
            slope = 0.0
            for sign in (1, -1):
                array += sign * 1e-5 * each
                slope += sign * loss() / 2e-5
                array -= sign * 1e-5 * each
            size = np.linalg.norm(each) * np.linalg.norm(grads[name])
            assert abs((grads[name] * each).sum() / 2 - slope) < 1e-6 * size, name
    library.gpt_free(ctypes.byref(model))


@pytest.fixture(scope="module")
def gpt(tmp_path_factory):
    return compile_c(["gcc", "-std=c11"], sorted(GPT.glob("*.c")), tmp_path_factory.mktemp("gpt") / "gpt")


def losses(printed):
    return re.findall(r"^step +\d+.*held out .*", printed, re.MULTILINE)


def test_the_gpt_goes_on_from_a_checkpoint_to_the_bit(gpt, tmp_path):
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    one = run([gpt, TEXT, whole, 60])
    first, second = run([gpt, TEXT, parts, 20]), run([gpt, TEXT, parts, 40], MUON_NUM_THREADS="1")
    assert "going on from step 20" in second
    assert losses(one) == losses(first) + losses(second) and len(losses(one)) == 3
    assert whole.read_bytes() == parts.read_bytes()
    # By chance it is 4.85; with the frequencies of characters alone, 3.2.
    assert float(losses(one)[-1].rsplit(" ")[-1]) < 2.7


def test_the_matrices_of_the_gpt_go_to_muon(gpt, tmp_path):
    run([gpt, TEXT, tmp_path / "run.safetensors", 1])
    shown = run([sys.executable, "-m", "libmuon", "inspect", tmp_path / "run.safetensors"])
    muon, adamw = shown.split("optimizer 1: AdamW")
    assert re.findall(r"^  (\w+) .*momentum$", muon, re.MULTILINE) == ["qkvw", "attprojw", "fcw", "fcprojw"]
    assert len(re.findall(r"exp_avg_sq$", adamw, re.MULTILINE)) == 12


def test_libraries_that_update_array_by_array(tmp_path):
    program = compile_c(
        CXX, [ROOT / "bindings/cpp/layerwise/train.cpp", ROOT / "bindings/cpp/mlp.cpp"], tmp_path / "layerwise")
    assert accuracy(run([program])) >= 0.92
    same = compile_c(CXX, [ROOT / "Tests/integration/hosts/array_by_array.cpp"], tmp_path / "same")
    assert run([same, tmp_path / "run.safetensors"]) == "passed\n"
