"""Two processes on this machine, gradients averaged by DistributedDataParallel over gloo."""

from __future__ import annotations

import socket

import torch
import torch.distributed
import torch.multiprocessing
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from libmuon.torch import AdamW, Muon

STEPS = 5


def model():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))


def data(rank):
    generator = torch.Generator().manual_seed(rank)
    return torch.randn(16, 8, generator=generator), torch.randn(16, 4, generator=generator)


def optimizers(net):
    named = list(net.named_parameters())
    return (
        Muon([each for each in named if each[1].ndim == 2], lr=0.05),
        AdamW([each for each in named if each[1].ndim != 2], lr=0.05),
    )


def train(net, both, rank_data):
    x, y = rank_data
    for _ in range(STEPS):
        for optimizer in both:
            optimizer.zero_grad()
        nn.functional.mse_loss(net(x), y).backward()
        for optimizer in both:
            optimizer.step()


def worker(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2
    )
    for views in (False, True):  # gradients of their own, or in the memory of what is sent
        net = DistributedDataParallel(model(), gradient_as_bucket_view=views)
        train(net, optimizers(net), data(rank))
        torch.save(net.module.state_dict(), f"{folder}/{rank}-{views}.pt")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def test_two_processes_train_as_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(worker, (port, str(tmp_path)), nprocs=2)

    net = model()
    train(net, optimizers(net), [torch.cat(each) for each in zip(data(0), data(1))])
    for views in (False, True):
        one, two = (torch.load(tmp_path / f"{rank}-{views}.pt") for rank in range(2))
        for name, value in net.state_dict().items():
            assert torch.equal(one[name], two[name])
            torch.testing.assert_close(one[name], value, rtol=1e-4, atol=1e-5)
