"""The variants of docs/variants.md in libmuon.torch: the same as libmuon's, and in state dicts."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import libmuon
from libmuon.torch import AdamW, Muon

VARIANTS = {
    "cautious": {"cautious_weight_decay": True, "weight_decay": 0.5},
    "normuon": {"second_moment": "normuon", "weight_decay": 0.1},
    "normuon_long": {"second_moment": "normuon_long", "beta2": 0.8, "weight_decay": 0.1},
    "hyperball": {"hyperball": True, "weight_decay": 0.0},
}
COMMON = {"lr": 0.05, "momentum_style": "ema"}
STEPS = 4


def gradient(step, shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(step))


def trained(cls, shape, options, steps=range(STEPS), state=None):
    """The parameter and the optimizer after some steps."""
    p = torch.nn.Parameter(gradient(1000, shape))
    optimizer = cls([p], **options)
    if state is not None:
        optimizer.load_state_dict(state)
    for step in steps:
        p.grad = gradient(step, shape)
        optimizer.step()
    return p, optimizer


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("shape", [(12, 20), (20, 12)])
def test_the_same_bits_as_in_numpy(options, shape):
    p, _ = trained(Muon, shape, {**COMMON, **options})
    weight = gradient(1000, shape).numpy()
    optimizer = libmuon.Muon([weight], **COMMON, **options)
    for step in range(STEPS):
        optimizer.step([gradient(step, shape).numpy()])
    np.testing.assert_array_equal(p.detach().numpy(), weight)


def test_cautious_adamw_has_the_same_bits_as_in_numpy():
    options = {"lr": 0.05, "weight_decay": 0.9, "cautious_weight_decay": True}
    p, _ = trained(AdamW, (12, 20), options)
    plain, _ = trained(AdamW, (12, 20), {**options, "cautious_weight_decay": False})
    weight = gradient(1000, (12, 20)).numpy()
    optimizer = libmuon.AdamW([weight], **options)
    for step in range(STEPS):
        optimizer.step([gradient(step, (12, 20)).numpy()])
    np.testing.assert_array_equal(p.detach().numpy(), weight)
    assert not torch.equal(p, plain)


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_each_matrix_of_a_batch_is_one_of_its_own(options):
    shape = (3, 10, 14)
    options = {**COMMON, **options, "higher_dims": "batch"}
    p, optimizer = trained(Muon, shape, options)
    for index in range(3):
        one = torch.nn.Parameter(gradient(1000, shape)[index].clone())
        alone = Muon([one], **options)
        for step in range(STEPS):
            one.grad = gradient(step, shape)[index].clone()
            alone.step()
        assert torch.equal(p[index], one)
        for key, value in alone.state[one].items():
            assert torch.equal(optimizer.state[p][key][index], value), key


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_a_state_dict_goes_on_with_the_same_bits(options):
    """Also in an optimizer that was made without the variant."""
    options = {**COMMON, **options}
    straight, _ = trained(Muon, (12, 20), options)
    p, optimizer = trained(Muon, (12, 20), options, range(2))
    for given in (options, COMMON):
        state = copy.deepcopy(optimizer.state_dict())
        resumed, other = trained(Muon, (12, 20), given, (), state)
        with torch.no_grad():
            resumed.copy_(p)
        for step in range(2, STEPS):
            resumed.grad = gradient(step, (12, 20))
            other.step()
        assert torch.equal(resumed, straight)
        assert other.state_dict()["param_groups"] == optimizer.state_dict()["param_groups"]


def test_what_the_variant_needs_is_missed_in_a_state_dict():
    _, optimizer = trained(Muon, (12, 20), {**COMMON, "second_moment": "normuon"})
    state = optimizer.state_dict()
    del state["state"][0]["second_momentum_buffer"]
    with pytest.raises(libmuon.InvalidArgumentError, match="second_momentum_buffer' is missing"):
        optimizer.load_state_dict(state)


def test_a_variant_can_begin_and_end_in_between():
    p, optimizer = trained(Muon, (12, 20), {**COMMON, "weight_decay": 0.0})
    momentum = optimizer.state[p]["momentum_buffer"]
    group = optimizer.param_groups[0]
    for key, value, state, shape in (
        ("second_moment", "normuon", "second_momentum_buffer", (12, 1)),
        ("second_moment", "none", None, None),
        ("hyperball", True, "radius", (1, 1)),
    ):
        group[key] = value
        before, buffer = p.detach().clone(), momentum.clone()
        p.grad = gradient(STEPS, (12, 20))
        optimizer.step()
        assert not torch.equal(p, before)
        torch.testing.assert_close(optimizer.state[p]["momentum_buffer"], buffer * 0.95 + p.grad * 0.05)
        momentum = optimizer.state[p]["momentum_buffer"]
        if state:
            assert optimizer.state[p][state].shape == shape and optimizer.state[p][state].all()
    torch.testing.assert_close(p.norm(), before.norm())
