"""Trains a small model in one process. fsdp2.py is the same program on several ranks."""

import torch
from torch import nn

from libmuon.torch import MuonWithAdamW

torch.manual_seed(0)
model = nn.Sequential(
    nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 250), nn.GELU(), nn.Linear(250, 10)
)
optimizer = MuonWithAdamW(model, lr=0.01)

inputs = torch.randn(512, 64)
targets = (inputs @ torch.randn(64, 10)).argmax(dim=1)
rows = slice(None)
for _ in range(20):
    loss = nn.functional.cross_entropy(model(inputs[rows]), targets[rows])
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
print(f"loss {loss.item():.6f}")
