"""One optimizer used by several threads, and how much work is done again after what changes little."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest
import torch
from torch.nn import Parameter

import libmuon
from libmuon.torch import AdamW, Muon, _session
from training import assert_same, copies, parameters, snapshot, train

BOTH = [Muon, AdamW]

# torch itself does not stand one thread's `p.grad = None` beside another's `p.grad`: they all set one.
STRESS = """
import sys, threading, time, torch
from libmuon.torch import AdamW, Muon

torch.set_num_threads(1)
params = [torch.nn.Parameter(torch.ones(64, 64)) for _ in range(8)]
for p in params:
    p.grad = torch.full((64, 64), 1e-3)
optimizer = CLS(params)
end, failed = time.monotonic() + 2, []

def run(number):
    try:
        while time.monotonic() < end:
            for p in params:
                p.grad = torch.full((64, 64), 1e-3)
                if number == 2:
                    p.data = p.data.clone()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
            if number == 1:
                optimizer.state_dict()
    except BaseException as error:
        failed.append(error)
        raise

threads = [threading.Thread(target=run, args=[number]) for number in range(3)]
for each in threads: each.start()
for each in threads: each.join()
assert not failed, failed
"""
# Freed memory is unmapped: who still reads there ends the process.
UNMAPPED = {"MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_MMAP_THRESHOLD_": "4096"}


@pytest.mark.parametrize("cls", ["Muon", "AdamW"])
def test_gradients_set_by_several_threads(cls):
    done = subprocess.run(
        [sys.executable, "-c", STRESS.replace("CLS", cls)],
        env={**os.environ, **UNMAPPED, "MUON_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def calls(monkeypatch):
    """How often each function of the library is called, by its name."""
    counted = Counter()
    genuine = _session.lib

    class Counting:
        def __getattr__(self, name):
            def call(*arguments):
                counted[name] += 1
                return getattr(genuine, name)(*arguments)

            return call

    monkeypatch.setattr(_session, "lib", Counting())
    return counted


def of(calls):
    """The calls since the last time: parameters added, buffers bound."""
    result = calls["muon_optimizer_add_param"], calls["muon_optimizer_bind_buffer"]
    calls.clear()
    return result


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("first", [True, False])
def test_after_a_refused_step_nothing_is_added_again(cls, first, calls):
    params = parameters(*[(2, 3)] * 20)
    expected = copies(params)
    one, two = cls(params), cls(expected)
    if not first:
        train(one, params, 1)
        train(two, expected, 1)
    of(calls)
    for p in params:
        p.grad = torch.full_like(p, float("nan"))
    with pytest.raises(libmuon.NonFiniteGradientError):
        one.step()
    assert of(calls)[0] == (20 if first else 0)
    train(one, params, 2, seed=5)
    assert of(calls)[0] == 0
    train(two, expected, 2, seed=5)
    assert_same(snapshot(two, expected), snapshot(one, params))


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_data_that_is_exchanged_is_all_that_is_bound_anew(cls, dtype, calls):
    params = parameters(*[(2, 3)] * 20, dtype=dtype)
    expected = copies(params)
    one, two = cls(params), cls(expected)
    train(one, params, 2)
    train(two, expected, 2)
    for p in params:
        p.grad = torch.ones_like(p)
    one.step()
    of(calls)
    kept = params[7].data
    params[7].data = kept.clone()
    one.step()
    added, bound = of(calls)
    # The gradients of bfloat16 are copies, in new memory at each step.
    assert added == 0 and bound <= (4 if dtype is torch.float32 else 44)
    for p in expected:
        p.grad = torch.ones_like(p)
    two.step()
    two.step()
    assert_same(snapshot(two, expected), snapshot(one, params))
    # Two that change places: the library refuses to bind them one by one.
    for group in (params, expected):
        group[3].data, group[5].data = group[5].data, group[3].data
    one.step()
    two.step()
    assert_same(snapshot(two, expected), snapshot(one, params))


@pytest.mark.parametrize("cls", BOTH)
def test_groups_added_between_steps_are_added_once(cls, calls):
    params = parameters(*[(2, 3)] * 12)
    for p in params:
        p.grad = torch.ones_like(p)
    optimizer = cls(params[:1])
    optimizer.step()
    for p in params[1:]:
        optimizer.add_param_group({"params": [p]})
        optimizer.step()
    assert of(calls)[0] == 12


@pytest.mark.parametrize("cls", BOTH)
def test_work_grows_with_the_number_of_parameters(cls, calls):
    """With their square it would be four times as much."""

    def work(count):
        params = parameters(*[(1, 2)] * count)
        optimizer = cls(params)
        for change in ("none", "data", "refused", "grad"):
            for p in params:
                value = float("nan") if change == "refused" else 1.0
                p.grad = torch.full_like(p, value)
                if change == "data":
                    p.data = p.data.clone()
            try:
                optimizer.step()
            except libmuon.NonFiniteGradientError:
                pass
        total = sum(calls.values())
        calls.clear()
        return total

    assert work(200) < 2.5 * work(100)
