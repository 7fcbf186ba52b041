"""Schedulers of the momentum and of the weight decay."""

from __future__ import annotations

import numpy as np
import pytest

import libmuon
from libmuon import AdamW, ChainedScheduler, ConstantLR, CosineAnnealingLR, LinearLR, Muon
from libmuon import InvalidArgumentError, Parameter, SequentialLR, Trapezoid, checkpoint


def parameter(shape=(6, 4), seed=0):
    rng = np.random.default_rng(seed)
    return Parameter(rng.standard_normal(shape, dtype=np.float32), "w")


def modded_nanogpt(step, total, warmup=300, cooldown=50, low=0.85, high=0.95):
    """get_muon_momentum of modded-nanogpt's train_gpt.py."""
    start = total - cooldown
    if step < warmup:
        return low + step / warmup * (high - low)
    if step > start:
        return high - (step - start) / cooldown * (high - low)
    return high


def test_the_trapezoid_of_modded_nanogpt():
    total, muon = 500, Muon([parameter()], momentum=0.95, momentum_style="ema")
    ratio = 0.85 / 0.95
    scheduler = Trapezoid(muon, 300, 50, total, ratio, ratio, option="momentum")
    for step in range(total + 1):
        expected = modded_nanogpt(step, total)
        assert muon.param_groups[0]["momentum"] == pytest.approx(expected, rel=4e-16)
        scheduler.step()
    assert muon.param_groups[0]["lr"] == 0.02


@pytest.mark.parametrize(("kind", "option"), [(Muon, "momentum"), (Muon, "weight_decay"), (AdamW, "weight_decay")])
@pytest.mark.parametrize("make", [
    lambda o, n: LinearLR(o, 0.5, 0.25, 4, option=n),
    lambda o, n: ConstantLR(o, 0.5, 3, option=n),
    lambda o, n: CosineAnnealingLR(o, 5, option=n),
    lambda o, n: SequentialLR(
        o, [LinearLR(o, 0.5, 1, 2, option=n), CosineAnnealingLR(o, 4, option=n)], [2], option=n),
    lambda o, n: ChainedScheduler(
        [LinearLR(o, 0.5, 1, 2, option=n), ConstantLR(o, 0.5, 3, option=n)], option=n),
], ids=["linear", "constant", "cosine", "sequential", "chained"])
def test_values_are_those_of_rates_and_the_steps_use_them(kind, option, make):
    """The factor is the same as for a rate; the step is that of an optimizer with the option set by hand."""
    scheduled = kind([parameter()], lr=0.5, **{option: 0.5})
    by_hand = kind([parameter()], lr=0.5, **{option: 0.5})
    rates = kind([parameter()], lr=0.5)
    drives, reference = make(scheduled, option), make(rates, "lr")
    rng = np.random.default_rng(7)
    for _ in range(7):
        value = rates.param_groups[0]["lr"]
        assert scheduled.param_groups[0][option] == value
        assert drives.get_last_lr() == [value]
        assert scheduled.param_groups[0]["lr"] == 0.5
        by_hand.param_groups[0][option] = value
        grad = rng.standard_normal((6, 4), dtype=np.float32)
        scheduled.step([grad])
        by_hand.step([grad])
        assert scheduled.parameters[0].data.tobytes() == by_hand.parameters[0].data.tobytes()
        drives.step()
        reference.step()


def run_of(total=12):
    w, b = parameter(), Parameter(np.ones(4, np.float32), "b")
    muon, adamw = Muon([w], momentum_style="ema", weight_decay=0.1), AdamW([b])
    both = [muon, adamw]
    return both, [
        CosineAnnealingLR(both, total),
        Trapezoid(muon, 3, 4, total, 0.5, 0.5, option="momentum"),
        LinearLR(both, 1.0, 0.1, total, option="weight_decay"),
    ]


def train(optimizers, schedulers, steps):
    for step in steps:
        rng = np.random.default_rng(step)
        for each in optimizers:
            for p in each.parameters:
                p.grad = rng.standard_normal(p.data.shape, dtype=np.float32)
        libmuon.step(optimizers)
        for each in schedulers:
            each.step()


