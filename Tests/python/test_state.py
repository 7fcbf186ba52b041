"""state_dict: resuming is exact to the bit, and what does not fit changes nothing."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import libmuon
from libmuon import AdamW, Muon

SHAPES = [(5, 7), (8, 3), (4, 4)]


def make(kind, start, lr=0.05):
    weights = [each.copy() for each in start]
    groups = [{"params": weights[:2], "lr": lr}, {"params": weights[2:], "weight_decay": 0.25}]
    return kind(groups, lr=lr / 2), weights


def gradients(seed):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape, dtype=np.float32) for shape in SHAPES]


def same(one, two):
    """Equality of nested dicts with arrays, to the bit."""
    assert type(one) is type(two)
    if isinstance(one, dict):
        assert one.keys() == two.keys()
        for key in one:
            same(one[key], two[key])
    elif isinstance(one, np.ndarray):
        assert one.dtype == two.dtype and one.shape == two.shape
        assert one.tobytes() == two.tobytes()
    else:
        assert one == two


@pytest.fixture(params=[Muon, AdamW])
def kind(request):
    return request.param


@pytest.fixture
def trained(kind, rng):
    start = [rng.standard_normal(shape, dtype=np.float32) for shape in SHAPES]
    optimizer, weights = make(kind, start)
    for seed in range(5):
        optimizer.step(gradients(seed))
    return optimizer, weights


def test_layout(kind, trained):
    state = trained[0].state_dict()
    assert state["kind"] == kind.__name__
    names = {"momentum_buffer"} if kind is Muon else {"exp_avg", "exp_avg_sq"}
    assert set(state["state"]) == {0, 1, 2}
    for shape, each in zip(SHAPES, state["state"].values()):
        assert set(each) == {*names, "step"} and each["step"] == 5
        for name in names:
            assert each[name].shape == shape and each[name].dtype == np.float32
            assert each[name].any()
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2]]
    assert [group["lr"] for group in state["param_groups"]] == [0.05, 0.025]


def test_it_is_a_copy(kind, trained):
    optimizer, _ = trained
    before = optimizer.state_dict()
    optimizer.step(gradients(9))
    after = optimizer.state_dict()
    for array in (each for state in before["state"].values() for each in state.values()):
        if isinstance(array, np.ndarray):
            array[...] = 7
    same(after, optimizer.state_dict())


@pytest.mark.parametrize("through", [lambda x: x, lambda x: pickle.loads(pickle.dumps(x))])
def test_resuming_is_exact(kind, trained, through):
    optimizer, weights = trained
    resumed, copies = make(kind, weights, lr=9.0)
    resumed.load_state_dict(through(optimizer.state_dict()))
    same(resumed.state_dict(), optimizer.state_dict())
    for seed in range(10, 15):
        optimizer.step(gradients(seed))
        resumed.step(gradients(seed))
    same(resumed.state_dict(), optimizer.state_dict())
    for one, two in zip(weights, copies):
        assert one.tobytes() == two.tobytes()


def test_options_travel():
    rows = [(3.0, -3.2, 1.2), (2.0, -1.5, 0.5)]
    one = Muon([np.ones((2, 3), np.float32)], coefficients=rows, nesterov=False, lr=0.5)
    libmuon.LinearLR(one)
    two = Muon([np.ones((2, 3), np.float32)])
    two.load_state_dict(one.state_dict())
    assert two.param_groups[0]["coefficients"] == rows
    assert two.param_groups[0]["initial_lr"] == 0.5
    same(two.state_dict(), one.state_dict())
    # And back again, to a backend without coefficients.
    two.load_state_dict(Muon([np.ones((2, 3), np.float32)]).state_dict())
    assert two.param_groups[0]["backend"] == "newtonschulz5"
    assert two.param_groups[0]["initial_lr"] is None


def damage_kind(state):
    state["kind"] = "SGD"


def damage_missing(state):
    del state["state"]


def damage_groups(state):
    state["param_groups"].pop()


def damage_params(state):
    state["param_groups"][0]["params"] = [0]


def damage_order(state):
    state["param_groups"][0]["params"] = [1, 0]


def damage_count(state):
    del state["state"][2]


def damage_extra(state):
    state["state"][3] = state["state"][2]


def damage_option(state):
    del state["param_groups"][1]["weight_decay"]


def damage_foreign_option(state):
    state["param_groups"][1]["amsgrad"] = False


def damage_value(state):
    state["param_groups"][1]["lr"] = -1.0


def damage_option_type(state):
    state["param_groups"][1]["eps"] = "small"


def damage_buffer(state):
    state["state"][2].popitem()


def damage_step(state):
    state["state"][2]["step"] = -1


def damage_step_type(state):
    state["state"][2]["step"] = 1.5


def damage_all_groups(state):
    state["param_groups"] = 5


def damage_one_group(state):
    state["param_groups"][0] = None


def damage_group_params(state):
    state["param_groups"][0]["params"] = None


def damage_all_states(state):
    state["state"] = [1]


def damage_one_state(state):
    state["state"][0] = None


def damage_initial_lr(state):
    state["param_groups"][0]["initial_lr"] = float("nan")


def first_buffer(state):
    return next(iter(state["state"][2]))


def damage_shape(state):
    state["state"][2][first_buffer(state)] = np.zeros((2, 8), np.float32)


def damage_dtype(state):
    state["state"][2][first_buffer(state)] = np.zeros(SHAPES[2])


def damage_array(state):
    state["state"][2][first_buffer(state)] = [0.0]


@pytest.mark.parametrize(
    "damage", [value for name, value in sorted(globals().items()) if name.startswith("damage_")]
)
def test_what_does_not_fit_changes_nothing(kind, trained, damage):
    optimizer, _ = trained
    before = optimizer.state_dict()
    state = make(kind, [np.ones(shape, np.float32) for shape in SHAPES], lr=9.0)[0].state_dict()
    optimizer.load_state_dict(state)
    optimizer.load_state_dict(before)
    damage(state)
    with pytest.raises((ValueError, TypeError), match="state_dict|lr|momentum|betas|eps|step"):
        optimizer.load_state_dict(state)
    same(optimizer.state_dict(), before)


@pytest.mark.parametrize("state", [None, 5, "x", []])
def test_what_is_no_state_is_named(trained, state):
    with pytest.raises(TypeError, match=f"state_dict: a dict is expected, not {state!r}".replace("[", r"\[")):
        trained[0].load_state_dict(state)


def test_a_state_of_any_layout_can_be_loaded(kind, trained):
    optimizer, _ = trained
    state = optimizer.state_dict()
    expected = pickle.loads(pickle.dumps(state))
    for each in state["state"].values():
        for name in each:
            if name != "step":
                each[name] = np.asfortranarray(each[name])
    resumed, _ = make(kind, [np.ones(shape, np.float32) for shape in SHAPES])
    resumed.load_state_dict(state)
    same(resumed.state_dict(), expected)
