"""A training loop of accelerate with Muon and AdamW: one call is another.

    pip install "libmuon[torch]" accelerate
    python accelerate_loop.py
"""

import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from libmuon.torch import MuonWithAdamW


def main() -> None:
    torch.manual_seed(0)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    x = torch.randn(512, 16)
    y = torch.tanh(x @ torch.randn(16, 16)) @ torch.randn(16, 4)
    data = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4))
    optimizer = MuonWithAdamW(model, lr=3e-3)  # was: torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=8 * 8)
    model, optimizer, data, schedule = accelerator.prepare(model, optimizer, data, schedule)
    losses = []
    for _ in range(8):
        for inputs, targets in data:
            with accelerator.accumulate(model):
                loss = nn.functional.mse_loss(model(inputs), targets)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
            losses.append(loss.item())
    first, last = sum(losses[:16]) / 16, sum(losses[-16:]) / 16
    print(f"loss of the first epoch {first:.3f}, of the last {last:.3f}")
    assert last < first / 2


if __name__ == "__main__":
    main()
