"""MuonWithAdamW trains as Muon and AdamW do, and is one torch optimizer."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.optim.optimizer import register_optimizer_step_pre_hook

import libmuon
from libmuon.torch import AdamW, Muon, MuonWithAdamW, route_module
from small_model import Model, assert_equal, loss_of, made, saved, to, train, values


def two_optimizers(module, muon, adamw):
    parameters, routes = dict(module.named_parameters()), route_module(module)
    return [
        kind([parameters[name] for name in to(routes, kind.__name__)], **options)
        for kind, options in ((Muon, muon), (AdamW, adamw))
    ]


@pytest.mark.parametrize(
    ("muon", "adamw"),
    [
        ({}, {}),
        ({"lr": 0.05, "adjust_lr_fn": "original"}, {"betas": (0.8, 0.9), "weight_decay": 0.0}),
    ],
)
def test_it_is_muon_and_adamw(muon, adamw):
    one, two = made(), made()
    optimizer = MuonWithAdamW(one, lr=0.01, weight_decay=0.2, muon=muon, adamw=adamw)
    common = {"lr": 0.01, "weight_decay": 0.2}
    train(one, [optimizer], 8)
    train(two, two_optimizers(
        two,
        {**common, "adjust_lr_fn": "match_rms_adamw", **muon},
        {**common, "betas": (0.9, 0.95), **adamw},
    ), 8)
    assert_equal(values(one), values(two))


def first_step_of_muon(p, g, lr, weight_decay, momentum=0.95):
    """Muon's first step of a matrix p with gradient g, in float64."""
    x = g * (1 - momentum) * (1 + momentum)  # Nesterov, after a momentum of (1 - momentum) g
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return p * (1 - lr * weight_decay) - lr * 0.2 * max(p.shape) ** 0.5 * x


def test_its_first_step_is_the_formula():
    one, two = made(), made()
    train(one, [MuonWithAdamW(one, lr=0.01, muon={"precision": "f32"})], 1)
    parameters, routes = dict(two.named_parameters()), route_module(two)
    rest = [parameters[name] for name in to(routes, "AdamW")]
    train(two, [torch.optim.AdamW(rest, lr=0.01, weight_decay=0.1, betas=(0.9, 0.95))], 1)
    start, moved, expected = values(made()), values(one), values(two)
    for name in to(routes, "Muon"):
        p, g = start[name].double(), parameters[name].grad.double()
        expected[name] = first_step_of_muon(p, g, 0.01, 0.1).float()
    for name, value in moved.items():
        error = (value - expected[name]).norm() / (expected[name] - start[name]).norm()
        assert error < 1e-5, name


def test_options_in_libmuons_words():
    optimizer = MuonWithAdamW(Model(), lr=0.5, muon={"backend": "polar_express"})
    muon = optimizer.param_groups[0]
    assert (muon["lr"], muon["shape_scale"]) == (0.5, "match_rms_adamw")
    assert (muon["backend"], muon["adjust_lr_fn"]) == ("polar_express", None)


def test_one_scheduler_drives_both_sides():
    optimizer = MuonWithAdamW(Model(), lr=0.1, adamw={"lr": 0.01})
    scheduler = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=5),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10),
        ],
        milestones=[5],
    )
    rates = []
    for _ in range(15):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    assert [group["optimizer"] for group in optimizer.param_groups] == ["Muon", "AdamW"]
    assert rates[0] == pytest.approx([0.01, 0.001]) and rates[5] == pytest.approx([0.1, 0.01])
    for muon, adamw in rates:
        assert muon == pytest.approx(10 * adamw)
    assert len({muon for muon, _ in rates}) == 15


def test_the_rates_of_the_schedule_are_used():
    one, two = made(), made()
    optimizer = MuonWithAdamW(one, lr=0.01)
    for group in optimizer.param_groups:
        group["lr"] = 0.03
    train(one, [optimizer], 3)
    train(two, [MuonWithAdamW(two, lr=0.03)], 3)
    assert_equal(values(one), values(two))


def test_one_side_alone():
    matrix = nn.Module()
    matrix.mix_weight = nn.Parameter(torch.ones(3, 3))
    vector = nn.LayerNorm(3)
    for module, kind in ((matrix, "Muon"), (vector, "AdamW")):
        optimizer = MuonWithAdamW(module)
        assert [group["optimizer"] for group in optimizer.param_groups] == [kind]
        before = values(module)
        sum((p * torch.arange(3.0)).sum() for p in module.parameters()).backward()
        optimizer.step()
        assert all(not torch.equal(p, before[name]) for name, p in module.named_parameters())


