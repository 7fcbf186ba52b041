"""Builders: rules by name, and schedules of other options."""

from __future__ import annotations

import fnmatch
import re

import numpy as np
import pytest
from test_builders import names, setup, training, zeros

import libmuon
from libmuon import (
    ConfigError,
    Muon,
    Parameter,
    View,
    build_optimizers,
    build_schedulers,
    route_params,
)


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
