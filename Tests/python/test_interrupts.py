"""Ctrl-C at the worst moment: after the library has done what it was asked, before Python has noted it."""

from __future__ import annotations

import signal
import sys
import time

import numpy as np
import pytest

from libmuon import AdamW, Muon, Parameter, checkpoint
from libmuon import optimizer as module


@pytest.fixture
def interrupt(monkeypatch):
    """The next call of the library succeeds, and then Ctrl-C comes."""

    def arm():
        genuine = module.check

        def check(status):
            monkeypatch.setattr(module, "check", genuine)
            genuine(status)
            raise KeyboardInterrupt

        monkeypatch.setattr(module, "check", check)

    return arm


def parameter(name):
    made = Parameter(np.zeros((2, 3), np.float32), name)
    made.grad = np.ones((2, 3), np.float32)
    return made


def test_while_a_gradient_is_exchanged(interrupt):
    w = parameter("w")
    optimizer = Muon([w], momentum=0, nesterov=False)
    before, w.grad = w.grad, np.full((2, 3), 2, np.float32)
    before[:] = 0
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    # The library has the second one; the step must not be made with it, nor may it be gone.
    w.grad = before
    optimizer.step()
    assert not w.data.any()


def test_while_a_group_is_added(interrupt):
    a, b, c = map(parameter, "abc")
    optimizer = Muon([a])
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        optimizer.add_param_group({"params": [b]})
    assert optimizer.parameters == [a, b]
    optimizer.add_param_group({"params": [c]})
    a.grad = b.grad = None
    optimizer.step()
    assert c.data.any() and not a.data.any() and not b.data.any()


def test_a_group_that_is_refused_is_not_noted():
    a, b = map(parameter, "ab")
    optimizer = Muon([a])
    overlapping = Parameter(b.data.reshape(3, 2), "c")
    for params in ([b, overlapping], [a]):
        with pytest.raises(ValueError, match="overlaps"):
            optimizer.add_param_group({"params": params})
        assert optimizer.parameters == [a] and len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": [b]})
    optimizer.step()
    assert b.data.any()


class Stop(BaseException):
    """What a handler raises."""


@pytest.fixture
def in_a_moment():
    """A signal comes, whose handler raises Stop."""
    def stop(number, frame):
        raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("moment", [0.001, 0.003, 0.01, 0.02])
@pytest.mark.parametrize("call", ["save", "load", "dumps", "loads"])
def test_while_a_checkpoint_reports(call, moment, in_a_moment, tmp_path):
    """The signal comes while C runs, and so its handler raises as the next report begins, ahead of its `try`."""
    optimizer = AdamW([Parameter(np.ones(1 << 22, np.float32), "w")])
    path = tmp_path / "run.safetensors"
    checkpoint.save(path, optimizer)
    data, hook = path.read_bytes(), sys.unraisablehook

    def report(done, total):
        if not armed:
            armed.append(True)
            in_a_moment(moment)

    armed = []
    calls = {
        "save": lambda: checkpoint.save(path, optimizer, progress=report),
        "load": lambda: checkpoint.load(path, optimizer, progress=report),
        "dumps": lambda: checkpoint.dumps(optimizer, progress=report),
        "loads": lambda: checkpoint.loads(data, optimizer, progress=report),
    }
    with pytest.raises(Stop):
        calls[call]()
        time.sleep(1)  # where it was faster than the signal
    assert sys.unraisablehook is hook
    assert path.read_bytes() == data
    checkpoint.load(path, optimizer)
