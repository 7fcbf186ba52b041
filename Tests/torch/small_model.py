"""A small model of all kinds of parameters, and how the tests train and compare it."""

from __future__ import annotations

import io

import torch
from torch import nn


# The matrices of a Model that are hidden.
HIDDEN = [f"blocks.{i}.{layer}.weight" for i in range(2) for layer in ("up", "down")]


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.down(torch.tanh(self.up(self.norm(x))))


class Model(nn.Module):
    """A little of all: embedding, repeated blocks, a norm, an output layer."""

    def __init__(self, head="lm_head", tied=False, blocks=2):
        super().__init__()
        self.wte = nn.Embedding(11, 6)
        self.blocks = nn.ModuleList(Block(6) for _ in range(blocks))
        self.norm = nn.LayerNorm(6)
        if head:
            self.add_module(head, nn.Linear(6, 11, bias=False))
            if tied:
                getattr(self, head).weight = self.wte.weight
        self.head_name = head

    def forward(self, tokens):
        x = self.wte(tokens)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        if not self.head_name:
            return x @ self.wte.weight.T
        return getattr(self, self.head_name)(x)


def made(seed=0, **options):
    torch.manual_seed(seed)
    return Model(**options)


def loss_of(model, seed):
    tokens = torch.randint(11, (4, 5), generator=torch.Generator().manual_seed(seed))
    logits = model(tokens[:, :-1])
    return nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def train(model, optimizers, steps, first=0):
    for seed in range(first, first + steps):
        for each in optimizers:
            each.zero_grad()
        loss_of(model, seed).backward()
        for each in optimizers:
            each.step()


def values(module):
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def assert_equal(one, two):
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert torch.equal(value, two[name]), name


def to(routes, optimizer):
    return [route.name for route in routes if route.optimizer == optimizer]


def saved(optimizer):
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)
