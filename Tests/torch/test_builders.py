"""The torch builders: what goes where, with which options, and schedulers that are torch's own."""

from __future__ import annotations

import copy
import math
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, SequentialLR

import libmuon
from libmuon import ConfigError
from libmuon.torch import AdamW, Muon, build_optimizers, build_schedulers, route_params


def training(**changes):
    return {"training": {"optimizer": "Muon", "learning_rate": 0.1, **changes}}


def setup(batches):
    return SimpleNamespace(train_dataloader=range(batches))


def param(*shape, requires_grad=True, dtype=torch.float32):
    return nn.Parameter(torch.zeros(shape, dtype=dtype), requires_grad=requires_grad)


@pytest.fixture
def model():
    return {
        "hidden.weight": param(3, 4),
        "hidden.bias": param(4),
        "frozen.weight": param(5, 4, requires_grad=False),
        "conv.weight": param(2, 3, 2, 2),
        "counts": param(2, 3, requires_grad=False, dtype=torch.int64),
        "gain": param(),
        "half.weight": param(4, 3, dtype=torch.bfloat16),
    }


MATRICES, REST = ["hidden.weight", "half.weight"], ["hidden.bias", "conv.weight", "gain"]


def is_of(optimizer, model, names):
    """Whether an optimizer has these parameters: the very tensors, in order, in one group."""
    [group] = optimizer.param_groups
    return [*map(id, group["params"])] == [id(model[name]) for name in names]


def test_routing(model):
    muon, adamw = build_optimizers(model.values(), training())
    assert type(muon) is Muon and type(adamw) is AdamW
    assert isinstance(muon, torch.optim.Optimizer) and isinstance(adamw, torch.optim.Optimizer)
    assert is_of(muon, model, MATRICES) and is_of(adamw, model, REST)
    assert "param_names" not in muon.param_groups[0]


@pytest.mark.parametrize("named", [dict, dict.items, lambda model: iter([*model.items()])])
def test_names_are_kept(model, named):
    muon, adamw = build_optimizers(named(model), training())
    assert is_of(muon, model, MATRICES) and is_of(adamw, model, REST)
    assert muon.param_groups[0]["param_names"] == MATRICES
    assert adamw.param_groups[0]["param_names"] == REST


def test_a_generator_is_gone_through_once():
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    muon, adamw = build_optimizers(module.parameters(), training())
    assert [p.shape for p in muon.param_groups[0]["params"]] == [(4, 3), (2, 4)]
    assert [p.shape for p in adamw.param_groups[0]["params"]] == [(4,), (2,)]


def test_adamw_alone(model):
    [adamw] = build_optimizers(model.values(), training(optimizer="AdamW"))
    assert type(adamw) is AdamW
    names = ["hidden.weight", "hidden.bias", "conv.weight", "gain", "half.weight"]
    assert is_of(adamw, model, names)
    assert adamw.param_groups[0]["betas"] == (0.9, 0.95)


def test_an_empty_side_makes_no_optimizer():
    assert [type(each) for each in build_optimizers([param(2, 2)], training())] == [Muon]
    assert [type(each) for each in build_optimizers([param(2)], training())] == [AdamW]
    assert build_optimizers([], training()) == []
    assert build_optimizers([param(2, requires_grad=False)], training()) == []


def test_routing_is_explained_as_for_arrays(model):
    routes = route_params(model, training())
    assert [route.shape for route in routes] == [tuple(p.shape) for p in model.values()]
    assert [route.name for route in routes] == [*model]
    arrays = [
        libmuon.Parameter(
            np.zeros(p.shape, np.float32 if p.is_floating_point() else np.int64),
            name,
            requires_grad=p.requires_grad,
        )
        for name, p in model.items()
    ]
    assert routes == libmuon.route_params(arrays, training())
    assert route_params([param(2, 2)], training())[0].name == "param0"


