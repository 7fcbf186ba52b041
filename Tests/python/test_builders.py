"""Builders: routing, configurations good and bad, schedulers."""

from __future__ import annotations

import fnmatch
import json
import math
import re
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
    View,
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


# ---- Rules ----------------------------------------------------------------------------------------


def llm_c():
    """Some of the parameters of llm.c, with stacked layers."""
    layers, width = 2, 4
    shapes = {
        "wte": (9, width), "ln1w": (layers, width), "ln1b": (layers, width),
        "qkvw": (layers, 3 * width, width), "qkvb": (layers, 3 * width),
        "fcw": (layers, 4 * width, width), "fcb": (layers, 4 * width),
    }
    return [Parameter(zeros(*shape), name) for name, shape in shapes.items()]


RULES = [
    {"match": "ln*", "optimizer": "adamw"},
    {"match": "wte", "optimizer": "adamw", "options": {"weight_decay": 0}},
    {"match": "qkvw", "view": View("boi", split=(1, (4, 4, 4)))},
    {"match": "*[!b]", "optimizer": "muon", "options": {"momentum": 0.8}, "view": {"axes": "boi"}},
    {"match": "*b", "optimizer": "adamw", "options": {"weight_decay": 0}},
]


def test_rules():
    params = llm_c()
    params.insert(2, Parameter(zeros(4), "ln"))
    config = {**training(weight_decay=0.5), "rules": RULES}
    routes = {route.name: route for route in route_params(params, config)}
    assert routes["wte"].optimizer == "AdamW" and routes["wte"].reason.endswith("(rules[1])")
    assert routes["qkvw"].optimizer == "Muon" and routes["qkvw"].reason.endswith("(rules[2])")
    muon, adamw = build_optimizers(params, config)
    assert names(muon) == ["qkvw", "fcw"]
    assert [group["momentum"] for group in muon.param_groups] == [0.95, 0.8]
    assert [each.name for each in muon.param_groups[1]["params"]] == ["fcw"]
    assert names(adamw) == ["wte", "qkvb", "fcb", "ln1w", "ln", "ln1b"]
    assert [group["weight_decay"] for group in adamw.param_groups] == [0.0, 0.5]
    assert adamw.param_groups[1]["params"][1] is params[2]


def test_parameters_without_names_and_with_the_same():
    params = [zeros(2, 2), Parameter(zeros(3, 3), "w"), Parameter(zeros(4, 4), "w"), zeros(5, 5)]
    config = {**training(), "rules": [{"match": "w", "optimizer": "muon", "options": {"lr": 1}},
                                      {"match": "param3", "optimizer": "adamw"}]}
    muon, adamw = build_optimizers(params, config)
    assert [each.shape for each in muon.parameters] == [(2, 2), (3, 3), (4, 4)]
    assert [each.shape for each in adamw.parameters] == [(5, 5)]
    muon.step([np.ones(each.shape, np.float32) for each in muon.parameters])


def test_views_of_rules_are_those_of_parameters():
    rng, width = np.random.default_rng(0), 4
    values, grads = (rng.standard_normal((2, 3 * width, width), np.float32) for _ in range(2))
    config = {**training(), "rules": RULES}
    [muon] = build_optimizers({"qkvw": values.copy()}, config)
    viewed = Muon([Parameter(values.copy(), "qkvw", view=RULES[2]["view"])], lr=0.1)
    for optimizer in (muon, viewed):
        optimizer.step([grads])
    assert np.array_equal(muon.parameters[0].data, viewed.parameters[0].data)


def test_patterns_are_those_of_fnmatch():
    rng = np.random.default_rng(0)
    letters = np.array([*"ab-]![*?."])

    def text(longest):
        return "".join(rng.choice(letters, rng.integers(0, longest)))

    # A byte of UTF-8 and a letter of two.
    known = [text(6) for _ in range(150)] + ["é", "aé", "\\", "^"]
    for _ in range(150):
        pattern = text(9) + rng.choice(["", "é", "\\", "[^a]"])
        config = {**training(), "rules": [{"match": pattern, "optimizer": "adamw"}]}
        params = [(name, zeros(1, 1)) for name in known]
        found = [route.optimizer == "AdamW" for route in route_params(params, config)]
        assert found == [fnmatch.fnmatchcase(name, pattern) for name in known], pattern


def warnings_of(caplog, params, config):
    caplog.clear()
    build_optimizers(params, config)
    return [record.getMessage() for record in caplog.records]


def test_rules_that_say_nothing_are_told(caplog):
    rules = [*RULES, {"match": "zz*"}, {"match": "fcw"}]
    assert warnings_of(caplog, llm_c(), {**training(), "rules": rules[:-2]}) == []
    said = warnings_of(caplog, llm_c(), {**training(), "rules": rules})
    assert said == [
        'rules[5]: "zz*" matches no parameter',
        'rules[6]: rules before it match all that "fcw" matches',
    ]
    assert warnings_of(caplog, {"a": zeros(2)}, {**training(), "rules": [{"match": "b"}]}) != []