@pytest.mark.parametrize("stop", [0, 2, 5, 11])
def test_a_checkpoint_goes_on_where_it_was(tmp_path, stop):
    straight, straight_schedulers = run_of()
    train(straight, straight_schedulers, range(12))
    first, first_schedulers = run_of()
    train(first, first_schedulers, range(stop))
    checkpoint.save(tmp_path / "run", first, first_schedulers)
    second, second_schedulers = run_of()
    # As a program that changes them before it loads.
    second[0].param_groups[0].update(momentum=0.1, weight_decay=0.7)
    checkpoint.load(tmp_path / "run", second, second_schedulers)
    train(second, second_schedulers, range(stop, 12))
    for a, b in zip(straight, second):
        assert a.parameters[0].data.tobytes() == b.parameters[0].data.tobytes()
        assert a.param_groups[0].options() == b.param_groups[0].options()
    assert [s.get_last_lr() for s in straight_schedulers] == [s.get_last_lr() for s in second_schedulers]


def test_a_checkpoint_of_another_option_is_a_mismatch(tmp_path):
    muon = Muon([parameter()])
    checkpoint.save(tmp_path / "run", [muon], [LinearLR(muon, option="momentum")])
    for option in ["lr", "weight_decay"]:
        other = Muon([parameter()])
        with pytest.raises(libmuon.MismatchError, match=f"scheduler 0 drives {option}, and momentum"):
            checkpoint.load(tmp_path / "run", [other], [LinearLR(other, option=option)])
        assert other.param_groups[0]["momentum"] == 0.95


def test_hyperball_goes_without_decay():
    muon = Muon([parameter()], hyperball=True)
    scheduler = CosineAnnealingLR(muon, 4, eta_min=0.5, option="weight_decay")
    with pytest.raises(libmuon.InvalidArgumentError, match="group 0: hyperball"):
        scheduler.step()
    assert muon.param_groups[0]["weight_decay"] == 0 and scheduler.last_epoch == 0


def test_what_cannot_be_scheduled():
    muon, adamw = Muon([parameter()]), AdamW([parameter()])
    with pytest.raises(libmuon.InvalidArgumentError, match=r"optimizer 1 \(AdamW\) has no momentum"):
        LinearLR([muon, adamw], option="momentum")
    assert muon.param_groups[0]["momentum"] == 0.95
    with pytest.raises(libmuon.InvalidArgumentError, match="drives \"eps\"; it can be one of lr, momentum"):
        LinearLR(muon, option="eps")
    with pytest.raises(TypeError, match="option: a str is expected"):
        LinearLR(muon, option=3)
    # eta_min is a value, and 1 is no momentum.
    scheduler = CosineAnnealingLR(muon, 1, eta_min=1.0, option="momentum")
    with pytest.raises(libmuon.InvalidArgumentError, match="momentum must be at least 0 and less than 1"):
        scheduler.step()
    assert muon.param_groups[0]["momentum"] == 0.95 and scheduler.last_epoch == 0


@pytest.mark.parametrize("option, value", [("momentum", 0.8), ("weight_decay", 0.1), ("lr", 0.02)])
def test_a_scheduler_made_after_the_state_was_loaded_goes_on(option, value):
    def made():
        return Muon([np.eye(3, dtype=np.float32)], **{option: value})

    def scheduled(optimizer):
        return LinearLR(optimizer, 0.5, 1.0, 10, option=option)

    first = made()
    scheduler = scheduled(first)
    first.add_param_group({"params": [np.eye(2, dtype=np.float32)], option: value / 2})
    for _ in range(3):
        scheduler.step()
    saved, at = first.state_dict(), scheduler.state_dict()
    second = made()
    second.add_param_group({"params": [np.eye(2, dtype=np.float32)]})
    second.load_state_dict(saved)
    scheduled(second).load_state_dict(at)
    assert [group[option] for group in second.param_groups] == [group[option] for group in first.param_groups]


def test_a_state_that_is_refused_leaves_what_schedules_multiply():
    optimizer = Muon([np.eye(3, dtype=np.float32)], momentum=0.8)
    LinearLR(optimizer, 0.5, 1.0, 10, option="momentum")
    before = optimizer.state_dict()
    for wrong in (2.0, float("inf"), float("nan"), "x"):
        saved = optimizer.state_dict()
        saved["param_groups"][0].update(initial_momentum=wrong, initial_weight_decay=0.5)
        with pytest.raises((InvalidArgumentError, TypeError), match="momentum"):
            optimizer.load_state_dict(saved)
        assert optimizer.state_dict()["param_groups"] == before["param_groups"]
    # Of a version that did not have it: what the present scheduler multiplies stays.
    saved = optimizer.state_dict()
    del saved["param_groups"][0]["initial_momentum"]
    optimizer.load_state_dict(saved)
    assert optimizer.state_dict()["param_groups"] == before["param_groups"]
