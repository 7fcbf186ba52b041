"""The views of layers that hold several matrices take those that the models of transformers and timm use apart.

q times 2 and k times 1/2 leave an attention as it is, v times 2 doubles it, and so does up times 2 an MLP.
"""

from __future__ import annotations

import pytest
import timm
import torch
import transformers
from torch import nn

from libmuon.torch import route_module

SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 50}
GROUPED = {**SIZES, "num_key_value_heads": 2}
OTHER = {"n_layer": 1, "n_head": 4, "vocab_size": 50, "bos_token_id": 0, "eos_token_id": 0}
# By model, its config, and the modules whose output is looked at, by a part of the name of the fused parameter.
MODELS = {
    "GPT2Model": ({**OTHER, "n_embd": 32}, {"c_attn": "h.0.attn.c_proj"}),
    "GPTBigCodeModel": ({**OTHER, "n_embd": 32}, {"c_attn": "h.0.attn.c_proj"}),
    "BloomModel": ({**OTHER, "hidden_size": 32}, {"query_key_value": "h.0.self_attention.dense"}),
    "FalconModel": (
        {**SIZES, "new_decoder_architecture": True, "num_kv_heads": 2, "bos_token_id": 0, "eos_token_id": 0},
        {"query_key_value": "h.0.self_attention.dense"},
    ),
    "GPTNeoXModel": ({**SIZES, "bos_token_id": 0, "eos_token_id": 0}, {"query_key_value": "layers.0.attention.dense"}),
    "PersimmonModel": (
        {**SIZES, "qk_layernorm": False, "bos_token_id": 0, "eos_token_id": 0},
        {"query_key_value": "layers.0.self_attn.dense"},
    ),
    "Phi3Model": (
        {**GROUPED, "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0},
        {"qkv_proj": "layers.0.self_attn.o_proj", "gate_up_proj": "layers.0.mlp"},
    ),
    "MixtralModel": ({**GROUPED, "num_local_experts": 2}, {"gate_up_proj": "layers.0.mlp.experts"}),
    "vit_tiny_patch16_224": ({"depth": 1, "embed_dim": 48, "num_heads": 3}, {"qkv": "blocks.0.attn.proj"}),
    "swin_tiny_patch4_window7_224": ({"depths": (1,), "embed_dim": 24, "num_heads": (3,)}, {"qkv": "layers.0.blocks.0.attn.proj"}),
}


def made(name: str) -> tuple[nn.Module, torch.Tensor]:
    """A small model without biases, and something to put into it."""
    config, _ = MODELS[name]
    torch.manual_seed(0)
    if hasattr(transformers, name):
        kind = getattr(transformers, name)
        settings = kind.config_class(**config)
        settings._attn_implementation = settings._experts_implementation = "eager"
        model, given = kind(settings), torch.randint(50, (1, 6))
    else:
        model, given = timm.create_model(name, pretrained=False, **config), torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "bias" in parameter_name:
                parameter.zero_()
            elif parameter.ndim > 1:
                parameter.normal_(std=0.2)
    return model.eval().double(), given if given.dtype == torch.int64 else given.double()


def matrices(route) -> list[torch.Tensor]:
    """For each block of a view, or index of its last batch axis, the places of its elements in the parameter."""
    places = torch.arange(torch.Size(route.shape).numel())
    places = places.reshape(route.view.shape or route.shape)
    if route.view.split is None:
        return [places[..., index] for index in range(places.shape[-1])]
    return list(places.split(list(route.view.split[1]), dim=route.view.split[0]))


def output(model: nn.Module, module: str, given: torch.Tensor) -> torch.Tensor:
    """What a module gives, for what it gets of the model."""
    seen: list[torch.Tensor] = []
    hook = model.get_submodule(module).register_forward_hook(lambda _, __, result: seen.append(result))
    with torch.no_grad():
        model(given)
    hook.remove()
    return seen[0]


@pytest.mark.parametrize("name", MODELS)
def test_the_matrices_of_a_view_are_those_the_model_uses(name):
    model, given = made(name)
    for part, module in MODELS[name][1].items():
        [route] = [each for each in route_module(model, split_fused=True) if part in each.name and each.view is not None]
        assert route.optimizer == "Muon" and " in one" in route.reason
        weight = model.get_parameter(route.name).data.view(-1)
        before, plain = output(model, module, given), weight.clone()
        assert before.abs().max() > 1e-6
        *first, last = matrices(route)
        assert sum(each.numel() for each in (*first, last)) == weight.numel()
        weight[last.flatten()] *= 2
        assert torch.allclose(output(model, module, given), 2 * before, rtol=1e-9, atol=0)
        weight.copy_(plain)
        if len(first) == 2:
            weight[first[0].flatten()] *= 2
            weight[first[1].flatten()] /= 2
            assert torch.allclose(output(model, module, given), before, rtol=1e-9, atol=1e-12)
            weight.copy_(plain)
            weight[first[0].flatten()] *= 2
            assert not torch.allclose(output(model, module, given), before, rtol=1e-6, atol=1e-9)
            weight.copy_(plain)


def test_gpt_oss_alternates():
    config = transformers.GptOssConfig(**GROUPED, num_local_experts=2, head_dim=8, pad_token_id=0)
    [route] = [each for each in route_module(transformers.GptOssModel(config), split_fused=True)
               if each.name.endswith("gate_up_proj")]
    gate, up = matrices(route)
    assert gate[0, 0].tolist() == [*range(0, 96, 2)] and up[0, 0].tolist() == [*range(1, 96, 2)]