def test_closure_zero_grad_and_hooks():
    module, calls = made(), []
    optimizer = MuonWithAdamW(module)
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))

    def closure():
        calls.append("closure")
        optimizer.zero_grad()
        loss = loss_of(module, 0)
        loss.backward()
        return loss

    expected = loss_of(module, 0).item()
    assert optimizer.step(closure).item() == expected
    assert calls == ["before", "closure", "after"]
    assert all(p.grad is not None for p in module.parameters())
    optimizer.zero_grad()
    assert all(p.grad is None for p in module.parameters())


def test_a_group_is_added():
    module, late = made(), nn.Parameter(torch.ones(6, 6))
    optimizer = MuonWithAdamW(module, lr=0.01)
    train(module, [optimizer], 2)
    named = [("late", late)]
    optimizer.add_param_group({"params": named, "optimizer": "Muon", "lr": 0.5})
    group = optimizer.param_groups[2]
    assert (group["lr"], group["adjust_lr_fn"]) == (0.5, "match_rms_adamw")
    before = values(module)
    optimizer.zero_grad()
    late.grad = torch.eye(6)
    optimizer.step()
    assert_equal(values(module), before)
    expected = first_step_of_muon(torch.ones(6, 6), torch.eye(6), 0.5, 0.1)
    torch.testing.assert_close(late.detach(), expected)
    # The other groups go on as if nothing had been added, also after saving and loading.
    optimizer.load_state_dict(saved(optimizer))
    other = made()
    train(other, [MuonWithAdamW(other, lr=0.01)], 4)
    train(module, [optimizer], 2, first=2)
    assert_equal(values(module), values(other))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"optimizer": "SGD"}, "not 'SGD'"),
        ({"optimizer": None}, "not None"),
        ({"optimizer": "Muon", "params": [("v", nn.Parameter(torch.ones(3)))]}, "2D"),
        ({"optimizer": "AdamW", "lr": -1.0}, "lr"),
    ],
    ids=["kind", "no kind", "vector", "rate"],
)
def test_a_wrong_group_changes_nothing(changes, text):
    module = made()
    optimizer = MuonWithAdamW(module)
    with pytest.raises(ValueError, match=text):
        optimizer.add_param_group({"params": [("w", nn.Parameter(torch.ones(3, 3)))], **changes})
    with pytest.raises(ValueError, match="more than one parameter group"):
        optimizer.add_param_group({"params": [*module.named_parameters()], "optimizer": "AdamW"})
    assert len(optimizer.param_groups) == 2
    train(module, [optimizer], 1)


def test_a_group_has_no_policy_of_its_own():
    group = {"params": [("w", nn.Parameter(torch.ones(3, 3)))], "optimizer": "Muon"}
    for optimizer in (MuonWithAdamW(made()), Muon([torch.ones(2, 2)])):
        count = len(optimizer.param_groups)
        with pytest.raises(libmuon.InvalidArgumentError, match="nonfinite is the whole"):
            optimizer.add_param_group({**group, "nonfinite": "skip"})
        assert len(optimizer.param_groups) == count


def test_hooks_for_all_optimizers_are_called_once():
    module, calls = made(), []
    optimizer = MuonWithAdamW(module)
    hooks = [
        register(lambda each, *_: calls.append(each))
        for register in (
            register_optimizer_step_pre_hook,
            register_optimizer_step_post_hook,
        )
    ]
    try:
        train(module, [optimizer], 1)
    finally:
        for hook in hooks:
            hook.remove()
    assert calls == [optimizer, optimizer]


# ---- What one side cannot do, the other does not either


def spoilt(optimizer, module, how):
    """Makes AdamW's side impossible, and returns what an error says of it."""
    bias = module.blocks[0].up.bias
    if how == "step":
        optimizer.state[bias]["step"] = torch.tensor(-1.0)
        return "blocks.0.up.bias: step"
    if how == "option":
        optimizer.param_groups[1]["eps"] = -1.0
        return "eps"
    if how == "state":
        optimizer.state[bias]["exp_avg"] = torch.zeros(3)
        return "blocks.0.up.bias: exp_avg"
    module.norm.bias.data = bias.data[3:9]
    return "overlaps"


@pytest.mark.parametrize("how", ["step", "option", "state", "overlap"])
def test_what_adamw_cannot_do_changes_neither_side(how):
    module = made()
    optimizer = MuonWithAdamW(module)
    train(module, [optimizer], 2)
    text = spoilt(optimizer, module, how)
    before, state = values(module), copy.deepcopy(optimizer.state_dict()["state"])
    loss_of(module, 2).backward()
    for _ in range(2):
        with pytest.raises(libmuon.MuonError, match=text):
            optimizer.step()
        assert_equal(values(module), before)
        for key, each in optimizer.state_dict()["state"].items():
            assert_equal(each, state[key])