def test_names_and_shapes_on_the_wrong_side_are_told(caplog):
    muon, adamw = warnings_of(caplog, llm_c(), training())
    assert muon.startswith('Muon gets "wte", "ln1w", "ln1b", "qkvb", "fcb": embeddings')
    assert adamw.startswith('AdamW gets "qkvw", "fcw": ')
    assert warnings_of(caplog, llm_c(), training(optimizer="AdamW")) == []
    hidden = {
        "h.0.attn.weight": zeros(3, 3), "h.0.fcb": zeros(3, 3), "h.0.bias": zeros(3), "w": zeros(3, 3),
        "lnx": zeros(3, 3), "conv": zeros(3, 1, 3),
    }
    assert warnings_of(caplog, hidden, training()) == []
    [many] = warnings_of(caplog, {f"ln_{i}.weight": zeros(2, 2) for i in range(9)}, training())
    assert '"ln_5.weight" and 3 more: ' in many


def test_no_rule_is_lost():
    rules = [{"match": f"p{i}", "optimizer": "adamw", "options": {"lr": i + 1}} for i in range(2000)]
    [adamw] = build_optimizers({"p1999": zeros(2), "p5": zeros(2)}, {**training(), "rules": rules})
    assert [group["lr"] for group in adamw.param_groups] == [2000.0, 6.0]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"match": "a"}, "rules: expected a list, found something else"),
        ([{"match": "a", "optimizer": "sgd"}], 'rules[0].optimizer: unknown value "sgd"'),
        ([{"match": "a", "optimizer": "muon", "options": {"lr": -1}}], "rules[0].options.lr must be"),
        ([{"match": "w", "view": View("boi")}], 'rules[0].view: the view of parameter w has 3 axes'),
        ([{"match": "w", "view": np}], "rules[0].view: expected an object"),
    ],
)
def test_bad_rules(rules, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        build_optimizers({"w": zeros(2, 2)}, {**training(), "rules": rules})


# ---- Schedules of other options -------------------------------------------------------------------


def test_schedules_of_momentum_and_weight_decay():
    config = training(
        weight_decay=0.5, n_epochs=2, weight_decay_schedule="cosine",
        momentum_schedule={"warmup_steps": 4, "decay_steps": 2, "start_factor": 0.5, "end_factor": 0.25},
    )
    optimizers = build_optimizers({"b": zeros(2), "w": zeros(2, 2)}, config)
    schedulers = build_schedulers(optimizers, config, setup(5))
    assert [each.optimizer.kind for each in schedulers] == ["Muon", "AdamW", "Muon", "Muon", "AdamW"]
    one = Muon([zeros(2, 2)], weight_decay=0.5)
    momentum = libmuon.Trapezoid(one, 4, 2, 10, 0.5, 0.25, option="momentum")
    decay = libmuon.CosineAnnealingLR(one, 10, option="weight_decay")
    for _ in range(12):
        for key in ("momentum", "weight_decay"):
            assert optimizers[0].param_groups[0][key] == one.param_groups[0][key]
        assert optimizers[1].param_groups[0]["weight_decay"] == one.param_groups[0]["weight_decay"]
        for each in (*schedulers, momentum, decay):
            each.step()
    # What is none is foreign, and left alone.
    plain = training(n_epochs=2, schedule={"a": {"b\0": 1}}, momentum_schedule=None)
    assert len(build_schedulers(optimizers, plain, setup(5))) == 2


def test_rules_resume_and_other_views_are_a_mismatch(tmp_path):
    rng = np.random.default_rng(0)
    config = {**training(weight_decay=0.5, n_epochs=2, momentum_schedule="cosine"), "rules": RULES}

    def start(config=config):
        params = llm_c()
        for number, param in enumerate(params):
            param.data[:] = np.random.default_rng(number).standard_normal(param.shape)
        optimizers = build_optimizers(params, config)
        return params, optimizers, build_schedulers(optimizers, config, setup(5))

    def train(params, optimizers, schedulers, steps):
        for _ in range(steps):
            for param in params:
                param.grad = rng.standard_normal(param.shape, np.float32)
            for each in (*optimizers, *schedulers):
                each.step()

    run = start()
    train(*run, 3)
    libmuon.checkpoint.save(tmp_path / "run", run[1], run[2])
    state = rng.bit_generator.state
    train(*run, 3)
    resumed = start()
    libmuon.checkpoint.load(tmp_path / "run", resumed[1], resumed[2])
    rng.bit_generator.state = state
    train(*resumed, 3)
    for one, other in zip(run[0], resumed[0]):
        assert np.array_equal(one.data, other.data), one.name
    for view in ({"axes": "boi"}, {"axes": "bio"}):
        rules = [{**each, "view": view} if each["match"] == "qkvw" else each for each in RULES]
        other = start({**config, "rules": rules})
        with pytest.raises(libmuon.MismatchError, match="qkvw.*view|view.*qkvw"):
            libmuon.checkpoint.load(tmp_path / "run", other[1], other[2])
