"""Fused layers of a whole module: which there are, and what is trained of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from libmuon import InvalidArgumentError, View
from libmuon.torch import Muon, MuonWithAdamW, route_module
from small_model import assert_equal, saved, values

WIDTH = 12
THIRDS = View("oi", split=(0, [WIDTH] * 3))


class Attention(nn.Module):
    def __init__(self, layer="qkv", rows=3 * WIDTH, **attributes):
        super().__init__()
        self.add_module(layer, nn.Linear(WIDTH, rows))
        self.proj = nn.Linear(WIDTH, WIDTH)
        vars(self).update(attributes)


class GPTNeoXAttention(Attention):
    pass


class CodeGenAttention(Attention):
    pass


class FalconAttention(Attention):
    pass


class Conv1D(nn.Module):
    """Of transformers."""

    def __init__(self, outputs, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs))


class GPT2Attention(nn.Module):
    def __init__(self, count=3):
        super().__init__()
        self.c_attn, self.c_proj = Conv1D(count * WIDTH, WIDTH), Conv1D(WIDTH, WIDTH)


class Experts(nn.Module):
    def __init__(self, *shape, **attributes):
        super().__init__()
        self.gate_up_proj = nn.Parameter(torch.randn(shape))
        vars(self).update(attributes)


def views(module):
    """The views of the parameters that have one, in a model around the module."""
    model = nn.Sequential(nn.Embedding(3, WIDTH), module, nn.Linear(WIDTH, 3))
    return [route.view for route in route_module(model, split_fused=True) if route.view is not None]


@pytest.mark.parametrize(
    ("module", "view"),
    [
        (Attention(), THIRDS),
        (Attention("Wqkv"), THIRDS),
        (Attention("c_attn"), THIRDS),
        (Attention("qkv_proj", 20, num_key_value_heads=1, head_dim=4), View("oi", split=(0, [12, 4, 4]))),
        (Attention("qkv_proj", 7 * 4, num_key_value_heads=3, head_dim=4), None),
        (Attention("qkv", 35), None),
        (Attention("qkv", key_dim=4), None),
        (Attention("other"), None),
        (Attention(head_first=True, dim_head=4), View("ooi", shape=(3, 12, WIDTH), split=(1, [4, 4, 4]))),
        (GPTNeoXAttention("query_key_value", head_size=6), View("ooi", shape=(2, 18, WIDTH), split=(1, [6, 6, 6]))),
        (GPTNeoXAttention("query_key_value"), None),
        (CodeGenAttention("qkv_proj"), None),
        (
            FalconAttention("query_key_value", 24, new_decoder_architecture=True, num_heads=4, num_kv_heads=2, head_dim=3),
            View("ooi", shape=(2, 12, WIDTH), split=(1, [6, 3, 3])),
        ),
        (
            FalconAttention("query_key_value", 18, multi_query=True, num_heads=4, num_kv_heads=4, head_dim=3),
            View("oi", split=(0, [12, 3, 3])),
        ),
        (GPT2Attention(), View("io", split=(1, [WIDTH] * 3))),
        (GPT2Attention(2), View("io", split=(1, [WIDTH] * 2))),
        (nn.MultiheadAttention(WIDTH, 2), THIRDS),
        (nn.MultiheadAttention(WIDTH, 2, kdim=4), None),
        (Attention("gate_up_proj", 16), View("oi", split=(0, [8, 8]))),
        (Attention("gate_up_proj", 15), None),
        (Experts(2, 8, WIDTH, hidden_dim=WIDTH), View("boi", split=(1, [4, 4]))),
        (Experts(2, WIDTH, 8, hidden_size=WIDTH), View("bio", split=(2, [4, 4]))),
        (Experts(2, WIDTH, WIDTH, hidden_size=WIDTH), None),
        (Experts(2, WIDTH, WIDTH, is_transposed=False), View("boi", split=(1, [6, 6]))),
        (Experts(2, 6, 8, is_transposed=True, is_concatenated=False), View("biob", shape=(2, 6, 4, 2))),
        (Experts(2, 6, 8, is_transposed=False, is_concatenated=False), View("bobi", shape=(2, 3, 2, 8))),
    ],
)
def test_layers(module, view):
    assert views(module) == ([] if view is None else [view])


def model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Embedding(5, WIDTH), Attention(), nn.MultiheadAttention(WIDTH, 2), GPT2Attention(), nn.Linear(WIDTH, 5)
    )


def step(module, optimizers, count, first=0):
    for seed in range(first, first + count):
        random = torch.Generator().manual_seed(seed)
        for parameter in module.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=random)
        for each in optimizers:
            each.step()


def test_it_is_asked_for():
    plain = [route.view for route in route_module(model())]
    assert plain == [None] * len(plain)
    groups = MuonWithAdamW(model()).param_groups
    assert len(groups) == 2 and groups[0]["view"] is None


def test_the_table_says_so_and_the_shares_stay():
    module = model()
    table = str(route_module(module, split_fused=True))
    assert "hidden matrices: q, k and v in one" in table
    shares = [
        [(route.name, route.optimizer, route.is_hidden) for route in route_module(module, split_fused=flag)]
        for flag in (False, True)
    ]
    assert shares[0] == shares[1]


def test_each_matrix_is_trained_by_itself():
    one, two = model(), model()
    optimizer = MuonWithAdamW(one, lr=0.02, split_fused=True)
    assert [(group["optimizer"], group.get("view")) for group in optimizer.param_groups] == [
        ("Muon", None), ("Muon", THIRDS), ("Muon", View("io", split=(1, [WIDTH] * 3))), ("AdamW", None),
    ]
    parameters = dict(two.named_parameters())
    fused = {"1.qkv.weight": 0, "2.in_proj_weight": 0, "3.c_attn.weight": 1}
    separate = {
        name: [nn.Parameter(part.detach().clone()) for part in parameters[name].chunk(3, axis)]
        for name, axis in fused.items()
    }
    common = {"lr": 0.02, "weight_decay": 0.1, "adjust_lr_fn": "match_rms_adamw"}
    others = [each for parts in separate.values() for each in parts]
    muon = Muon(others, **common)
    for seed in range(5):
        random = torch.Generator().manual_seed(seed)
        for name, parameter in two.named_parameters():
            grad = torch.randn(parameter.shape, generator=random)
            if name in fused:
                for part, own in zip(separate[name], grad.chunk(3, fused[name])):
                    part.grad = own.clone()
        muon.step()
        if seed == 2:
            state, optimizer = saved(optimizer), MuonWithAdamW(one, split_fused=True)
            optimizer.load_state_dict(state)
            assert optimizer.param_groups[1]["view"] == THIRDS
        step(one, [optimizer], 1, seed)
    for name, axis in fused.items():
        whole = torch.cat([part.detach() for part in separate[name]], axis)
        if axis == 0:
            assert torch.equal(dict(one.named_parameters())[name], whole), name
        else:
            # As rows and columns change places, so do roundings.
            assert torch.allclose(dict(one.named_parameters())[name], whole, rtol=0, atol=3e-4), name


def test_views_by_pattern():
    view = View("oi", split=(0, [6, 30]))
    routes = {route.name: route for route in route_module(model(), views={"*.qkv.*": view}, split_fused=True)}
    assert routes["1.qkv.weight"].view == view and "views has '*.qkv.*'" in routes["1.qkv.weight"].reason
    assert routes["2.in_proj_weight"].view == THIRDS
    one, two = model(), model()
    parameters = dict(two.named_parameters())
    by_hand = Muon([parameters["1.qkv.weight"]], 0.02, adjust_lr_fn="match_rms_adamw", view=view)
    step(one, [MuonWithAdamW(one, 0.02, views={"1.qkv.weight": view})], 3)
    step(two, [by_hand], 3)
    assert torch.equal(values(one)["1.qkv.weight"], values(two)["1.qkv.weight"])
    # An embedding with a view goes to Muon; to_adamw counts for more.
    table = {"0.weight": View("oi")}
    assert route_module(model(), views=table)[0].optimizer == "Muon"
    assert route_module(model(), views=table, to_adamw=["0.weight"])[0].optimizer == "AdamW"


def test_bad_arguments():
    with pytest.raises(ValueError, match="views: 'x' matches no parameter"):
        MuonWithAdamW(model(), views={"x": THIRDS})
    with pytest.raises(TypeError, match=r"views\['0.weight'\]: a View is expected, not str"):
        MuonWithAdamW(model(), views={"0.weight": "oi"})
    with pytest.raises(InvalidArgumentError, match=r"the view of .*1\.qkv\.weight has 3 axes"):
        MuonWithAdamW(model(), views={"1.qkv.weight": View("boi")})
    frozen = model()
    frozen[0].weight.requires_grad_(False)
    with pytest.raises(ValueError, match="views: '0.weight' cannot have one"):
        route_module(frozen, views={"0.weight": View("oi")})
    for options in ({"views": {"*": THIRDS}}, {"split_fused": True}):
        with pytest.raises(InvalidArgumentError, match="split_fused"):
            MuonWithAdamW(model().named_parameters(), **options)
    for side in ("muon", "adamw"):
        with pytest.raises(TypeError, match=f"{side}: a dict of options is expected, not 'text'"):
            MuonWithAdamW(model(), **{side: "text"})
