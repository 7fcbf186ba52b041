"""Schedulers from Python. That they equal torch's at every step is tested with torch's numbers."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import libmuon
from libmuon import (
    AdamW,
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    Muon,
    SequentialLR,
    Trapezoid,
)


def optimizer(lr=0.5, kind=AdamW):
    return kind([np.ones((2, 2), np.float32)], lr=lr)


def linear(base, step, start, end, total):
    return base * (start + (end - start) * min(step, total) / total)


def cosine(base, step, total, low=0.0):
    return low + (base - low) * (1 + math.cos(math.pi * step / total)) / 2


def trapezoid(base, step, warmup, decay, total, start, end):
    if step < warmup:
        return base * (start + (1 - start) * step / warmup)
    if step <= total - decay:
        return base
    return base * (1 + (end - 1) * min(step - (total - decay), decay) / decay)


CASES = {
    "linear default": (LinearLR, lambda b, t: linear(b, t, 1 / 3, 1, 5)),
    "linear": (lambda o: LinearLR(o, 1.0, 1e-5, 30), lambda b, t: linear(b, t, 1, 1e-5, 30)),
    "constant default": (ConstantLR, lambda b, t: b / 3 if t < 5 else b),
    "constant 0": (lambda o: ConstantLR(o, 0.0, 7), lambda b, t: 0 if t < 7 else b),
    "cosine": (lambda o: CosineAnnealingLR(o, 20), lambda b, t: cosine(b, t, 20)),
    "cosine eta_min": (
        lambda o: CosineAnnealingLR(o, T_max=20, eta_min=0.01),
        lambda b, t: cosine(b, t, 20, 0.01),
    ),
    "trapezoid": (lambda o: Trapezoid(o, 5, 10, 30), lambda b, t: trapezoid(b, t, 5, 10, 30, 0, 0)),
    "trapezoid factors": (
        lambda o: Trapezoid(o, 5, 10, 30, start_factor=0.5, end_factor=0.1),
        lambda b, t: trapezoid(b, t, 5, 10, 30, 0.5, 0.1),
    ),
    "sequential": (
        lambda o: SequentialLR(o, [LinearLR(o, 1e-5, 1.0, 10), CosineAnnealingLR(o, 30)], [10]),
        # The second schedule begins at its own step 0.
        lambda b, t: linear(b, t, 1e-5, 1, 10) if t < 10 else cosine(b, t - 10, 30),
    ),
    "sequential of three": (
        lambda o: SequentialLR(
            o, [ConstantLR(o, 0.5, 3), LinearLR(o, 0.5, 1.0, 4), ConstantLR(o, 0.1, 5)], [4, 9]
        ),
        lambda b, t: (
            (b / 2 if t < 3 else b)
            if t < 4
            else linear(b, t - 4, 0.5, 1, 4)
            if t < 9
            else (b / 10 if t - 9 < 5 else b)
        ),
    ),
    "chained": (
        lambda o: ChainedScheduler([LinearLR(o, 0.1, 1.0, 10), CosineAnnealingLR(o, 60)]),
        lambda b, t: linear(b, t, 0.1, 1, 10) * cosine(1, t, 60),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_rates(case):
    make, expected = CASES[case]
    opt = optimizer()
    scheduler = make(opt)
    for step in range(45):
        assert scheduler.last_epoch == step
        rate = expected(0.5, step)
        assert scheduler.get_last_lr() == pytest.approx([rate], rel=1e-9, abs=1e-15)
        assert opt.param_groups[0]["lr"] == scheduler.get_last_lr()[0]
        assert opt.param_groups[0]["initial_lr"] == 0.5
        scheduler.step()


def test_a_line_to_zero_ends_at_zero():
    """Rounding must not take it below, which is no rate."""
    for start in (0.1, 0.3, 0.7, 1.0):
        for steps in range(1, 40):
            scheduler = LinearLR(optimizer(0.02), start, 0.0, total_iters=steps)
            for _ in range(steps + 1):
                scheduler.step()
            assert 0 <= scheduler.get_last_lr()[0] <= 1e-15


@pytest.mark.parametrize("case", CASES)
def test_resuming(case):
    make, _ = CASES[case]
    opt = optimizer()
    scheduler = make(opt)
    for _ in range(13):
        scheduler.step()
    saved = pickle.loads(pickle.dumps((opt.state_dict(), scheduler.state_dict())))
    other = optimizer(lr=9.0)
    resumed = make(other)
    other.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    for _ in range(13, 40):
        assert resumed.last_epoch == scheduler.last_epoch
        assert resumed.get_last_lr() == scheduler.get_last_lr()
        assert other.param_groups[0]["lr"] == opt.param_groups[0]["lr"]
        scheduler.step()
        resumed.step()


def test_one_scheduler_drives_several_optimizers():
    muon = Muon(
        [
            {"params": np.ones((2, 2), np.float32), "lr": 0.5},
            {"params": np.ones((2, 2), np.float32), "lr": 0.25},
        ]
    )
    adamw = optimizer(lr=0.125)
    scheduler = LinearLR([muon, adamw], 1.0, 0.0, 4)
    assert scheduler.optimizers == [muon, adamw] and scheduler.optimizer is muon
    for step in range(6):
        factor = 1 - min(step, 4) / 4
        assert scheduler.get_last_lr() == [0.5 * factor, 0.25 * factor, 0.125 * factor]
        assert [group["lr"] for group in muon.param_groups] == scheduler.get_last_lr()[:2]
        assert adamw.param_groups[0]["lr"] == scheduler.get_last_lr()[2]
        scheduler.step()
    sequential = SequentialLR(
        [muon, adamw], [LinearLR([muon, adamw], 0.5, 1.0, 2), ConstantLR([muon, adamw])], [2]
    )
    assert sequential.get_last_lr() == [0.25, 0.125, 0.0625]


def test_the_rate_reaches_the_step():
    weight = np.ones((2, 2), np.float32)
    opt = AdamW([weight], lr=0.5, weight_decay=0)
    scheduler = ConstantLR(opt, 0.0, 1)
    opt.step([np.ones((2, 2), np.float32)])
    assert (weight == 1).all()
    scheduler.step()
    opt.step()
    assert weight == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda o: LinearLR(o, start_factor=0.0), ValueError),
        (lambda o: LinearLR(o, start_factor=1.5), ValueError),
        (lambda o: LinearLR(o, end_factor=float("nan")), ValueError),
        (lambda o: LinearLR(o, total_iters=0), ValueError),
        (lambda o: LinearLR(o, total_iters=2.5), TypeError),
        (lambda o: LinearLR(o, total_iters=2**64 + 5), ValueError),
        (lambda o: LinearLR(o, "a"), TypeError),
        (lambda o: ConstantLR(o, factor=-0.1), ValueError),
        (lambda o: CosineAnnealingLR(o, 0), ValueError),
        (lambda o: CosineAnnealingLR(o, 10, float("inf")), ValueError),
        (lambda o: Trapezoid(o, 6, 6, 10), ValueError),
        (lambda o: SequentialLR(o, [], []), ValueError),
        (lambda o: SequentialLR(o, [LinearLR(o)], [3]), ValueError),
        (lambda o: SequentialLR(o, [LinearLR(o)] * 3, [5, 4]), ValueError),
        (lambda o: SequentialLR(o, [LinearLR(o), LinearLR(optimizer())], [3]), ValueError),
        (lambda o: ChainedScheduler([]), ValueError),
        (lambda o: ChainedScheduler([LinearLR(o)], optimizer()), ValueError),
        (lambda o: LinearLR([]), ValueError),
        (lambda o: LinearLR([o, 3]), TypeError),
    ],
)
def test_what_is_refused(make, error):
    opt = optimizer()
    with pytest.raises(error):
        make(opt)


@pytest.mark.parametrize(
    "state", [{}, {"kind": "LinearLR"}, {"kind": "ConstantLR", "last_epoch": 3},
              {"kind": "LinearLR", "last_epoch": -1}, {"kind": "LinearLR", "last_epoch": 1.5}],
    ids=str,
)
def test_a_state_that_does_not_fit_changes_nothing(state):
    scheduler = LinearLR(optimizer())
    scheduler.step()
    before = scheduler.state_dict(), scheduler.get_last_lr()
    with pytest.raises((ValueError, TypeError)):
        scheduler.load_state_dict(state)
    assert (scheduler.state_dict(), scheduler.get_last_lr()) == before
    assert before[0] == {"kind": "LinearLR", "last_epoch": 1}


def test_schedulers_are_not_copied():
    with pytest.raises(TypeError, match="state_dict"):
        pickle.dumps(LinearLR(optimizer()))


def test_repr():
    assert repr(LinearLR(optimizer(), 0.5)) == "LinearLR(last_epoch=0, lr=[0.25])"


def test_a_group_added_later_is_scheduled_too():
    opt = optimizer()
    scheduler = LinearLR(opt, 1.0, 0.0, 10)
    opt.add_param_group({"params": np.ones(3, np.float32), "lr": 0.25})
    scheduler.step()
    assert scheduler.get_last_lr() == pytest.approx([0.45, 0.225])


def test_an_optimizer_may_go_before_its_scheduler(run_python):
    assert libmuon.MuonError
    script = (
        "import libmuon, numpy as np\n"
        "o = libmuon.AdamW([np.ones(2, np.float32)])\n"
        "s = libmuon.LinearLR(o)\n"
        "libmuon._library.lib.muon_optimizer_destroy(o._handle)\n"
        "s.step(); print(s.last_epoch)"
    )
    assert run_python(script) == "1\n"


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda o: SequentialLR(o, ["x"], []), r"schedulers\[0\]: a scheduler is expected, not str"),
        (lambda o: SequentialLR(o, "x", []), "schedulers: a list is expected, not 'x'"),
        (lambda o: SequentialLR(o, [LinearLR(o)], 5), "milestones: a list is expected, not 5"),
        (lambda o: ChainedScheduler("x"), "schedulers: a list is expected, not 'x'"),
        (lambda o: ChainedScheduler(5), "schedulers: a list is expected, not 5"),
        (lambda o: ChainedScheduler(["x"]), r"schedulers\[0\]: a scheduler is expected, not str"),
        (lambda o: ChainedScheduler({LinearLR(o), LinearLR(o)}), "schedulers: a list is expected"),
        (lambda o: LinearLR(5), "optimizer: an optimizer, or a list of them, is expected, not 5"),
        (lambda o: LinearLR(o).load_state_dict(None), "state_dict: a dict is expected, not None"),
        (lambda o: libmuon.build_schedulers(5, {}, None), "optimizers: a list is expected, not 5"),
        (lambda o: libmuon.build_schedulers([5], {}, Batches), "an optimizer is expected, not int"),
    ],
)
def test_what_is_of_another_kind_is_named(make, named):
    with pytest.raises(TypeError, match=named):
        make(optimizer())


class Batches:
    train_dataloader = ()
