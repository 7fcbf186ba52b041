"""What the optimizers are called with: two ways to ask for a Muon, groups, and errors."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

import libmuon
from libmuon.torch import AdamW, Muon
from training import copies, parameters, train

TORCHS = {"ns_coefficients": (3.4, -4.7, 2.0), "ns_steps": 6, "adjust_lr_fn": "original"}
OURS = {
    "backend": "svd",
    "backend_steps": 5,
    "coefficients": [(3.4, -4.7, 2.0)],
    "momentum_style": "ema",
    "shape_scale": "original",
}


@pytest.mark.parametrize("torchs", TORCHS)
@pytest.mark.parametrize("ours", OURS)
def test_the_two_ways_contradict_each_other(torchs, ours):
    params = parameters((4, 6))
    both = {torchs: TORCHS[torchs], ours: OURS[ours]}
    with pytest.raises(libmuon.InvalidArgumentError, match=f"{torchs} together with {ours}"):
        Muon(params, **both)
    with pytest.raises(libmuon.InvalidArgumentError, match=f"{torchs} together with {ours}"):
        Muon([{"params": params, **both}])
    optimizer = Muon(params)
    with pytest.raises(libmuon.InvalidArgumentError, match=f"{torchs} together with {ours}"):
        optimizer.add_param_group({"params": parameters((4, 6)), **both})
    assert len(optimizer.param_groups) == 1


def test_setting_an_option_of_the_other_way_is_an_error_of_the_next_step():
    params = parameters((4, 6))
    optimizer = Muon(params)
    train(optimizer, params, 1)
    before = params[0].detach().clone()
    optimizer.param_groups[0]["backend"] = "svd"
    with pytest.raises(libmuon.InvalidArgumentError, match="ns_coefficients together with backend"):
        optimizer.step()
    assert torch.equal(params[0], before)
    optimizer.param_groups[0].update(ns_coefficients=None, ns_steps=None)
    optimizer.step()
    assert not torch.equal(params[0], before)


def test_groups():
    one, two, three, four = parameters((4, 6), (4, 6), (4, 6), (4, 6))
    optimizer = Muon(
        [
            {"params": [one], "lr": 0.5},
            {"params": two, "ns_steps": 6},
            {"params": [three], "backend": "turbo"},
        ],
        ns_coefficients=(3.0, -3.2, 1.2),
        weight_decay=0.3,
    )
    optimizer.add_param_group({"params": [four], "coefficients": [(2, -1.5, 0.5)], "lr": 0.1})
    keys = ("lr", "weight_decay", "ns_coefficients", "ns_steps", "backend", "momentum_style")
    assert [[group[key] for key in keys] for group in optimizer.param_groups] == [
        [0.5, 0.3, (3.0, -3.2, 1.2), 5, None, None],
        [1e-3, 0.3, (3.0, -3.2, 1.2), 6, None, None],
        [1e-3, 0.3, None, None, "turbo", "classic"],
        [0.1, 0.3, None, None, "custom", "classic"],
    ]
    start = copies([one, two, three, four])
    params = [one, two, three, four]
    train(optimizer, params, 5)
    # Each as it would have gone alone.
    alone = [
        {"lr": 0.5, "weight_decay": 0.3, "ns_coefficients": (3.0, -3.2, 1.2)},
        {"weight_decay": 0.3, "ns_coefficients": (3.0, -3.2, 1.2), "ns_steps": 6},
        {"lr": 1e-3, "weight_decay": 0.3, "backend": "turbo"},
        {"lr": 0.1, "weight_decay": 0.3, "coefficients": [(2, -1.5, 0.5)]},
    ]
    for index, options in enumerate(alone):
        twins = copies(start)
        other = Muon([twins[index]], **options)
        train(other, twins, 5)
        assert torch.equal(params[index], twins[index])


def test_a_group_that_goes_the_other_way():
    one, two = parameters((4, 6), (4, 6))
    optimizer = Muon([{"params": [one]}, {"params": [two], "backend": "svd"}], momentum=0.8)
    group = optimizer.param_groups[1]
    keys = ("lr", "weight_decay", "momentum", "momentum_style", "shape_scale", "ns_steps")
    assert [group[key] for key in keys] == [1e-3, 0.1, 0.8, "classic", "none", None]


@pytest.mark.parametrize("key", ["ns_coefficients", "coefficients"])
@pytest.mark.parametrize(
    "make",
    [
        np.array,
        lambda rows: torch.tensor(rows, dtype=torch.float64),
        lambda rows: [torch.tensor(row, dtype=torch.float64) for row in rows],
        lambda rows: [np.array(row) for row in rows],
        lambda rows: [[np.float64(each) for each in row] for row in rows],
    ],
    ids=["array", "tensor", "tensors", "arrays", "numbers"],
)
def test_coefficients_in_arrays_and_tensors(key, make):
    rows = [(3.0, -3.2, 1.2), (2.5, -2.0, 0.5)]
    for value in (rows, rows[0]):
        one = parameters((4, 6))
        two = copies(one)
        given = make(value) if value is rows else make([value])[0]
        train(Muon(one, **{key: given}), one, 2)
        train(Muon(two, **{key: value}), two, 2)
        assert torch.equal(one[0], two[0])


def test_a_rate_in_an_array_of_one():
    one = parameters((4, 6))
    two = copies(one)
    train(Muon(one, lr=torch.tensor([0.5])), one, 2)
    train(Muon(two, lr=0.5), two, 2)
    assert torch.equal(one[0], two[0])


def test_groups_that_are_added_and_removed_on_the_way():
    params = parameters((4, 6), (5, 7), (3, 3))
    optimizer = AdamW(params[:1])
    train(optimizer, params, 2)
    optimizer.add_param_group({"params": params[1:2], "lr": 0.5})
    train(optimizer, params, 2)
    optimizer.param_groups[1]["params"].append(params[2])
    train(optimizer, params, 2)
    steps = [optimizer.state[p]["step"].item() for p in params]
    assert steps == [6, 4, 2]
    del optimizer.param_groups[0]
    before = params[0].detach().clone()
    train(optimizer, params, 2)
    assert torch.equal(params[0], before)
    assert [optimizer.state[p]["step"].item() for p in params] == [6, 6, 4]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": -1.0}, "lr"),
        ({"lr": float("nan")}, "lr"),
        ({"lr": torch.tensor([0.1, 0.2])}, "Tensor lr must be 1-element"),
        ({"momentum": 1.0}, "momentum"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"eps": -1e-3}, "eps"),
        ({"ns_steps": 100}, "ns_steps: 1 to 99"),
        ({"ns_steps": 0}, "ns_steps: 1 to 99"),
        ({"ns_coefficients": (1.0, 2.0)}, "ns_coefficients"),
        ({"ns_coefficients": 3.0}, "ns_coefficients"),
        ({"adjust_lr_fn": "arbitrary"}, "arbitrary is not supported"),
        ({"backend": "newton"}, "backend: 'newton' is not one of"),
        ({"backend_steps": 0}, "backend_steps"),
        ({"momentum_style": "old"}, "momentum_style: 'old' is not one of"),
        ({"shape_scale": "big"}, "shape_scale: 'big' is not one of"),
        ({"precision": "f64"}, "precision: 'f64' is not one of"),
        ({"method": "qr"}, "method: 'qr' is not one of"),
        ({"nonfinite": "ignore"}, "nonfinite: 'ignore' is not one of"),
    ],
)
def test_options_of_muon_out_of_range(options, text):
    with pytest.raises(ValueError, match=text):
        Muon(parameters((4, 6)), **options)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"lr": -1.0}, ValueError, "lr"),
        ({"lr": torch.tensor([0.1, 0.2])}, ValueError, "Tensor lr must be 1-element"),
        ({"betas": (1.0, 0.9)}, ValueError, "beta1"),
        ({"betas": (0.9, -0.1)}, ValueError, "beta2"),
        ({"betas": (0.9, torch.tensor(0.9))}, ValueError, "both floats or both Tensors"),
        ({"betas": 0.9}, ValueError, "betas"),
        ({"eps": -1.0}, ValueError, "eps"),
        ({"weight_decay": -1}, ValueError, "weight_decay"),
        ({"amsgrad": True}, NotImplementedError, "amsgrad"),
        ({"capturable": True}, NotImplementedError, "capturable"),
        ({"differentiable": True}, NotImplementedError, "differentiable"),
    ],
)
def test_options_of_adamw_out_of_range(options, error, text):
    with pytest.raises(error, match=text):
        AdamW(parameters((4, 6)), **options)


@pytest.mark.parametrize("cls", [Muon, AdamW])
def test_an_option_that_goes_out_of_range_on_the_way(cls):
    params = parameters((4, 6), (3, 5))
    optimizer = cls([{"params": params[:1]}, {"params": params[1:], "lr": 0.1}])
    train(optimizer, params, 1)
    before = [p.detach().clone() for p in params]
    for key, value in [("lr", -1.0), ("weight_decay", float("inf")), ("eps", -1.0)]:
        kept, optimizer.param_groups[1][key] = optimizer.param_groups[1][key], value
        with pytest.raises(ValueError, match=key):
            optimizer.step()
        optimizer.param_groups[1][key] = kept
        assert all(torch.equal(p, each) for p, each in zip(params, before))
    optimizer.step()


def test_a_group_that_is_refused_is_not_added():
    params = parameters((4, 6), (4, 6), (5,))
    optimizer = Muon(params[:1])
    for group in ({"params": params[1:2], "lr": -1.0}, {"params": params[2:]}):
        with pytest.raises(ValueError):
            optimizer.add_param_group(group)
        assert len(optimizer.param_groups) == 1
    train(optimizer, params, 1)
    assert list(optimizer.state) == params[:1]


def test_libmuon_alone_does_not_load_torch():
    script = "import sys, libmuon; assert not any(m.split('.')[0] == 'torch' for m in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_what_is_said_where_torch_is_missing():
    script = """
import sys
sys.modules["torch"] = None
try:
    import libmuon.torch
except ImportError as error:
    print(error)
"""
    out = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert 'pip install "libmuon[torch]"' in out.stdout