def test_a_parameter_without_a_name_is_called_the_same_everywhere():
    params = [param(2), param(2, 3), param(3, requires_grad=False), param(4, 4)]
    routes = route_params(params, training())
    for optimizer in build_optimizers(params, training()):
        for other in (optimizer, pickle.loads(pickle.dumps(optimizer))):
            own = [p for group in other.param_groups for p in group["params"]]
            names = [each.name for each in routes if each.optimizer == type(other).__name__]
            assert len(own) == len(names)
            # The one that comes later is not called as one of the builder's.
            added = param(5, 5)
            other.add_param_group({"params": [added]})
            for p, name in zip([*own, added], [*names, "param4"]):
                p.grad = torch.full_like(p, float("nan"))
                with pytest.raises(libmuon.NonFiniteGradientError, match=f"parameter {name} "):
                    other.step()
                p.grad = None
            state = other.state_dict()
            state["state"] = {1 if len(own) > 1 else 0: {}, len(own): {"step": 1}}
            with pytest.raises(libmuon.InvalidArgumentError, match="param4: '"):
                other.load_state_dict(state)


def test_options_are_the_ones_for_arrays():
    config = {
        **training(weight_decay=0.5),
        "muon": {
            "lr": 0.2,
            "momentum": 0.8,
            "nesterov": False,
            "momentum_style": "ema",
            "eps": 1e-6,
            "coefficients": [[3, -3.2, 1.2], (2, -1.5, 0.5)],
            "backend_steps": 4,
            "shape_scale": "original",
            "precision": "f32",
        },
        "adamw": {"lr": 0.3, "eps": 1e-4},
    }
    arrays = {"w": np.zeros((2, 2), np.float32), "b": np.zeros(2, np.float32)}
    for each in (training(weight_decay=0.5), config):
        pairs = zip(
            build_optimizers([param(2, 2), param(2)], each), libmuon.build_optimizers(arrays, each)
        )
        for ours, expected in pairs:
            options = expected.param_groups[0].options()
            assert options.items() <= ours.param_groups[0].items()
    adamw = {"lr": 0.3, "betas": (0.9, 0.95), "eps": 1e-4, "weight_decay": 0.5}
    assert options == {**adamw, "cautious_weight_decay": False}


def test_built_optimizers_train_as_for_arrays():
    """The original's momentum and scale, which are not torch's; the numbers are the library's."""
    generator = torch.Generator().manual_seed(0)
    start = {"w": torch.randn(6, 9, generator=generator), "b": torch.ones(6)}
    tensors = {name: nn.Parameter(value.clone()) for name, value in start.items()}
    arrays = {name: libmuon.Parameter(value.numpy().copy(), name) for name, value in start.items()}
    config = training(weight_decay=0.01, n_epochs=2, warmup_steps=3, lr_schedule="cosine")
    ours = build_optimizers(tensors.values(), config)
    expected = libmuon.build_optimizers(arrays.values(), config)
    schedulers = build_schedulers(ours, config, setup(8))
    schedulers += libmuon.build_schedulers(expected, config, setup(8))
    for _ in range(20):
        for name, tensor in tensors.items():
            tensor.grad = torch.randn(tensor.shape, generator=generator)
            arrays[name].grad = tensor.grad.numpy()
        for each in (*ours, *expected, *schedulers):
            each.step()
    for name, tensor in tensors.items():
        torch.testing.assert_close(
            tensor.detach(), torch.from_numpy(arrays[name].data), rtol=1e-6, atol=1e-6
        )
        assert not torch.equal(tensor, start[name])


def test_many_dimensions():
    many = param(1, 2, 1, 1, 3, 1, 1, 1, 2)
    [adamw] = build_optimizers([many], training())
    many.grad = torch.ones_like(many)
    adamw.step()
    assert (many < 0).all()
    [route] = route_params([many], training())
    assert (route.shape, route.optimizer) == (tuple(many.shape), "AdamW")


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({}, "training"),
        ({"training": {"learning_rate": 0.1}}, "training.optimizer"),
        (training(optimizer="SGD"), "training.optimizer"),
        (training(learning_rate="0.1"), "training.learning_rate"),
        (training(weight_decay=-1), "training.weight_decay"),
        ({**training(), "muon": {"momentun": 0.9}}, "muon.momentun"),
        ({**training(), "muon": {"backend": "newton"}}, "muon.backend"),
        ({**training(), "adamw": {"betas": [0.9]}}, "adamw.betas"),
    ],
    ids=str,
)
def test_bad_configurations_name_the_path(config, path):
    with pytest.raises(ConfigError, match=path):
        build_optimizers([param(2, 2), param(2)], config)


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        (param(2), TypeError, "put a single one into a list"),
        ([param(2), [1.0]], TypeError, "param1.*not list"),
        ([("w", 3)], TypeError, "'w'.*a tensor or a .name, tensor. pair"),
        (nn.LazyLinear(3).parameters(), ValueError, "param0 has no shape yet"),
        ([nn.Sequential(nn.Linear(1, 1))], TypeError, "param0.*not Sequential"),
    ],
    ids=["single", "list", "number", "lazy", "module"],
)
def test_bad_parameters_are_named(params, error, text):
    with pytest.raises(error, match=text):
        build_optimizers(params, training())


