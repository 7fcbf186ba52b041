"""Views of torch's parameters, and rules: bitwise as separate parameters and as in numpy; state dicts; errors."""

from __future__ import annotations

import copy
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import libmuon
from libmuon import ConfigError, InvalidArgumentError, UnsupportedError, View
from libmuon.torch import Muon, MuonWithAdamW, build_optimizers, build_schedulers

WIDTH = 8
BLOCKS = View("boi", split=(1, [WIDTH] * 3))


def blocks(tensor):
    """The matrices of two layers of [Q; K; V]."""
    return [block for layer in tensor for block in layer.split(WIDTH)]


def made(seed=0, dtype=torch.float32):
    return nn.Parameter(torch.randn(2, 3 * WIDTH, WIDTH, generator=torch.Generator().manual_seed(seed)).to(dtype))


OPTIONS = [
    {},
    {"shape_scale": "match_rms_adamw", "lr": 0.02},
    {"second_moment": "normuon", "cautious_weight_decay": True},
    {"hyperball": True, "weight_decay": 0.0},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_each_matrix_is_a_parameter_of_its_own(options, dtype):
    whole = made(dtype=dtype)
    separate = [nn.Parameter(block.clone()) for block in blocks(whole.detach())]
    one = Muon([("qkv", whole)], view=BLOCKS, **options)
    many = Muon(separate, **options)
    for step in range(6):
        whole.grad = made(step + 1, dtype).detach()
        for parameter, grad in zip(separate, blocks(whole.grad)):
            parameter.grad = grad.clone()
        if step == 3:
            # Through a file of plain values, into an optimizer that was made without a view.
            file = io.BytesIO()
            torch.save(one.state_dict(), file)
            file.seek(0)
            one = Muon([("qkv", whole)], higher_dims="batch", lr=7.0)
            one.load_state_dict(torch.load(file, weights_only=True))
            assert one.param_groups[0]["view"] == BLOCKS
        one.step()
        many.step()
        assert all(map(torch.equal, blocks(whole.detach()), separate)), step


def test_a_view_by_group_and_a_change_of_it():
    first, second = made(), made()
    optimizer = Muon([{"params": [first], "view": BLOCKS}, {"params": [second], "view": View("boi")}], lr=0.1)
    reference = made()
    other = Muon([reference], lr=0.1, higher_dims="batch")
    for parameter in (first, second, reference):
        parameter.grad = made(1).detach()
    optimizer.step()
    other.step()
    assert torch.equal(second, reference) and not torch.equal(first, second)
    # From here on as one matrix a layer.
    first.data.copy_(second)
    optimizer.state[first]["momentum_buffer"].copy_(optimizer.state[second]["momentum_buffer"])
    optimizer.param_groups[0]["view"] = View("boi")
    optimizer.step()
    assert torch.equal(first, second)


def test_state_dicts_are_copies_and_older_ones_load():
    whole = made()
    optimizer = Muon([whole], view=BLOCKS)
    saved = optimizer.state_dict()
    assert saved["param_groups"][0]["view"] == BLOCKS.to_dict()
    assert optimizer.param_groups[0]["view"] == BLOCKS
    del saved["param_groups"][0]["view"]
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["view"] == BLOCKS
    assert copy.deepcopy(optimizer).param_groups[0]["view"] == BLOCKS
    with pytest.raises(UnsupportedError, match="view"):
        optimizer.torch_state_dict()


@pytest.mark.parametrize(
    ("view", "error", "text"),
    [
        ("boi", TypeError, "view: a libmuon.View is expected, not str"),
        (View("oi"), InvalidArgumentError, 'the view of qkv has 2 axes, "oi", for 3 dimensions'),
        ({"axes": 3}, TypeError, "a view's axes: text is expected"),
        ({"shape": [1]}, InvalidArgumentError, "a view: 'axes' is missing"),
    ],
)
def test_bad_views(view, error, text):
    with pytest.raises(error, match=re.escape(text).replace("qkv", ".*qkv")):
        Muon([("qkv", made())], view=view)
    optimizer = Muon([("qkv", made())], view=BLOCKS)
    saved = optimizer.state_dict()
    saved["param_groups"][0]["view"] = view
    with pytest.raises(error):
        optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["view"] == BLOCKS


def test_a_view_that_is_none_is_an_error_of_the_step():
    w = made()
    optimizer = Muon([("qkv", w)], view=BLOCKS)
    w.grad = torch.ones_like(w)
    optimizer.param_groups[0]["view"] = 3
    with pytest.raises(TypeError, match="view: a libmuon.View is expected, not int"):
        optimizer.step()


# ---- Rules, and schedules of other options --------------------------------------------------------


def parameters():
    torch.manual_seed(0)
    shapes = {"wte": (20, WIDTH), "qkvw": (2, 3 * WIDTH, WIDTH), "fcw": (2, 4 * WIDTH, WIDTH),
              "w": (WIDTH, WIDTH), "b": (WIDTH,)}
    return {name: nn.Parameter(torch.randn(shape)) for name, shape in shapes.items()}


CONFIG = {
    "training": {
        "optimizer": "Muon", "learning_rate": 0.1, "weight_decay": 0.1, "n_epochs": 4, "lr_schedule": "linear",
        "momentum_schedule": {"warmup_steps": 5, "decay_steps": 4, "start_factor": 0.85 / 0.95, "end_factor": 0.5},
        "weight_decay_schedule": "cosine",
    },
    "rules": [
        {"match": "wte", "optimizer": "adamw", "options": {"weight_decay": 0}},
        {"match": "qkvw", "view": BLOCKS},
        {"match": "f*", "optimizer": "muon", "options": {"momentum": 0.9}, "view": {"axes": "boi"}},
    ],
}
SETUP = SimpleNamespace(train_dataloader=range(5))


def test_rules_and_schedules_are_those_of_numpy():
    tensors = parameters()
    arrays = [libmuon.Parameter(each.detach().numpy().copy(), name) for name, each in tensors.items()]
    ours, theirs = build_optimizers(tensors, CONFIG), libmuon.build_optimizers(arrays, CONFIG)
    schedules = build_schedulers(ours, CONFIG, SETUP), libmuon.build_schedulers(theirs, CONFIG, SETUP)
    assert [group["view"] for group in ours[0].param_groups] == [BLOCKS, None, View("boi")]
    assert [group["weight_decay"] for group in ours[1].param_groups] == [0.0, 0.1]
    assert len(schedules[0]) == len(schedules[1]) == 5
    rng = np.random.default_rng(0)
    for step in range(20):
        if step == 9:
            saved = copy.deepcopy([[each.state_dict() for each in made] for made in (ours, schedules[0])])
            ours = build_optimizers(tensors, CONFIG)
            schedules = build_schedulers(ours, CONFIG, SETUP), schedules[1]
            for made, states in zip((ours, schedules[0]), saved):
                for each, state in zip(made, states):
                    each.load_state_dict(state)
        for tensor, array in zip(tensors.values(), arrays):
            array.grad = rng.standard_normal(array.shape, np.float32)
            tensor.grad = torch.from_numpy(array.grad.copy())
        for each in (*ours, *theirs):
            each.step()
        for each in (*schedules[0], *schedules[1]):
            each.step()
        momenta = {group["momentum"] for group in ours[0].param_groups}
        assert momenta == {group["momentum"] for group in theirs[0].param_groups}
        for tensor, array in zip(tensors.values(), arrays):
            # torch's own LinearLR is a few roundings away.
            assert np.allclose(tensor.detach().numpy(), array.data, rtol=0, atol=1e-6), step


def test_bad_rules_have_a_path():
    for rules, text in (
        ([{"match": "wte", "view": {"axes": "boi"}}], "rules[0].view: the view of parameter wte has 3 axes"),
        ([{"match": "b", "optimizer": "muon"}], "rules[0]: parameter b has shape"),
        ([{"match": 1}], "rules[0].match: expected text"),
        ([3], "rules[0]: expected an object"),
        ({"match": "b"}, "rules: expected a list"),
    ):
        with pytest.raises(ConfigError, match=re.escape(text)):
            build_optimizers(parameters(), {**CONFIG, "rules": rules})


def test_parameters_without_names_follow_their_numbers():
    config = {**CONFIG, "rules": [{"match": "param1", "view": View("oi", shape=(-1, WIDTH))}]}
    muon, adamw = build_optimizers([*parameters().values()], config)
    assert [len(group["params"]) for group in muon.param_groups] == [2, 1]
    assert [group["view"] for group in muon.param_groups] == [None, View("oi", shape=(-1, WIDTH))]
    assert "param_names" not in muon.param_groups[0]
    assert len(adamw.param_groups[0]["params"]) == 2
    # In messages too, whatever order the views have made of them.
    params = [*parameters().values()]
    muon, adamw = build_optimizers(params, {**config, "rules": [{"match": "param0", "view": View("io")}, *config["rules"]]})
    assert [len(group["params"]) for group in muon.param_groups] == [1, 1, 1]
    params[3].grad = torch.full((WIDTH, WIDTH), torch.nan)
    with pytest.raises(libmuon.NonFiniteGradientError, match="param3"):
        muon.step()


def test_adamw_ignores_the_views_of_rules():
    config = {"training": {**CONFIG["training"], "optimizer": "AdamW"}, "rules": [{"match": "w", "view": View("boi")}]}
    [adamw] = build_optimizers(parameters(), config)
    assert len(adamw.param_groups) == 1 and "view" not in adamw.param_groups[0]
