"""Training with MuonWithAdamW is saved and resumed, and its copies go on."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from libmuon.torch import MuonWithAdamW
from small_model import assert_equal, made, saved, train, values


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_training_resumes_to_the_bit(dtype):
    one, two = made().to(dtype), made(seed=1).to(dtype)
    first, second = MuonWithAdamW(one, lr=0.01), MuonWithAdamW(two, lr=0.5)
    train(one, [first], 4)
    two.load_state_dict(one.state_dict())
    second.load_state_dict(saved(first))
    assert [group["lr"] for group in second.param_groups] == [0.01, 0.01]
    for each in (one, two):
        train(each, [first if each is one else second], 4, first=4)
    assert_equal(values(one), values(two))
    states = (each.state_dict()["state"].values() for each in (first, second))
    for own, other in zip(*states):
        assert_equal(own, other)


def test_hooks_of_the_state_dict():
    module, calls = made(), []
    optimizer = MuonWithAdamW(module, lr=0.01)
    train(module, [optimizer], 1)
    optimizer.register_state_dict_post_hook(lambda _, state: {**state, "note": 7})
    state = optimizer.state_dict()
    assert state["note"] == 7

    def halve(_, state_dict):
        calls.append("before")
        groups = [{**group, "lr": group["lr"] / 2} for group in state_dict["param_groups"]]
        return {**state_dict, "param_groups": groups}

    def look(loaded):
        calls.append([group["lr"] for group in loaded.param_groups])
        assert len(loaded.state) == len([*module.parameters()])

    optimizer.register_load_state_dict_pre_hook(halve)
    optimizer.register_load_state_dict_post_hook(look)
    optimizer.load_state_dict(state)
    assert calls == ["before", [0.005, 0.005]]


def broken(state, how):
    if how == "kinds":
        state["param_groups"].reverse()
    elif how == "groups":
        state["param_groups"].pop()
    elif how == "count":
        state["param_groups"][1]["params"].pop()
    elif how == "option":
        state["param_groups"][1]["lr"] = -1.0
    elif how == "shape":
        last = state["param_groups"][1]["params"][-1]
        state["state"][last]["exp_avg"] = torch.zeros(3)
    return state


MISFITS = {
    "kinds": "state_dict: param_groups of",
    "groups": "state_dict: param_groups of",
    "count": "size of optimizer's group",
    "option": "lr",
    "shape": "shape",
}


@pytest.mark.parametrize("how", MISFITS)
def test_a_state_dict_that_does_not_fit_changes_nothing(how):
    one, two = made(), made()
    other = made(seed=1)
    source = MuonWithAdamW(other)
    train(other, [source], 3)
    optimizer, twin = MuonWithAdamW(two, lr=0.01), MuonWithAdamW(one, lr=0.01)
    for model, each in ((one, twin), (two, optimizer)):
        train(model, [each], 2)
    with pytest.raises(ValueError, match=MISFITS[how]):
        optimizer.load_state_dict(broken(copy.deepcopy(source.state_dict()), how))
    for model, each in ((one, twin), (two, optimizer)):
        train(model, [each], 2, first=2)
    assert_equal(values(one), values(two))
    optimizer.load_state_dict(source.state_dict())


def test_copies_and_pickles_go_on():
    module = made()
    optimizer = MuonWithAdamW(module, lr=0.01, nonfinite="skip")
    train(module, [optimizer], 2)
    copies = [
        copy.deepcopy((module, optimizer)),
        pickle.loads(pickle.dumps((module, optimizer))),
    ]
    train(module, [optimizer], 3, first=2)
    for other, twin in copies:
        assert twin.routes == optimizer.routes
        train(other, [twin], 3, first=2)
        assert_equal(values(module), values(other))
        named = [("w", nn.Parameter(torch.ones(2, 2)))]
        twin.add_param_group({"params": named, "optimizer": "Muon"})
        assert twin.param_groups[2]["lr"] == 0.01