# ---- Schedulers


def pair():
    return build_optimizers([param(2, 2), param(2)], training())


def rates(scheduler, optimizer, count):
    found = []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


KINDS = {
    ("linear", 0): LinearLR,
    ("cosine", 0): CosineAnnealingLR,
    (None, 4): LinearLR,
    ("linear", 4): SequentialLR,
    ("cosine", 4): SequentialLR,
    ("other", 4): LinearLR,
    ("other", None): ConstantLR,
    (None, None): ConstantLR,
}


@pytest.mark.parametrize(("schedule", "warmup"), KINDS, ids=str)
def test_schedules(schedule, warmup):
    config = training(n_epochs=3, lr_schedule=schedule, warmup_steps=warmup)
    total = 3 * 5

    def expected(step):
        if warmup and step < warmup:
            return 1e-5 + (1 - 1e-5) * step / warmup
        step -= warmup or 0
        if schedule == "linear":
            return 1 + (1e-5 - 1) * min(step, total) / total
        if schedule == "cosine":
            return (1 + math.cos(math.pi * step / total)) / 2
        return 1

    ours = pair()
    schedulers = build_schedulers(ours, config, setup(5))
    assert [type(each) for each in schedulers] == [KINDS[schedule, warmup]] * 2
    assert [each.optimizer for each in schedulers] == ours
    # The library's, for arrays, give the same.
    arrays = [np.zeros((2, 2), np.float32)]
    [array] = libmuon.build_optimizers(arrays, config)
    [librarys] = libmuon.build_schedulers([array], config, setup(5))
    librarys_rates = rates(librarys, SimpleNamespace(
        param_groups=array.param_groups, step=lambda: None), 30)
    for scheduler, optimizer in zip(schedulers, ours):
        found = rates(scheduler, optimizer, 30)
        assert found == pytest.approx([0.1 * expected(step) for step in range(30)], rel=1e-12)
        assert found == pytest.approx(librarys_rates, rel=1e-12)


def test_schedulers_resume_with_torchs_state_dict():
    config = training(n_epochs=2, lr_schedule="cosine", warmup_steps=3)
    first, second = pair()[:1], pair()[:1]
    [one] = build_schedulers(first, config, setup(10))
    [two] = build_schedulers(second, config, setup(10))
    rates(one, first[0], 8)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    second[0].load_state_dict(first[0].state_dict())
    assert rates(two, second[0], 12) == rates(one, first[0], 12)


def test_schedulers_for_optimizers_of_torch():
    optimizer = torch.optim.SGD([param(2)], lr=0.1)
    [scheduler] = build_schedulers([optimizer], training(n_epochs=1, warmup_steps=2), setup(5))
    assert rates(scheduler, optimizer, 3) == pytest.approx([1e-6, 0.0500005, 0.1])


def test_numpy_numbers_in_a_configuration():
    config = training(n_epochs=np.int64(2), warmup_steps=np.int32(0), lr_schedule="cosine")
    [scheduler, _] = build_schedulers(pair(), config, setup(5))
    assert scheduler.T_max == 10


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({}, "training.n_epochs"),
        ({"n_epochs": 0}, "training.n_epochs"),
        ({"n_epochs": 1.5}, "training.n_epochs"),
        ({"n_epochs": 1, "warmup_steps": -1}, "training.warmup_steps"),
        ({"n_epochs": 1, "warmup_steps": "4"}, "training.warmup_steps"),
    ],
    ids=str,
)
def test_bad_schedules_name_the_path(changes, path):
    ours = pair()
    with pytest.raises(ConfigError, match=path):
        build_schedulers(ours, training(**changes), setup(3))
    assert "initial_lr" not in ours[0].param_groups[0]


def test_an_epoch_needs_a_batch():
    with pytest.raises(libmuon.MuonError, match="at least 1 batch"):
        build_schedulers(pair(), training(n_epochs=1), setup(0))


def test_one_optimizer_alone_is_an_error():
    with pytest.raises(TypeError):
        build_schedulers(pair()[0], training(n_epochs=1), setup(3))
