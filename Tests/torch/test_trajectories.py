"""Where training goes: against float64, against the numpy optimizers, and against torch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, SequentialLR

import libmuon
import reference
from libmuon.torch import AdamW, Muon
from training import copies, error, gradients, moved, parameters, train

SHAPES = [(24, 24), (40, 12), (12, 40), (17, 31)]
SCALES = {None: "original", "original": "original", "match_rms_adamw": "match_rms_adamw",
          "spectral_unclamped": "spectral"}
# torch's Muon multiplies in bfloat16.
PAIRS = [(Muon, torch.optim.Muon, 3e-2), (AdamW, torch.optim.AdamW, 1e-5)]
ORIGINAL = {"backend": "newtonschulz5", "backend_steps": 5}


def against_float64(optimizer, params, expected, steps=50):
    for grads in gradients(params, steps):
        for p, each, grad in zip(params, expected, grads):
            p.grad = grad
            each.step(grad.numpy())
        optimizer.step()
    for p, each in zip(params, expected):
        assert error(p, each.p) <= 1e-5


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("adjust", SCALES)
def test_muon_as_torch(adjust, nesterov):
    params = parameters(*SHAPES)
    optimizer = Muon(params, nesterov=nesterov, adjust_lr_fn=adjust, precision="f32")
    expected = [
        reference.Muon(p.detach().numpy(), lr=1e-3, weight_decay=0.1, momentum_style="ema",
                       nesterov=nesterov, shape_scale=SCALES[adjust])
        for p in params
    ]
    against_float64(optimizer, params, expected)
    for p, each in zip(params, expected):
        assert error(optimizer.state[p]["momentum_buffer"], each.momentum_buffer) <= 1e-5


@pytest.mark.parametrize("nesterov", [True, False])
def test_muon_as_the_original_system(nesterov):
    params = parameters(*SHAPES)
    optimizer = Muon(
        params, lr=0.02, momentum=0.95, nesterov=nesterov, **ORIGINAL, precision="f32"
    )
    expected = [reference.Muon(p.detach().numpy(), nesterov=nesterov) for p in params]
    against_float64(optimizer, params, expected)
    for p, each in zip(params, expected):
        assert error(optimizer.state[p]["momentum_buffer"], each.momentum_buffer) <= 1e-5


def test_adamw():
    params = parameters((5, 7), (11,), (), (2, 3, 4))
    expected = [reference.AdamW(p.detach().numpy()) for p in params]
    against_float64(AdamW(params), params, expected)


def test_defaults_are_those_of_the_two_callers():
    (p,) = parameters((3, 4))
    own, torchs = Muon([p]).defaults, torch.optim.Muon([p]).defaults
    assert {key: own[key] for key in torchs if key != "differentiable"} == torchs
    original = Muon([p], backend="newtonschulz5").defaults
    numpys = libmuon.Muon([p.detach().numpy()])
    options = dict(numpys.param_groups[0].options(), backend_steps=None)
    assert {key: original[key] for key in options} == options
    own, torchs = AdamW([p]).defaults, torch.optim.AdamW([p]).defaults
    assert own.items() >= torchs.items()


@pytest.mark.parametrize(
    ("options", "numpys"),
    [
        ({}, {"lr": 1e-3, "weight_decay": 0.1, "momentum_style": "ema", "shape_scale": "original"}),
        ({"backend_steps": 5}, {}),
        ({"backend": "svd", "lr": 0.1}, {"backend": "svd", "lr": 0.1}),
        ({"coefficients": [(3, -3.2, 1.2)]}, {"coefficients": [(3, -3.2, 1.2)]}),
        ({"shape_scale": "spectral", "momentum_style": "ema"},
         {"shape_scale": "spectral", "momentum_style": "ema"}),
    ],
)
def test_muon_has_the_bits_of_the_numpy_optimizer(options, numpys):
    params = parameters(*SHAPES, (64, 96))
    arrays = [p.detach().numpy().copy() for p in params]
    one, two = Muon(params, **options), libmuon.Muon(arrays, **numpys)
    for grads in gradients(params, 5):
        for p, grad in zip(params, grads):
            p.grad = grad
        one.step()
        two.step([grad.numpy() for grad in grads])
    for p, array in zip(params, arrays):
        np.testing.assert_array_equal(p.detach().numpy(), array)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "weight_decay": 0.0, "momentum": 0.5, "nesterov": False},
        {"ns_steps": 7},
        {"ns_coefficients": (2.0, -1.5, 0.5)},
        {"adjust_lr_fn": "match_rms_adamw"},
    ],
)
@pytest.mark.parametrize("precision", ["f32", "auto"])
def test_muon_beside_torchs(options, precision):
    ours = parameters(*SHAPES, (96, 64))
    start, theirs = copies(ours), copies(ours)
    train(Muon(ours, **options, precision=precision), ours)
    train(torch.optim.Muon(theirs, **options), theirs)
    for one, two, zero in zip(ours, theirs, start):
        assert moved(one, two, zero) <= 3e-2  # torch's products are in bfloat16


@pytest.mark.parametrize(
    "options", [{}, {"betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.3}, {"maximize": True}]
)
def test_adamw_beside_torchs(options):
    ours = parameters((24, 24), (40,), ())
    start, theirs = copies(ours), copies(ours)
    train(AdamW(ours, lr=0.01, **options), ours, 50)
    train(torch.optim.AdamW(theirs, lr=0.01, **options), theirs, 50)
    for one, two, zero in zip(ours, theirs, start):
        assert moved(one, two, zero) <= 1e-5


def changing(optimizer):
    """What changes the options of an optimizer on the way."""

    def each(index):
        group = optimizer.param_groups[0]
        if index == 3:
            group["lr"], group["weight_decay"] = 0.05, 0.5
        if index == 6 and "betas" in group:
            group["betas"], group["eps"] = (0.5, 0.9), 0.1
        if index == 6 and "momentum" in group:
            group["momentum"], group["nesterov"] = 0.5, False
            group["ns_steps"], group["adjust_lr_fn"] = 6, "match_rms_adamw"

    return each


@pytest.mark.parametrize(("ours", "torchs", "tolerance"), PAIRS)
def test_options_that_change_on_the_way(ours, torchs, tolerance):
    start = parameters((24, 36))
    one, two = copies(start), copies(start)
    optimizer, expected = ours(one), torchs(two)
    train(optimizer, one, each=changing(optimizer))
    train(expected, two, each=changing(expected))
    assert moved(one[0], two[0], start[0]) <= tolerance


@pytest.mark.parametrize(("ours", "torchs", "tolerance"), PAIRS)
@pytest.mark.parametrize("make", [
    lambda o: SequentialLR(o, [LinearLR(o, 0.1, 1.0, 5), CosineAnnealingLR(o, 15)], [5]),
    lambda o: OneCycleLR(o, 0.1, total_steps=21),  # the momentum, or beta1, goes with it
])
def test_torchs_schedulers_drive_it(ours, torchs, tolerance, make):
    results = []
    one = parameters((24, 36))
    start = copies(one)
    for cls in (ours, torchs):
        params = copies(start)
        optimizer = cls(params, lr=0.1)
        scheduler = make(optimizer)
        rates = []
        for grads in gradients(params, 20):
            params[0].grad = grads[0]
            optimizer.step()
            scheduler.step()
            rates.append(optimizer.param_groups[0]["lr"])
        results.append((params[0], rates))
    assert results[0][1] == results[1][1]
    assert moved(results[0][0], results[1][0], start[0]) <= tolerance


@pytest.mark.parametrize("cls", [Muon, AdamW])
def test_a_tensor_as_rate_is_read_at_each_step(cls):
    one = parameters((8, 12))
    two = copies(one)
    rate = torch.tensor(0.1)
    numbers = cls(two, lr=0.1)

    def each(index):
        numbers.param_groups[0]["lr"] = 0.1 * 0.5**index

    train(cls(one, lr=rate), one, each=lambda index: rate.fill_(0.1 * 0.5**index))
    train(numbers, two, each=each)
    # float32 cannot hold 0.1, the only difference.
    assert error(one[0], two[0]) <= 1e-6
