"""MuonWithAdamW over parameters and groups in place of a module, and what drives it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR

from libmuon.torch import MuonWithAdamW, MuonWithAuxAdam, SingleDeviceMuonWithAuxAdam
from small_model import HIDDEN, assert_equal, made, saved, to, train, values


def test_named_parameters_are_as_the_module():
    one, two = made(), made()
    first, second = MuonWithAdamW(one, lr=0.01), MuonWithAdamW(two.named_parameters(), lr=0.01)
    assert to(second.routes, "Muon") == HIDDEN
    train(one, [first], 5)
    train(two, [second], 5)
    assert_equal(values(one), values(two))
    assert "lm_head.weight        (11, 6)  AdamW  an output layer, by its name" in str(second.routes)


def test_parameters_without_names():
    module = made()
    with pytest.warns(UserWarning, match="6 matrices without names go to Muon"):
        optimizer = MuonWithAdamW(module.parameters(), lr=0.01)
    assert len(to(optimizer.routes, "Muon")) == 6
    assert optimizer.routes[0].name == "param0"
    before = values(module)
    train(module, [optimizer], 1)
    assert all(not torch.equal(p, before[name]) for name, p in module.named_parameters())


@pytest.mark.parametrize(
    ("name", "shape", "optimizer"),
    [
        ("h.0.attn.c_attn.weight", (12, 4), "Muon"),
        ("transformer.wpe.weight", (12, 4), "AdamW"),
        ("model.embed_tokens.weight", (12, 4), "AdamW"),
        ("tok_embeddings.weight", (12, 4), "AdamW"),
        ("head.weight", (12, 4), "AdamW"),
        ("blocks.0.heads_proj.weight", (12, 4), "Muon"),
        ("blocks.0.ln_1.weight", (12, 4), "AdamW"),
        ("experts.w1", (3, 12, 4), "Muon"),
        ("mixer.A_log", (12, 4), "AdamW"),
        ("mixer.in_proj", (12, 4), "Muon"),
        ("parallel.weight", (3, 12, 4), "Muon"),
        ("norm.weight_g", (12, 1), "AdamW"),
        ("stem.weight", (12, 4, 3, 3), "Muon"),
        ("stem.weight", (12, 1, 3, 3), "AdamW"),
        ("conv.weight", (12, 4, 3), "Muon"),
        ("cls_token", (1, 1, 3), "AdamW"),
        ("scale", (), "AdamW"),
    ],
)
def test_where_names_and_shapes_lead(name, shape, optimizer):
    parameter = nn.Parameter(torch.ones(shape))
    assert MuonWithAdamW([(name, parameter)]).routes[0].optimizer == optimizer
    assert MuonWithAdamW([{"params": [(name, parameter)], "lr": 0.5}]).param_groups[0]["lr"] == 0.5


def test_groups_that_say_where_they_go():
    module = made()
    hidden = [dict(module.named_parameters())[name] for name in HIDDEN]
    rest = [p for p in module.parameters() if all(p is not each for each in hidden)]
    groups = [{"params": rest, "use_muon": False, "lr": 0.003}, {"params": hidden, "use_muon": True}]
    optimizer = MuonWithAdamW(groups, lr=0.01)
    assert [(g["optimizer"], g["lr"]) for g in optimizer.param_groups] == [
        ("AdamW", 0.003), ("Muon", 0.01)
    ]
    two = made()
    other = MuonWithAdamW(two, lr=0.01, adamw={"lr": 0.003})
    train(module, [optimizer], 4)
    train(two, [other], 4)
    assert_equal(values(module), values(two))
    for wrong, text in [
        ({"params": rest, "optimizer": "SGD"}, 'is "Muon" or "AdamW", not \'SGD\''),
        ({"params": [torch.ones(3)], "use_muon": True}, "gradient|no parameter"),
        ({"params": [nn.Parameter(torch.ones(3))], "use_muon": True}, "2D"),
    ]:
        with pytest.raises(ValueError, match=text):
            MuonWithAdamW([wrong])


def reference_step(p, g, state, group):
    """A step of Keller Jordan's optimizer, in float64, with the factor of a convolution's matrix."""
    p, g = p.double(), g.double()
    if not group["use_muon"]:
        t = state["t"] = state.get("t", 0) + 1
        (b1, b2), m, v = group["betas"], state.get("m", 0), state.get("v", 0)
        state["m"], state["v"] = m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        update = m / (1 - b1**t) / ((v / (1 - b2**t)).sqrt() + group["eps"])
        return p * (1 - group["lr"] * group["weight_decay"]) - group["lr"] * update
    b = group["momentum"]
    m = state["m"] = b * state.get("m", 0) + (1 - b) * g
    x = (1 - b) * g + b * m
    x = x.flatten(1) if x.ndim == 4 else x
    rows, columns = x.shape[-2:]
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    update = max(1, rows / columns) ** 0.5 * x.reshape(p.shape)
    return p * (1 - group["lr"] * group["weight_decay"]) - group["lr"] * update


@pytest.mark.parametrize("cls", [SingleDeviceMuonWithAuxAdam, MuonWithAuxAdam])
def test_keller_jordans_by_its_formula(cls):
    torch.manual_seed(0)
    shapes = [(6, 4), (4, 6), (3, 4, 2, 2), (3, 5, 4)]
    hidden = [nn.Parameter(torch.randn(shape)) for shape in shapes]
    rest = [nn.Parameter(torch.randn(5)), nn.Parameter(torch.randn(4, 3))]
    groups = [
        {"params": hidden, "use_muon": True, "weight_decay": 0.1},
        {"params": rest, "use_muon": False, "lr": 0.01},
    ]
    optimizer = cls(groups)
    assert optimizer.param_groups[0]["lr"] == 0.02 and optimizer.param_groups[0]["momentum"] == 0.95
    assert optimizer.param_groups[1]["betas"] == (0.9, 0.95)
    assert optimizer.param_groups[1]["eps"] == 1e-10
    for group in optimizer.param_groups:
        group["precision"] = "f32"
    states = {p: {} for p in hidden + rest}
    for _ in range(5):
        expected = []
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = torch.randn(p.shape)
                expected.append((p, reference_step(p.detach(), p.grad, states[p], group)))
        optimizer.step()
        for p, value in expected:
            torch.testing.assert_close(p.detach().double(), value, rtol=1e-5, atol=1e-6)
    if cls is MuonWithAuxAdam:
        sizes = [p.size() for p in optimizer.param_groups[0]["params"]]
        assert sizes == sorted(sizes, reverse=True)


def test_a_group_of_keller_jordans_is_added():
    new = lambda: nn.Parameter(torch.ones(3, 3))  # noqa: E731
    optimizer = SingleDeviceMuonWithAuxAdam([{"params": [new()], "use_muon": True}])
    optimizer.add_param_group({"params": [new()], "use_muon": False, "lr": 0.5})
    assert [(g["optimizer"], g["lr"]) for g in optimizer.param_groups] == [("Muon", 0.02), ("AdamW", 0.5)]


def test_keller_jordans_state_dicts_go_on():
    """As the original writes them: no key of torch's, and step a whole number."""
    torch.manual_seed(0)
    matrix, vector = nn.Parameter(torch.randn(6, 4)), nn.Parameter(torch.randn(5))
    optimizer = SingleDeviceMuonWithAuxAdam(
        [{"params": [matrix], "use_muon": True}, {"params": [vector], "use_muon": False}]
    )
    momentum, first, second = torch.randn(6, 4), torch.randn(5), torch.rand(5)
    optimizer.load_state_dict(
        {
            "state": {
                0: {"momentum_buffer": momentum.clone()},
                1: {"exp_avg": first.clone(), "exp_avg_sq": second.clone(), "step": 7},
            },
            "param_groups": [
                {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1, "use_muon": True, "params": [0]},
                {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-10, "weight_decay": 0, "use_muon": False,
                 "params": [1]},
            ],
        }
    )
    optimizer.param_groups[0]["precision"] = "f32"
    states = [{"m": momentum.double()}, {"t": 7, "m": first.double(), "v": second.double()}]
    matrix.grad, vector.grad = torch.randn(6, 4), torch.randn(5)
    expected = [
        reference_step(p.detach(), p.grad, state, group)
        for p, state, group in zip((matrix, vector), states, optimizer.param_groups)
    ]
    optimizer.step()
    for p, value in zip((matrix, vector), expected):
        torch.testing.assert_close(p.detach().double(), value, rtol=1e-5, atol=1e-6)
    # What it writes has the keys that the original reads.
    own = saved(optimizer)
    assert [group["use_muon"] for group in own["param_groups"]] == [True, False]
    assert own["state"][1]["step"] == 8


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ({"params": []}, 'group 0 has no "use_muon"'),
        ({"params": [], "use_muon": True, "betas": (0.9, 0.95)}, "group 0 has betas.*momentum"),
    ],
)
def test_keller_jordans_errors(group, text):
    with pytest.raises(ValueError, match=text):
        SingleDeviceMuonWithAuxAdam([group])


