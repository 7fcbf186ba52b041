"""Parameters as FSDP2 has them and as one process has them, trained on the same gradients, and compared."""

from __future__ import annotations

import torch
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from libmuon.torch import AdamW, Muon, MuonWithAdamW, step

# Uneven, of fewer rows than ranks, of one row, of one column; stacks of more and fewer matrices than
# ranks; a convolution; what is no matrix.
SHAPES = [(769, 100), (5, 64), (1, 64), (64, 1), (5, 16, 24), (2, 24, 16), (12, 4, 3, 3), (33, 40),
          (64,), (3,)]
STATE_OF_ITS_OWN = {"second_moment": "normuon_long", "hyperball": True, "weight_decay": 0.0}


class Net(nn.Module):
    def __init__(self, dtype=torch.float32, shapes=SHAPES):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        for number, shape in enumerate(shapes):
            values = torch.randn(shape, generator=generator).to(dtype)
            setattr(self, f"weight{number}", nn.Parameter(values))


def optimizers_of(net, **options):
    named = [*net.named_parameters()]
    return [
        Muon([each for each in named if each[1].ndim > 1], lr=0.02, higher_dims="auto", **options),
        AdamW([each for each in named if each[1].ndim < 2], lr=0.01),
    ]


def gradients(net, number, nan_in=None):
    """The same ones for the same number, whole or as the parameters lie."""
    generator = torch.Generator().manual_seed(number)
    for name, p in net.named_parameters():
        grad = torch.randn(p.shape, generator=generator).to(p.dtype)
        if number == 2 and name == "weight1":
            p.grad = None  # it is passed over
            continue
        if name == nan_in:
            grad.view(-1)[-1] = torch.nan
        if isinstance(p, DTensor):
            grad = distribute_tensor(grad, p.device_mesh, p.placements, src_data_rank=None)
        p.grad = grad


def whole(value):
    if not isinstance(value, DTensor):
        return value
    if value.dtype is torch.int16:  # which gloo does not gather
        return value.to(torch.int32).full_tensor().to(torch.int16)
    return value.full_tensor()


def contents(net, optimizers):
    """Everything that training changes, by name, whole."""
    result = {}
    for name, p in net.named_parameters():
        result[name] = whole(p.detach()).clone()
        for optimizer in optimizers:
            for key, value in optimizer.state.get(p, {}).items():
                result[f"{name} {key}"] = whole(value).clone()
    return result


def differences(one, other):
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]


def sharded(net, mesh):
    fully_shard(net, mesh=mesh)
    return net


def trained(net, optimizers, steps, first=0, together=False):
    for number in range(first, first + steps):
        gradients(net, number)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = 0.02 / (1 + number)
            if not together:
                optimizer.step()
        if together:
            step(optimizers)
    return contents(net, optimizers)


class Model(nn.Module):
    """What fully_shard and MuonWithAdamW are for."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.embedding = nn.Embedding(13, 24)
        self.layers = nn.ModuleList(nn.Linear(24, 24) for _ in range(3))
        self.wide = nn.Linear(24, 50)
        self.head = nn.Linear(50, 7)

    def forward(self, x):
        x = self.embedding(x)
        for layer in self.layers:
            x = x + torch.tanh(layer(x))
        return self.head(torch.relu(self.wide(x)))


def model_on(mesh):
    model = Model()
    if mesh is not None:
        for layer in model.layers:
            fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
    return model, MuonWithAdamW(model, lr=0.01)