# ---- Gradients that are not finite


def poisoned(module, name, value):
    loss_of(module, 1).backward()
    dict(module.named_parameters())[name].grad.view(-1)[-1] = value


BOTH_SIDES = pytest.mark.parametrize("name", ["wte.weight", "blocks.1.down.weight"])
NOT_FINITE = pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])


@BOTH_SIDES
@NOT_FINITE
def test_an_error_changes_neither_side(name, value):
    module = made()
    optimizer = MuonWithAdamW(module)
    train(module, [optimizer], 2)
    before, state = values(module), copy.deepcopy(optimizer.state_dict()["state"])
    poisoned(module, name, value)
    with pytest.raises(libmuon.NonFiniteGradientError, match=name):
        optimizer.step()
    assert_equal(values(module), before)
    for key, each in optimizer.state_dict()["state"].items():
        assert_equal(each, state[key])


@pytest.mark.parametrize("value", [1e25, -2e19])
@pytest.mark.parametrize("steps", [0, 2])
def test_a_gradient_too_large_for_the_state_changes_neither_side(value, steps):
    module, name = made(), "wte.weight"
    optimizer = MuonWithAdamW(module)
    train(module, [optimizer], steps)
    before, state = values(module), copy.deepcopy(optimizer.state_dict()["state"])
    poisoned(module, name, value)
    with pytest.raises(libmuon.NonFiniteGradientError, match=f"{name} is too large"):
        optimizer.step()
    assert_equal(values(module), before)
    for key, each in optimizer.state_dict()["state"].items():
        assert_equal(each, state[key])


@pytest.mark.parametrize("key", ["momentum_buffer", "exp_avg", "exp_avg_sq"])
def test_state_that_is_spoilt_changes_neither_side(key):
    module = made()
    optimizer = MuonWithAdamW(module)
    train(module, [optimizer], 2)
    saved = copy.deepcopy(optimizer.state_dict())
    spoilt = [each[key] for each in saved["state"].values() if key in each][-1]
    spoilt.view(-1)[0] = float("nan")
    optimizer.load_state_dict(saved)
    before = values(module)
    loss_of(module, 1).backward()
    with pytest.raises(libmuon.NonFiniteGradientError, match="has NaN or infinity"):
        optimizer.step()
    assert_equal(values(module), before)


@BOTH_SIDES
@pytest.mark.parametrize("how", ["sparse", "double"])
def test_a_gradient_or_parameter_that_cannot_be_used_changes_neither_side(name, how):
    module = made()
    optimizer = MuonWithAdamW(module)
    train(module, [optimizer], 1)
    parameter = dict(module.named_parameters())[name]
    before = values(module)
    loss_of(module, 1).backward()
    if how == "sparse":
        parameter.grad = parameter.grad.to_sparse()
    else:
        with torch.no_grad():
            parameter.data, parameter.grad = parameter.data.double(), None
            parameter.grad = torch.ones_like(parameter)
    with pytest.raises(libmuon.UnsupportedError, match=name):
        optimizer.step()
    for each, value in values(module).items():
        assert torch.equal(value.float(), before[each]), each


@BOTH_SIDES
def test_a_step_is_skipped_on_both_sides(name):
    module = made()
    optimizer = MuonWithAdamW(module, nonfinite="skip")
    before = values(module)
    poisoned(module, name, float("nan"))
    optimizer.step()
    assert_equal(values(module), before)
    assert optimizer.skipped_steps == 1
    train(module, [optimizer], 1)
    assert optimizer.skipped_steps == 1
    assert not torch.equal(module.wte.weight, before["wte.weight"])


@BOTH_SIDES
def test_not_finite_gradients_propagate(name):
    module = made()
    optimizer = MuonWithAdamW(module, nonfinite="propagate")
    poisoned(module, name, float("nan"))
    optimizer.step()
    assert dict(module.named_parameters())[name].isnan().any()


@BOTH_SIDES
def test_the_error_is_in_the_same_words(name):
    module = made()
    poisoned(module, name, float("nan"))
    with pytest.raises(libmuon.NonFiniteGradientError) as caught:
        MuonWithAdamW(module).step()
    side = "optimizer 0 (Muon): " if name.startswith("blocks") else "optimizer 1 (AdamW): "
    assert str(caught.value) == f"{side}the gradient of parameter {name} has NaN or infinity"


def test_large_gradients_are_finite():
    """The sum of their squares is not."""
    module = made()
    optimizer = MuonWithAdamW(module)
    loss_of(module, 0).backward()
    module.wte.weight.grad.fill_(1.5e19)
    optimizer.step()