def test_schedulers_of_the_momentum():
    optimizer = MuonWithAdamW(made(), lr=0.01)
    scheduler = OneCycleLR(optimizer, max_lr=[0.1, 0.2], total_steps=10)
    seen = []
    for _ in range(9):
        muon, adamw = optimizer.param_groups
        assert adamw["betas"] == (muon["momentum"], 0.95) and "momentum" not in adamw
        seen.append((muon["lr"], adamw["lr"], muon["momentum"]))
        optimizer.step()
        scheduler.step()
    lone = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.01, momentum=0.9)
    other = OneCycleLR(lone, max_lr=0.1, total_steps=10)
    for muon_lr, adamw_lr, momentum in seen:
        [group] = lone.param_groups
        assert (muon_lr, momentum) == (group["lr"], group["momentum"])
        assert adamw_lr == pytest.approx(2 * muon_lr)
        lone.step()
        other.step()
    scheduler = CyclicLR(optimizer, 0.001, 0.1, step_size_up=3, base_momentum=0.8, max_momentum=0.9)
    for _ in range(4):
        scheduler.step()
    muon, adamw = optimizer.param_groups
    assert 0.8 <= muon["momentum"] < 0.9 and adamw["betas"] == (muon["momentum"], 0.95)


def test_the_momentum_set_counts_and_is_saved():
    one, two = made(), made()
    first = MuonWithAdamW(one, lr=0.01)
    for group in first.param_groups:
        group["momentum"] = 0.7
    second = MuonWithAdamW(two, lr=0.01, muon={"momentum": 0.7}, adamw={"betas": (0.7, 0.95)})
    for module, optimizer in ((one, first), (two, second)):
        train(module, [optimizer], 3)
    assert_equal(values(one), values(two))
    first.load_state_dict(saved(first))
    first.param_groups[1]["momentum"] = 0.6
    assert first.param_groups[1]["betas"] == (0.6, 0.95)
    assert "momentum" not in saved(first)["param_groups"][1]
