"""Memory of parameters, gradients and state that others free or shrink: an error, not a crash."""

from __future__ import annotations

import subprocess
import sys

import torch

import libmuon
from libmuon.torch import Muon

# One child process for all: importing torch is what takes the time.
PROGRAM = """
import torch, libmuon.torch as lt
from libmuon.errors import InvalidArgumentError

def refused(call, text):
    try:
        call()
    except InvalidArgumentError as error:
        expected = text + ": its memory has been freed or shrunk"
        if str(error) != expected:
            print("instead of", expected, "-", error)
    else:
        print("no error:", text)

same = lambda tensor: tensor
half = lambda tensor: tensor.bfloat16()
data, grad = (lambda o, w: w.data, "w"), (lambda o, w: w.grad, "the gradient of w")
state = lambda name: (lambda o, w: o.state[w][name], "w: " + name)
for cls, layout, (what, text) in [
    (lt.Muon, same, state("momentum_buffer")),
    (lt.AdamW, same, state("exp_avg")),
    (lt.AdamW, same, state("exp_avg_sq")),
    (lt.AdamW, half, state("master")),
    (lt.AdamW, same, state("step")),
    *((cls, layout, each) for cls in (lt.Muon, lt.AdamW) for layout in (same, half, torch.t)
      for each in (data, grad)),
]:
    print("", cls.__name__, text, end=";", flush=True)
    w = torch.nn.Parameter(layout(torch.randn(64, 48)))
    w.grad = torch.randn_like(w)
    o = cls([("w", w)])
    o.step()
    memory = what(o, w).untyped_storage()
    for size in (memory.nbytes() - 4, 0):
        memory.resize_(size)
        for _ in range(2):
            refused(o.step, text)
        if text.startswith("w: "):
            refused(lambda: o.load_state_dict(o.state_dict()), "state_dict: " + text)
"""


def test_freed_and_shrunk_memory_is_refused():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300
    )
    said = f"{done.returncode}: {done.stdout}{done.stderr}"
    assert done.returncode == 0 and "error" not in said and "instead" not in said, said


def test_a_parameter_put_into_a_group_beside_its_names():
    first, second = (torch.nn.Parameter(torch.ones(4, 4)) for _ in range(2))
    optimizer = Muon([("w", first)])
    optimizer.param_groups[0]["params"].append(second)
    second.grad = torch.ones(4, 5).T.contiguous()[:4, :4].to_sparse()
    try:
        optimizer.step()
    except libmuon.errors.UnsupportedError as error:
        assert "param1" in str(error)
    else:
        raise AssertionError("no error")
