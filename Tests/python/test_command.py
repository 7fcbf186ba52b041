"""python -m libmuon, and python -m libmuon inspect."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import libmuon


def command(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "libmuon", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture
def file(tmp_path):
    weight = libmuon.Parameter(np.ones((4, 3), np.float32), "blocks.0.weight")
    gain = libmuon.Parameter(np.ones(3, np.float32), "gain")
    late = libmuon.Parameter(np.ones(5, np.float32), "late")
    muon, adamw = libmuon.Muon([weight], lr=0.05), libmuon.AdamW([{"params": [gain]}, {"params": [late], "lr": 1}])
    schedule = libmuon.LinearLR(muon, 1.0, 0.5, 10)
    for _ in range(2):
        weight.grad, gain.grad = weight.data.copy(), gain.data.copy()
        muon.step(), adamw.step(), schedule.step()
    libmuon.checkpoint.save(tmp_path / "run", [muon, adamw], [schedule])
    return tmp_path / "run"


def test_what_a_checkpoint_holds(file):
    text = command("inspect", file)
    lines = [line.split() for line in text.splitlines()]
    assert text.startswith(f"written by libmuon {libmuon.__version__}, format 1\n")
    assert "optimizer 0: Muon, 0 skipped steps\n  group 0: initial_lr 0.05, lr 0.045, momentum 0.95" in text
    assert ["blocks.0.weight", "[4,", "3]", "0", "2", "data,", "momentum"] in lines
    assert ["gain", "[3]", "0", "2", "data,", "exp_avg,", "exp_avg_sq"] in lines
    assert ["late", "[5]", "1", "0", "data,", "exp_avg,", "exp_avg_sq"] in lines
    assert "scheduler 0: step 2 of linear(" in text


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (b"", "no safetensors file"),
        (b"\xff" * 100, "no safetensors file"),
        (b"\x02\0\0\0\0\0\0\0[]", "no safetensors file"),
        (b"\x02\0\0\0\0\0\0\0{}", "no checkpoint of libmuon"),
    ],
)
def test_what_is_no_checkpoint(tmp_path, contents, text):
    (tmp_path / "file").write_bytes(contents)
    assert text in command("inspect", tmp_path / "file", code=1)
    assert "No such file" in command("inspect", tmp_path / "none", code=1)


def test_what_runs_here():
    text = command()
    assert f"libmuon {libmuon.__version__}\n" in text and f"\n{libmuon.get_num_threads()} threads\n" in text
    assert len([line for line in text.splitlines() if " x " in line]) == 5
