"""Builders: routing, configurations good and bad, schedulers."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

import libmuon
import reference
from libmuon import (
    AdamW,
    ConfigError,
    Muon,
    Parameter,
    build_optimizers,
    build_schedulers,
    route_params,
)
from libmuon._config import config_text


def training(**changes):
    return {"training": {"optimizer": "Muon", "learning_rate": 0.1, **changes}}


def zeros(*shape):
    return np.zeros(shape, np.float32)


def setup(batches):
    return SimpleNamespace(train_dataloader=range(batches))


@pytest.fixture
def model():
    return [
        Parameter(zeros(3, 4), "hidden.weight"),
        Parameter(zeros(4), "hidden.bias"),
        Parameter(zeros(5, 4), "frozen.weight", requires_grad=False),
        Parameter(zeros(2, 3, 2), "conv.weight"),
        Parameter(np.arange(6).reshape(2, 3), "counts"),
        Parameter(zeros(), "gain"),
        Parameter(zeros(4, 3), "head.weight"),
        Parameter(np.zeros((2, 2)), "table", requires_grad=False),
    ]


def names(optimizer):
    return [parameter.name for parameter in optimizer.parameters]


def test_routing(model):
    muon, adamw = build_optimizers(model, training())
    assert type(muon) is Muon and type(adamw) is AdamW
    assert names(muon) == ["hidden.weight", "head.weight"]
    assert names(adamw) == ["hidden.bias", "conv.weight", "gain"]
    assert muon.parameters[0] is model[0]


def test_routing_to_adamw_alone(model):
    (adamw,) = build_optimizers(model, training(optimizer="AdamW"))
    assert type(adamw) is AdamW
    assert names(adamw) == ["hidden.weight", "hidden.bias", "conv.weight", "gain", "head.weight"]


def test_routing_is_explained(model):
    routes = route_params(model, training())
    assert [(route.name, route.shape, route.optimizer) for route in routes] == [
        ("hidden.weight", (3, 4), "Muon"),
        ("hidden.bias", (4,), "AdamW"),
        ("frozen.weight", (5, 4), "none"),
        ("conv.weight", (2, 3, 2), "AdamW"),
        ("counts", (2, 3), "none"),
        ("gain", (), "AdamW"),
        ("head.weight", (4, 3), "Muon"),
        ("table", (2, 2), "none"),
    ]
    reasons = {route.name: route.reason for route in routes}
    assert len({reasons[each] for each in ("hidden.weight", "hidden.bias", "counts", "gain")}) == 3
    assert reasons["frozen.weight"] == reasons["table"]
    assert "gradient" in reasons["frozen.weight"] and "float" in reasons["counts"]
    for route in routes:
        line = str(route)
        assert "\n" not in line
        for part in (route.name, str(route.shape), route.optimizer, route.reason):
            assert part in line
    assert route_params([zeros(2, 2)], training())[0].name == "param0"


def test_an_empty_side_makes_no_optimizer():
    assert [type(each) for each in build_optimizers([zeros(2, 2)], training())] == [Muon]
    assert [type(each) for each in build_optimizers([zeros(2)], training())] == [AdamW]
    assert build_optimizers([], training()) == []
    assert build_optimizers([Parameter(zeros(2), requires_grad=False)], training()) == []


def test_what_model_params_may_be():
    def built(params):
        return [name for each in build_optimizers(params, training()) for name in names(each)]

    assert built({"w": zeros(2, 2), "b": Parameter(zeros(2))}) == ["w", "b"]
    assert built(iter([("b", zeros(2)), ("w", zeros(2, 2))])) == ["w", "b"]
    assert built([zeros(2, 2), zeros(2)]) == ["param0", "param1"]


def test_options_are_the_configurations():
    params = {"w": zeros(2, 2), "b": zeros(2)}
    muon, adamw = (
        each.param_groups[0].options()
        for each in build_optimizers(params, training(weight_decay=0.5))
    )
    expected = Muon([zeros(2, 2)], lr=0.1, weight_decay=0.5).param_groups[0].options()
    assert {**muon, "backend_steps": None} == expected
    assert muon["backend_steps"] in (None, 5)
    assert adamw == {"lr": 0.1, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.5, "cautious_weight_decay": False}


def test_sections_override_training():
    config = {
        **training(weight_decay=0.5),
        "muon": {
            "lr": 0.2,
            "momentum": 0.8,
            "nesterov": False,
            "momentum_style": "ema",
            "weight_decay": 0.25,
            "eps": 1e-6,
            "coefficients": [[3, -3.2, 1.2], (2, -1.5, 0.5)],
            "backend": "custom",
            "backend_steps": 4,
            "shape_scale": "original",
            "precision": "f32",
            "method": "standard",
            "update_scale": 2.5,
            "cautious_weight_decay": True,
            "second_moment": "normuon_long",
            "beta2": 0.9,
            "hyperball": False,
        },
        "adamw": {
            "lr": 0.3,
            "betas": [0.8, 0.9],
            "eps": 1e-4,
            "weight_decay": 0.125,
            "cautious_weight_decay": True,
        },
    }
    muon, adamw = build_optimizers({"w": zeros(2, 2), "b": zeros(2)}, config)
    assert muon.param_groups[0].options() == {
        **config["muon"],
        "coefficients": [(3, -3.2, 1.2), (2, -1.5, 0.5)],
    }
    assert adamw.param_groups[0].options() == {**config["adamw"], "betas": (0.8, 0.9)}


def test_built_optimizers_train_like_the_others(rng):
    start = {"w": rng.standard_normal((6, 9), dtype=np.float32), "b": np.ones(6, np.float32)}
    model = {name: Parameter(array.copy(), name) for name, array in start.items()}
    model["w"].grad = zeros(6, 9)  # bound while it is built
    optimizers = build_optimizers(model, training(weight_decay=0.01))
    muon = reference.Muon(start["w"], lr=0.1, weight_decay=0.01)
    adamw = reference.AdamW(start["b"], lr=0.1, betas=(0.9, 0.95), weight_decay=0.01)
    for _ in range(20):
        model["w"].grad[...] = rng.standard_normal((6, 9), dtype=np.float32)
        model["b"].grad = rng.standard_normal(6).astype(np.float32)
        muon.step(model["w"].grad)
        adamw.step(model["b"].grad)
        for each in optimizers:
            each.step()
    assert reference.error(model["w"].data, muon.p) <= 1e-5
    assert reference.error(model["b"].data, adamw.p) <= 1e-5
    assert optimizers[0].defaults["lr"] == 0.1
    optimizers[0].add_param_group({"params": zeros(3, 3)})
    assert optimizers[0].param_groups[1]["weight_decay"] == 0.01


BAD = [
    ({}, "training"),
    ({"training": None}, "training"),
    ({"training": []}, "training"),
    ({"training": SimpleNamespace(optimizer="Muon")}, "training"),
    ({"training": {"learning_rate": 0.1}}, "training.optimizer"),
    ({"training": {"optimizer": "Muon"}}, "training.learning_rate"),
    (training(optimizer="SGD"), "training.optimizer"),
    (training(optimizer=3), "training.optimizer"),
    (training(optimizer=Muon), "training.optimizer"),
    (training(learning_rate="0.1"), "training.learning_rate"),
    (training(learning_rate=True), "training.learning_rate"),
    (training(learning_rate=-0.1), "training.learning_rate"),
    (training(learning_rate=float("nan")), "training.learning_rate"),
    (training(learning_rate=np.float32("inf")), "training.learning_rate"),
    (training(learning_rate=np.zeros(2)), "training.learning_rate"),
    (training(weight_decay=[0.1]), "training.weight_decay"),
    ({**training(), "muon": {"momentun": 0.9}}, "muon.momentun"),
    ({**training(), "muon": {"lr": "0.1"}}, "muon.lr"),
    ({**training(), "muon": {"momentum": 1.5}}, "muon.momentum"),
    ({**training(), "muon": {"backend": "newton"}}, "muon.backend"),
    ({**training(), "muon": {"backend_steps": 2.5}}, "muon.backend_steps"),
    ({**training(), "muon": {"nesterov": "yes"}}, "muon.nesterov"),
    ({**training(), "muon": {"coefficients": [[1, 2]]}}, "muon.coefficients"),
    ({**training(), "muon": {"coefficients": 3}}, "muon.coefficients"),
    ({**training(), "muon": {1: 2}}, "muon.1"),
    ({**training(), "muon": 3}, "muon"),
    ({**training(), "adamw": {"beta1": 0.9}}, "adamw.beta1"),
    ({**training(), "adamw": {"betas": [0.9]}}, "adamw.betas"),
    ({**training(), "adamw": {"betas": [0.9, "a"]}}, "adamw.betas"),
    ({**training(), "adamw": {"eps": object()}}, "adamw.eps"),
]


@pytest.mark.parametrize(("config", "path"), BAD, ids=[f"{i}-{p}" for i, (_, p) in enumerate(BAD)])
def test_bad_configurations_name_the_path(config, path):
    with pytest.raises(ConfigError) as caught:
        build_optimizers([zeros(2, 2), zeros(2)], config)
    assert path in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_a_configuration_is_a_dict():
    for wrong in (None, "{}", []):
        with pytest.raises(ConfigError):
            build_optimizers([zeros(2)], wrong)


def test_what_json_cannot_say_does_not_matter_where_it_is_not_ours():
    circular = {"name": "loop"}
    circular["self"] = circular
    config = training(
        learning_rate=np.float32(0.5),
        weight_decay=np.int64(0),
        device=object(),
        nan=float("nan"),
        huge=10**400,
        surrogate="\udcff",
        keys={1: 2, None: 3, (1, 2): {4}},
        loop=circular,
        bytes=b"\xff",
        array=np.zeros((3, 3)),
        flag=np.bool_(True),
        callback=lambda: None,
        text='"quoted"\n\0ü',
        nothing=None,
    )
    config["model"] = circular
    config[5] = object()
    muon, adamw = build_optimizers([zeros(2, 2), zeros(2)], config)
    assert muon.param_groups[0]["lr"] == adamw.param_groups[0]["lr"] == 0.5


def test_the_text_is_plain_json_of_our_sections():
    training = {"huge": 10**400, "surrogate": "\udcff", "nan": float("nan"), "one": np.float32(1)}
    text = config_text({"training": training, "adamw": {}, "model": object(), 5: 6}).decode()
    sections = json.loads(text, parse_constant=pytest.fail)
    assert set(sections) == {"training", "adamw"}
    assert sections["training"]["one"] == 1
    assert sections["training"]["huge"] == "int"
    assert sections["training"]["surrogate"].encode() == b"\\udcff"


def test_what_is_not_ours_is_not_looked_into():
    class Secret:
        def __repr__(self):
            raise RuntimeError("repr")

    class Endless(list):
        def __iter__(self):
            raise RuntimeError("iter")

    config = training(secret=Secret(), endless=Endless("x"), keys={Secret(): 1})
    config["training"][Secret()] = 1
    muon, _ = build_optimizers([zeros(2, 2), zeros(2)], config)
    assert muon.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize("kind", [np.array, tuple, list])
def test_coefficients_are_any_list(kind):
    config = {**training(), "muon": {"coefficients": kind([(3, -3.2, 1.2), (2, -1.5, 0.5)])}}
    muon, _ = build_optimizers([zeros(2, 2), zeros(2)], config)
    assert muon.param_groups[0]["coefficients"] == [(3, -3.2, 1.2), (2, -1.5, 0.5)]


def test_an_endless_list_is_too_long():
    with pytest.raises(ConfigError, match="1 to 99 rows, got 1000"):
        build_optimizers(
            [zeros(2, 2)], {**training(), "muon": {"coefficients": [(3, -3.2, 1.2)] * 10**6}})


def test_an_absent_value_is_null_too():
    config = {**training(weight_decay=None), "muon": None, "adamw": {"eps": None}}
    muon, _ = build_optimizers([zeros(2, 2), zeros(2)], config)
    assert muon.param_groups[0]["weight_decay"] == 0


def test_unusable_parameters_are_named():
    parameter = Parameter(np.zeros((2, 2)), "table", requires_grad=False)
    parameter.requires_grad = True
    with pytest.raises(libmuon.DTypeError, match="'table'"):
        build_optimizers([parameter], training())
    array = zeros(2, 2)
    with pytest.raises(libmuon.InvalidArgumentError):
        build_optimizers([("a", array), ("b", array)], training())


# ---- Schedulers


def optimizers():
    return build_optimizers([zeros(2, 2), zeros(2)], training())


def rates(scheduler, count):
    found = []
    for _ in range(count):
        found.append(scheduler.get_last_lr()[0])
        scheduler.step()
    return found


@pytest.mark.parametrize("schedule", ["linear", "cosine", "other", None])
@pytest.mark.parametrize("warmup", [0, 4, None])
def test_schedules(schedule, warmup):
    config = training(n_epochs=3, lr_schedule=schedule, warmup_steps=warmup)
    total = 3 * 5

    def main(step):
        if schedule == "linear":
            return 1 + (1e-5 - 1) * min(step, total) / total
        if schedule == "cosine":
            return (1 + math.cos(math.pi * step / total)) / 2
        return 1

    def expected(step):
        if warmup and step < warmup:
            return 1e-5 + (1 - 1e-5) * step / warmup
        return main(step - (warmup or 0))

    pair = optimizers()
    schedulers = build_schedulers(pair, config, setup(5))
    assert [each.optimizer for each in schedulers] == pair
    for each in schedulers:
        assert rates(each, 25) == pytest.approx([0.1 * expected(step) for step in range(25)])
        assert each.last_epoch == 25


def test_built_schedulers_resume():
    config = training(n_epochs=2, lr_schedule="cosine", warmup_steps=3)
    one, two = (build_schedulers(optimizers(), config, setup(10))[0] for _ in range(2))
    rates(one, 8)
    two.load_state_dict(one.state_dict())
    assert rates(two, 20) == rates(one, 20)


def test_built_schedulers_stand_alone():
    pair = optimizers()
    built = build_schedulers(pair, training(n_epochs=1), setup(3))
    with pytest.raises(ValueError, match="build_schedulers"):
        libmuon.ChainedScheduler(built[:1])


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({}, "training.n_epochs"),
        ({"n_epochs": 0}, "training.n_epochs"),
        ({"n_epochs": 1.5}, "training.n_epochs"),
        ({"n_epochs": "3"}, "training.n_epochs"),
        ({"n_epochs": 1, "warmup_steps": -1}, "training.warmup_steps"),
        ({"n_epochs": 1, "warmup_steps": "4"}, "training.warmup_steps"),
    ],
    ids=str,
)
def test_bad_schedules_name_the_path(changes, path):
    pair = optimizers()
    with pytest.raises(ConfigError) as caught:
        build_schedulers(pair, training(**changes), setup(3))
    assert path in str(caught.value)
    assert pair[0].param_groups[0]["initial_lr"] is None


def test_an_epoch_needs_a_batch():
    with pytest.raises(libmuon.MuonError):
        build_schedulers(optimizers(), training(n_epochs=1), setup(0))
