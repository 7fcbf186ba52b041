"""What share of a model's weights MuonWithAdamW gives to Muon, for known architectures.

Prints the table of docs/routing.md: .venv-clients/bin/python Tests/clients/survey.py
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import timm
import torch
import transformers
from torch import nn

from libmuon.torch import route_module

# Of the real widths only some: the shares are those of these sizes.
SMALL = {
    "hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 4, "num_attention_heads": 4,
    "vocab_size": 1000,
}
GROUPED = {**SMALL, "num_key_value_heads": 2}
EXPERTS = {"moe_intermediate_size": 128, "num_experts_per_tok": 2}
LANGUAGE = {
    "GPT2LMHeadModel": {"n_embd": 256, "n_layer": 4, "n_head": 4, "vocab_size": 1000, "n_positions": 256,
                        "bos_token_id": 0, "eos_token_id": 0},
    "LlamaForCausalLM": GROUPED,
    "Phi3ForCausalLM": {**GROUPED, "pad_token_id": 0},
    "GPTNeoXForCausalLM": SMALL,
    "MixtralForCausalLM": {**GROUPED, "num_local_experts": 4},
    "Qwen3MoeForCausalLM": {**GROUPED, **EXPERTS, "num_experts": 8, "head_dim": 64},
    "GptOssForCausalLM": {**GROUPED, "num_local_experts": 4, "head_dim": 64, "pad_token_id": 0},
    "MambaForCausalLM": {"hidden_size": 256, "num_hidden_layers": 4, "vocab_size": 1000},
    "BertForMaskedLM": SMALL,
    "T5ForConditionalGeneration": {"d_model": 256, "d_ff": 1024, "num_layers": 4, "num_heads": 4,
                                   "d_kv": 64, "vocab_size": 1000},
    "ViTForImageClassification": {key: each for key, each in SMALL.items() if key != "vocab_size"},
    "Wav2Vec2ForCTC": {**SMALL, "vocab_size": 32},
}
VISION = [
    "resnet18", "resnext50_32x4d", "densenet121", "convnext_tiny", "efficientnet_b0", "mobilenetv3_small_100",
    "regnety_002", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "mixer_s16_224", "poolformer_s12",
    "eva02_tiny_patch14_224",
]


def language_model(name: str) -> nn.Module:
    kind = getattr(transformers, name)
    return kind(kind.config_class(**LANGUAGE[name]))


MODELS: dict[str, Callable[[], nn.Module]] = {
    **{name: lambda name=name: language_model(name) for name in LANGUAGE},
    **{name: lambda name=name: timm.create_model(name, pretrained=False) for name in VISION},
}


def shares(name: str) -> tuple[str, str, str]:
    """The parameters in millions, and what per cent of the elements of its matrices are Muon's: of all of them, and of
    those that are hidden."""
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = MODELS[name]()
        count = {name: parameter.numel() for name, parameter in module.named_parameters()}
        routes = route_module(module)
    muon = sum(count[route.name] for route in routes if route.optimizer == "Muon")
    matrices = sum(count[route.name] for route in routes if len(route.shape) > 1)
    hidden = sum(count[route.name] for route in routes if route.is_hidden)
    return f"{sum(count.values()) / 1e6:.1f}", f"{100 * muon / matrices:.0f}", f"{100 * muon / hidden:.0f}"


if __name__ == "__main__":
    for name in MODELS:
        print(f"| {name} | {' | '.join(shares(name))} |", flush=True)
