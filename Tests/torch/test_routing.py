"""What MuonWithAdamW sends where, in the kinds of modules there are, and why."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from libmuon.torch import Muon, MuonWithAdamW, route_module
from small_model import HIDDEN, Block, Model, to


def reason(module, name, **options):
    [route] = [route for route in route_module(module, **options) if route.name == name]
    return f"{route.optimizer}: {route.reason}"


@pytest.mark.parametrize("head", ["lm_head", "projection", ""])
@pytest.mark.parametrize("tied", [False, True])
def test_hidden_matrices_go_to_muon_and_nothing_else(head, tied):
    module = Model(head, tied and bool(head))
    routes = route_module(module)
    assert [route.name for route in routes] == [name for name, _ in module.named_parameters()]
    assert [route.shape for route in routes] == [tuple(p.shape) for p in module.parameters()]
    assert to(routes, "Muon") == HIDDEN
    assert len(to(routes, "Muon")) + len(to(routes, "AdamW")) == len(routes)


def test_reasons():
    module = Model()
    assert reason(module, "wte.weight") == "AdamW: an embedding"
    assert reason(module, "lm_head.weight") == "AdamW: the output layer: its name"
    assert reason(module, "norm.weight") == "AdamW: it does not have 2 dimensions"
    assert reason(module, "blocks.0.up.bias") == "AdamW: it does not have 2 dimensions"
    assert reason(module, "blocks.1.up.weight") == "Muon: a hidden matrix"
    last = "AdamW: the output layer: it is the last nn.Linear"
    assert reason(Model("projection"), "projection.weight") == last
    tied = "AdamW: an embedding, tied to projection"
    assert reason(Model("projection", tied=True), "wte.weight") == tied


def test_a_named_output_layer_need_not_be_the_last():
    module = nn.Module()
    module.head, module.body = nn.Linear(3, 2), nn.Linear(3, 3)
    assert to(route_module(module), "Muon") == ["body.weight"]


def test_a_tied_output_layer_need_not_be_the_last():
    module = Model("projection", tied=True)
    module.last = nn.Linear(6, 6)
    assert to(route_module(module), "Muon") == [*HIDDEN, "last.weight"]


def test_the_module_itself_may_say_what_its_output_layer_is():
    module = Model("projection")
    module.pooler = nn.Linear(6, 6)
    assert "pooler.weight" not in to(route_module(module), "Muon")
    module.get_output_embeddings = lambda: module.projection
    assert to(route_module(module), "Muon") == [*HIDDEN, "pooler.weight"]
    assert "get_output_embeddings()" in reason(module, "projection.weight")


def test_a_network_of_linear_layers():
    layers = [nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)]
    for module in (nn.Sequential(*layers), nn.ModuleList(layers)):
        assert to(route_module(module), "Muon") == ["0.weight", "2.weight"]
        assert to(route_module(module), "AdamW") == ["0.bias", "2.bias", "4.weight", "4.bias"]


def test_a_layer_in_a_repeated_block_is_not_the_output():
    blocks = nn.Sequential(Block(4), Block(4))
    assert to(route_module(blocks), "Muon") == [
        f"{i}.{layer}.weight" for i in range(2) for layer in ("up", "down")
    ]
    # Two parts of a class, but not in a list: the second one ends in the output layer.
    module = nn.Module()
    module.features = nn.Sequential(nn.Linear(4, 4))
    module.top = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    assert to(route_module(module), "AdamW") == [
        "features.0.bias", "top.0.bias", "top.1.weight", "top.1.bias"
    ]
    # One block of its class in a row of others.
    single = nn.Sequential(nn.Flatten(), Block(4))
    assert to(route_module(single), "Muon") == ["1.up.weight"]


def weight_norm(layer):
    with pytest.warns(FutureWarning):
        return nn.utils.weight_norm(layer)


@pytest.mark.parametrize(
    "wrap",
    [weight_norm, nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm],
    ids=["weight_norm", "parametrized weight_norm", "spectral_norm"],
)
def test_layers_with_parts_for_a_weight(wrap):
    module = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.Linear(4, 9))
    for layer in module:
        wrap(layer)
    muon = to(route_module(module), "Muon")
    assert muon and all(name.startswith("1.") for name in muon)
    # Not the factors of a weight norm.
    assert all(min(dict(module.named_parameters())[name].shape) > 1 for name in muon)
    for route in route_module(module):
        if route.name.startswith("0."):
            assert route.reason == "an embedding"
        elif route.name.startswith("2.") and len(route.shape) == 2:
            assert route.reason == "the output layer: it is the last nn.Linear"


def test_a_parametrized_parameter_of_the_module_itself():
    module = nn.Module()
    module.pos_embed = nn.Parameter(torch.zeros(5, 3))
    module.mix_weight = nn.Parameter(torch.zeros(3, 3))
    for name in ("pos_embed", "mix_weight"):
        nn.utils.parametrize.register_parametrization(module, name, nn.Identity())
    assert to(route_module(module), "Muon") == ["parametrizations.mix_weight.original"]
    name = "parametrizations.pos_embed.original"
    assert reason(module, name) == "AdamW: an embedding, by its name"


def test_a_module_under_two_names_and_one_called_parametrizations():
    module = nn.Module()
    module.first = module.second = nn.Embedding(5, 3)
    module.parametrizations = nn.Bilinear(3, 3, 3)
    module.parametrizations.proj = nn.Parameter(torch.zeros(3, 3))
    assert to(route_module(module), "Muon") == ["parametrizations.weight", "parametrizations.proj"]
    assert reason(module, "parametrizations.weight") == "Muon: a stack of 3 hidden matrices"
    assert reason(module, "first.weight") == "AdamW: an embedding"


def test_parametrized_layers_that_are_tied():
    for tied in (True, False):
        module = Model("projection", tied=tied)
        module.last = nn.Linear(6, 6)
        for layer in (module.wte, module.projection):
            nn.utils.parametrize.register_parametrization(layer, "weight", nn.Identity())
        hidden = [*HIDDEN, "last.weight"] if tied else [
            "projection.parametrizations.weight.original"
        ]
        assert set(hidden) <= set(to(route_module(module), "Muon"))
        assert ("last.weight" in to(route_module(module), "Muon")) == tied


def test_matrices_that_are_not_weights():
    module = nn.Module()
    module.norm = nn.LayerNorm((2, 3))
    module.pos_embed = nn.Parameter(torch.zeros(5, 3))
    module.relative_bias = nn.Parameter(torch.zeros(5, 3))
    module.bag = nn.EmbeddingBag(4, 3)
    for name in ("A_log", "time_decay", "gamma", "cls_token"):
        setattr(module, name, nn.Parameter(torch.zeros(3, 3)))
        assert reason(module, name) == "AdamW: no weight of a layer, by its name"
    module.tokens = nn.Parameter(torch.zeros(2, 3, 3))
    assert reason(module, "tokens") == "AdamW: neither a convolution nor a stack of matrices"
    module.w_proj = nn.Parameter(torch.zeros(3, 3))
    assert to(route_module(module), "Muon") == ["w_proj"]
    assert to(route_module(module, to_muon=["A_log"]), "Muon") == ["A_log", "w_proj"]
    assert "LayerNorm" in reason(module, "norm.weight")
    assert "embedding" in reason(module, "pos_embed")
    assert "bias" in reason(module, "relative_bias")


def test_what_is_not_trained_goes_nowhere():
    module = Model()
    module.wte.requires_grad_(False)
    module.blocks[0].up.requires_grad_(False)
    nowhere = ["wte.weight", "blocks.0.up.weight", "blocks.0.up.bias"]
    assert to(route_module(module), "none") == nowhere
    optimizer = MuonWithAdamW(module)
    assert len(optimizer.param_groups[0]["params"]) == 3


def test_what_the_user_asks_for():
    module = Model()
    options = {"to_muon": ["lm_head.weight"], "to_adamw": ["blocks.*.up.weight"]}
    routes = route_module(module, **options)
    assert to(routes, "Muon") == [HIDDEN[1], HIDDEN[3], "lm_head.weight"]
    assert reason(module, HIDDEN[0], **options) == (
        "AdamW: asked for: to_adamw has 'blocks.*.up.weight'"
    )
    assert MuonWithAdamW(module, **options).routes == routes


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"to_muon": ["lm_haed.weight"]}, "to_muon: 'lm_haed.weight' matches no parameter"),
        ({"to_muon": ["*.up.*"], "to_adamw": ["*.weight"]}, "both match 'blocks.0.up.weight'"),
        ({"to_muon": ["norm.weight"]}, "'norm.weight' cannot go there.*2 dimensions"),
        ({"to_adamw": ["wte.weight"]}, "'wte.weight' cannot go there.*gradient"),
    ],
)
def test_what_the_user_cannot_ask_for(options, text):
    module = Model()
    module.wte.requires_grad_(False)
    with pytest.raises(ValueError, match=text):
        route_module(module, **options)


def test_wrong_types():
    with pytest.raises(TypeError, match="to_muon: a list of names"):
        route_module(Model(), to_muon="wte.weight")
    with pytest.raises(TypeError, match="an nn.Module is expected, not generator"):
        route_module(Model().parameters())
    with pytest.raises(TypeError, match="an nn.Module, or its parameters, is expected, not int"):
        MuonWithAdamW(3)
    with pytest.raises(ValueError, match="need the module, not its parameters"):
        MuonWithAdamW(Model().named_parameters(), to_muon=["wte.weight"])
    with pytest.raises(ValueError, match="no parameter to train"):
        MuonWithAdamW(nn.Sequential(nn.ReLU()))
    with pytest.raises(TypeError, match="momentun"):
        MuonWithAdamW(Model(), muon={"momentun": 0.9})
    with pytest.raises(ValueError, match="of both sides"):
        MuonWithAdamW(Model(), adamw={"nonfinite": "skip"})
    with pytest.raises(ValueError, match="nonfinite"):
        MuonWithAdamW(Model(), nonfinite="perhaps")


class Experts(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(4, 6, 5))
        self.w1_bias = nn.Parameter(torch.zeros(4, 5))


def test_convolutions_are_flattened_and_experts_batched():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 3, groups=4), nn.ConvTranspose1d(4, 2, 3), Experts(),
        nn.Conv2d(4, 4, 1, groups=2),
    )
    optimizer = MuonWithAdamW(module, lr=0.01, muon={"precision": "f32"})
    assert [str(route)[48:] for route in optimizer.routes if len(route.shape) > 1] == [
        "Muon   a convolution: a matrix of 4 rows",
        "AdamW  a depthwise convolution: a filter a channel",
        "Muon   a convolution: a matrix of 4 rows",
        "Muon   a stack of 4 hidden matrices",
        "AdamW  a bias, by its name",
        "Muon   a convolution: a matrix of 4 rows",
    ]
    groups = optimizer.param_groups
    assert [(g["optimizer"], g.get("higher_dims")) for g in groups] == [
        ("Muon", "flatten"), ("Muon", "batch"), ("AdamW", None)
    ]
    experts = [nn.Parameter(each.clone()) for each in module[3].w1.detach()]
    conv = nn.Parameter(module[0].weight.detach().flatten(1))
    for p in module.parameters():
        p.grad = torch.randn(p.shape)
    for number, each in enumerate(experts):
        each.grad = module[3].w1.grad[number].clone()
    conv.grad = module[0].weight.grad.flatten(1).clone()
    options = {"adjust_lr_fn": "match_rms_adamw", "precision": "f32"}
    Muon([conv, *experts], lr=0.01, weight_decay=0.1, **options).step()
    optimizer.step()
    assert torch.equal(module[0].weight.flatten(1), conv)
    assert torch.equal(module[3].w1, torch.stack(experts))


@pytest.mark.filterwarnings("ignore:Muon gets")
def test_more_than_2_dimensions_as_asked():
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Conv2d(3, 3, 3, groups=3), Experts())
    only = ["0.weight", "1.weight", "2.w1"]
    assert to(route_module(module, higher_dims="refuse"), "Muon") == []
    routes = route_module(module, to_muon=["1.weight"])
    assert [(r.name, r.higher_dims) for r in routes if r.optimizer == "Muon"] == [
        *zip(only, ["flatten", "flatten", "batch"])
    ]
    for kind in ("flatten", "batch"):
        routes = route_module(module, higher_dims=kind)
        assert {r.higher_dims for r in routes if r.optimizer == "Muon"} == {kind}
        [group, _] = MuonWithAdamW(module, muon={"higher_dims": kind}).param_groups
        assert group["higher_dims"] == kind
    with pytest.raises(ValueError, match="higher_dims"):
        MuonWithAdamW(module, to_muon=["0.weight"], muon={"higher_dims": "refuse"})
    with pytest.raises(ValueError, match="higher_dims: 'split' is not one of"):
        MuonWithAdamW(module, muon={"higher_dims": "split"})


def test_a_warning_where_muon_gets_little():
    module = nn.Module()
    module.first, module.lm_head = nn.Linear(4, 4), nn.Linear(4, 400)
    module.table = nn.Embedding(400, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MuonWithAdamW(module)
    module.mix = nn.Parameter(torch.zeros(5, 4))
    text = r"Muon gets 16 of the 36 elements of hidden matrices \(44%\)"
    with pytest.warns(UserWarning, match=text) as seen:
        MuonWithAdamW(module)
    assert seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MuonWithAdamW(module, to_muon=["mix"])
        MuonWithAdamW(module, to_adamw=["mix"])


def test_what_is_not_decayed():
    module = Model()
    module.scale = nn.LayerNorm((2, 3))
    module.relative_bias = nn.Parameter(torch.zeros(5, 3))
    names = {id(p): name for name, p in module.named_parameters()}
    optimizer = MuonWithAdamW(module, weight_decay=0.3, no_decay=True)
    exempt = {
        names[id(p)] for g in optimizer.param_groups if g["weight_decay"] == 0 for p in g["params"]
    }
    assert exempt == {
        name for name, p in module.named_parameters()
        if p.ndim < 2 or name.startswith("scale.") or name == "relative_bias"
    }
    assert {g["weight_decay"] for g in optimizer.param_groups} == {0, 0.3}
    assert len(MuonWithAdamW(module).param_groups) == 2
    optimizer = MuonWithAdamW(module, no_decay=["wte.weight", "blocks.*.up.weight"])
    exempt = [
        names[id(p)] for g in optimizer.param_groups if g["weight_decay"] == 0 for p in g["params"]
    ]
    assert exempt == [HIDDEN[0], HIDDEN[2], "wte.weight"]
    with pytest.raises(ValueError, match="no_decay: 'wte' matches no parameter"):
        MuonWithAdamW(module, no_decay=["wte"])
    with pytest.raises(TypeError, match="no_decay: a list of names"):
        MuonWithAdamW(module, no_decay="wte.weight")


def test_the_routing_is_a_table(capsys):
    module = nn.Sequential(nn.Linear(3, 12), nn.LayerNorm(12), nn.Linear(12, 2))
    MuonWithAdamW(module)
    assert capsys.readouterr().out == ""
    optimizer = MuonWithAdamW(module, verbose=True)
    table = """\
parameter  shape    to     why
0.weight   (12, 3)  Muon   a hidden matrix
0.bias     (12,)    AdamW  it does not have 2 dimensions
1.weight   (12,)    AdamW  it does not have 2 dimensions
1.bias     (12,)    AdamW  it does not have 2 dimensions
2.weight   (2, 12)  AdamW  the output layer: it is the last nn.Linear
2.bias     (2,)     AdamW  it does not have 2 dimensions
"""
    assert capsys.readouterr().out == table
    assert f"{optimizer.routes}\n" == table


def test_whole_names_are_looked_up(monkeypatch):
    """Not compared with every parameter, which took minutes for 10,000."""
    from libmuon import _patterns

    compared = []
    match = _patterns.fnmatchcase
    monkeypatch.setattr(
        _patterns, "fnmatchcase", lambda *pair: compared.append(pair) or match(*pair))
    names = [f"layers.{number}.weight" for number in range(50)]
    asked = _patterns.asked_for(names, names[:20], names[20:40])
    assert len(asked) == 40 and asked[names[0]] == ("Muon", names[0])
    assert not compared
    assert len(_patterns.asked_for(names, ["layers.1*.weight"], [])) == 11
    assert len(compared) == 50
