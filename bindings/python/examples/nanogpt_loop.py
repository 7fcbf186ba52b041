"""nanoGPT's loop with Muon and AdamW: its configure_optimizers becomes one call.

    pip install "libmuon[torch]"
    python nanogpt_loop.py
"""

import math

import torch
from torch import nn

from libmuon.torch import MuonWithAdamW

LEARNING_RATE, WARMUP, STEPS, ACCUMULATION = 5e-3, 10, 100, 2


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.c_fc, self.c_out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = self.c_attn(self.ln_1(x)).chunk(3, -1)
        x = x + self.c_proj(nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True))
        return x + self.c_out(nn.functional.gelu(self.c_fc(self.ln_2(x))))


def main() -> None:
    torch.manual_seed(0)
    model = nn.ModuleDict({
        "wte": nn.Embedding(32, 48), "wpe": nn.Embedding(16, 48), "h": nn.ModuleList([Block(48), Block(48)]),
        "ln_f": nn.LayerNorm(48), "lm_head": nn.Linear(48, 32, bias=False),
    })
    # was: optimizer = model.configure_optimizers(weight_decay, learning_rate, (beta1, beta2), device_type)
    optimizer = MuonWithAdamW(model, LEARNING_RATE, 0.1, adamw={"betas": (0.9, 0.95)}, no_decay=True)
    print(optimizer.routes)
    for step in range(STEPS):
        decayed = 0.5 * (1 + math.cos(math.pi * max(0, step - WARMUP) / (STEPS - WARMUP)))
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min((step + 1) / WARMUP, decayed)
        for _ in range(ACCUMULATION):
            start = torch.randint(32, (8, 1))
            tokens = (start + torch.arange(17) * (1 + start % 3)) % 32
            x = model["wte"](tokens[:, :-1]) + model["wpe"](torch.arange(16))
            for block in model["h"]:
                x = block(x)
            logits = model["lm_head"](model["ln_f"](x))
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
            (loss / ACCUMULATION).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    print(f"loss after {STEPS} steps: {loss.item():.3f}")
    assert loss.item() < 1.0


if __name__ == "__main__":
    main()
