"""Ctrl-C at the worst moment: after the library has done what it was asked, before Python has noted it."""

from __future__ import annotations

import numpy as np
import pytest

from libmuon import Muon, Parameter
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
