"""Trains a small model on several ranks. one_process.py is the same program in one process."""

import torch
import torch.distributed.fsdp
from torch import nn

from libmuon.torch import MuonWithAdamW

torch.distributed.init_process_group("gloo")
torch.manual_seed(0)
model = nn.Sequential(
    nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 250), nn.GELU(), nn.Linear(250, 10)
)
torch.distributed.fsdp.fully_shard(model)
optimizer = MuonWithAdamW(model, lr=0.01)

inputs = torch.randn(512, 64)
targets = (inputs @ torch.randn(64, 10)).argmax(dim=1)
rows = slice(torch.distributed.get_rank(), None, torch.distributed.get_world_size())
for _ in range(20):
    loss = nn.functional.cross_entropy(model(inputs[rows]), targets[rows])
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
print(f"loss {loss.item():.6f}")
torch.distributed.destroy_process_group()
