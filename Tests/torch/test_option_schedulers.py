"""Schedulers of the momentum and of the weight decay of torch optimizers."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

import libmuon
from libmuon import InvalidArgumentError
from libmuon.torch import AdamW, ChainedScheduler, ConstantLR, CosineAnnealingLR, LinearLR, Muon
from libmuon.torch import MuonWithAdamW, SequentialLR, Trapezoid
from small_model import made


def matrix():
    return nn.Parameter(torch.ones(3, 4))


@pytest.mark.parametrize("option", ["lr", "momentum", "weight_decay"])
@pytest.mark.parametrize("make", [
    lambda m, o, n: m.LinearLR(o, 0.5, 0.25, 4, option=n),
    lambda m, o, n: m.ConstantLR(o, 0.5, 3, option=n),
    lambda m, o, n: m.CosineAnnealingLR(o, 5, option=n),
    lambda m, o, n: m.Trapezoid(o, 2, 2, 6, 0.5, 0.25, option=n),
    lambda m, o, n: m.SequentialLR(
        o, [m.LinearLR(o, 0.5, 1, 2, option=n), m.CosineAnnealingLR(o, 4, option=n)], [2], option=n),
    lambda m, o, n: m.ChainedScheduler(
        [m.LinearLR(o, 0.5, 1, 2, option=n), m.ConstantLR(o, 0.5, 3, option=n)], option=n),
], ids=["linear", "constant", "cosine", "trapezoid", "sequential", "chained"])
def test_values_are_those_of_numpy(option, make):
    values = {"lr": 0.5, "momentum": 0.5, "weight_decay": 0.5}
    ours, theirs = Muon([matrix()], **values), libmuon.Muon([np.ones((3, 4), np.float32)], **values)
    pair = make(libmuon.torch, ours, option), make(libmuon, theirs, option)
    for step in range(9):
        assert ours.param_groups[0][option] == pytest.approx(theirs.param_groups[0][option], abs=1e-15)
        assert pair[0].get_last_lr() == [ours.param_groups[0][option]]
        assert pair[0].last_epoch == step
        for each in pair:
            each.step()
    others = {key for key in values if ours.param_groups[0][key] != 0.5}
    assert others <= {option}


def test_the_steps_use_them_and_resume():
    """As with the options set by hand; across a save in the middle."""
    scheduled, by_hand = matrix(), matrix()
    one = Muon([scheduled], lr=0.1, weight_decay=0.25, momentum=0.8)
    two = Muon([by_hand], lr=0.1, weight_decay=0.25, momentum=0.8)

    def schedulers(optimizer):
        return [
            Trapezoid(optimizer, 4, 0, 10, 0.5, option="momentum"),
            CosineAnnealingLR(optimizer, 10, option="weight_decay"),
        ]

    drivers = schedulers(one)
    for step in range(10):
        if step == 3:
            saved = copy.deepcopy([one.state_dict(), *(each.state_dict() for each in drivers)])
            one = Muon([scheduled])
            drivers = schedulers(one)
            for each, state in zip([one, *drivers], saved):
                each.load_state_dict(state)
            assert one.param_groups[0]["initial_momentum"] == 0.8
        group = two.param_groups[0]
        group["momentum"] = 0.8 * min(0.5 + 0.125 * step, 1)
        group["weight_decay"] = 0.25 * (1 + np.cos(np.pi * step / 10)) / 2
        for parameter in (scheduled, by_hand):
            parameter.grad = torch.arange(12.0).reshape(3, 4).sin() + step
        one.step()
        two.step()
        for each in drivers:
            each.step()
        assert torch.allclose(scheduled, by_hand, rtol=0, atol=1e-6), step


def test_a_whole_module():
    optimizer = MuonWithAdamW(made(), lr=0.01, weight_decay=0.2)
    momentum = LinearLR(optimizer, 0.5, 1.0, 4, option="momentum")
    decay = ConstantLR(optimizer, 0.5, 3, option="weight_decay")
    muon, adamw = optimizer.param_groups
    assert muon["momentum"] == 0.475 and adamw["betas"] == (0.9, 0.95) and momentum.get_last_lr() == [0.475]
    assert muon["weight_decay"] == adamw["weight_decay"] == 0.1
    saved = copy.deepcopy(optimizer.state_dict())
    momentum.step()
    decay.step()
    resumed = MuonWithAdamW(made(), lr=0.01, weight_decay=0.2)
    drivers = LinearLR(resumed, 0.5, 1.0, 4, option="momentum"), ConstantLR(resumed, 0.5, 3, option="weight_decay")
    resumed.load_state_dict(saved)
    for each, other in zip(drivers, (momentum, decay)):
        each.load_state_dict(other.state_dict())
    assert [group["weight_decay"] for group in resumed.param_groups] == [0.1, 0.1]
    assert resumed.param_groups[0]["momentum"] == muon["momentum"]


def test_rates_in_tensors_and_optimizers_of_torch():
    rate = torch.tensor(0.5)
    optimizer = torch.optim.SGD([matrix()], lr=rate, momentum=0.5)
    LinearLR([optimizer], 0.5, 1.0, 4)
    ConstantLR([optimizer], 0.5, 4, option="momentum")
    assert rate.item() == 0.25 and optimizer.param_groups[0]["lr"] is rate
    assert optimizer.param_groups[0]["momentum"] == 0.25


def test_what_cannot_be_driven():
    muon = Muon([matrix()])
    with pytest.raises(InvalidArgumentError, match=r"optimizer 0 \(AdamW\) has no momentum"):
        ConstantLR(AdamW([matrix()]), option="momentum")
    with pytest.raises(InvalidArgumentError, match="no scheduler drives 'eps'"):
        ConstantLR(muon, option="eps")
    with pytest.raises(InvalidArgumentError, match="twice"):
        ConstantLR([muon, muon])
    with pytest.raises(InvalidArgumentError, match="at least one"):
        ConstantLR([])
    with pytest.raises(TypeError, match="an optimizer of torch is expected"):
        ConstantLR([libmuon.Muon([np.ones((2, 2), np.float32)])])
    other = ConstantLR(Muon([matrix()]))
    with pytest.raises(InvalidArgumentError, match="drives another optimizer"):
        SequentialLR(muon, [other], [])
    with pytest.raises(InvalidArgumentError, match="another optimizer"):
        ChainedScheduler([other], muon)
    assert "initial_lr" not in muon.param_groups[0] and muon.param_groups[0]["lr"] == 1e-3
