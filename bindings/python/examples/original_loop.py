#!/usr/bin/env python3
"""A training loop that was written for other builders; to use libmuon, one line is another."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

from libmuon.torch import build_optimizers, build_schedulers  # the line

CONFIG = {
    "training": {
        "optimizer": "Muon",
        "learning_rate": 0.02,
        "weight_decay": 0.01,
        "n_epochs": 20,
        "warmup_steps": 20,
        "lr_schedule": "cosine",
        "batch_size": 64,
    },
}


class TrainingSetup:
    """A model and its data: points of the plane, and which of the arms of a spiral they are on."""

    def __init__(self, config, arms=3, points=500):
        arm = torch.arange(arms).repeat_interleave(points)
        radius = torch.rand(arms * points)
        angle = 2 * torch.pi * arm / arms + 5 * radius + 0.15 * torch.randn(arms * points)
        positions = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
        self.data = TensorDataset(positions, arm)
        batch_size = config["training"]["batch_size"]
        self.train_dataloader = DataLoader(self.data, batch_size, shuffle=True)
        self.model = nn.Sequential(
            nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, arms)
        )


def train(config, setup):
    """Trains the model of a setup, and returns the mean loss of the last epoch."""
    optimizers = build_optimizers(setup.model.parameters(), config)
    schedulers = build_schedulers(optimizers, config, setup)
    loss_function = nn.CrossEntropyLoss()
    progress = tqdm(range(config["training"]["n_epochs"]), unit="epoch")
    for _ in progress:
        total = 0.0
        for inputs, targets in setup.train_dataloader:
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss = loss_function(setup.model(inputs), targets)
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            for scheduler in schedulers:
                scheduler.step()
            total += loss.item()
        mean = total / len(setup.train_dataloader)
        progress.set_postfix(loss=f"{mean:.4f}", lr=f"{schedulers[0].get_last_lr()[0]:.2e}")
    return mean


@torch.no_grad()
def accuracy(setup):
    inputs, targets = setup.data.tensors
    return (setup.model(inputs).argmax(dim=1) == targets).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=CONFIG["training"]["n_epochs"])
    CONFIG["training"]["n_epochs"] = parser.parse_args().epochs
    torch.manual_seed(0)
    setup = TrainingSetup(CONFIG)
    print(f"loss {train(CONFIG, setup):.4f}")
    print(f"accuracy {accuracy(setup):.4f}")


if __name__ == "__main__":
    main()
