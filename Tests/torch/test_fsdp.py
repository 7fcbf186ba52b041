"""DTensors, as FSDP2 makes them, on 2, 3 and 4 ranks: the bits of one process."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as dist
from ranks import group, has, mesh_of
from sharded import STATE_OF_ITS_OWN, Net, contents, differences, gradients, model_on, optimizers_of
from sharded import sharded, trained
from torch import nn
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

import libmuon
from libmuon.torch import Muon

pytestmark = group

MESHES = [(2,), (3,), (4,), (2, 2)]


def replicated(net, mesh):
    for name, p in [*net.named_parameters()]:
        placed = distribute_tensor(p.detach(), mesh, [Replicate()] * mesh.ndim, src_data_rank=None)
        setattr(net, name, nn.Parameter(placed))
    return net


def mixed(net, mesh):
    """Every other parameter is a DTensor."""
    for number, (name, p) in enumerate([*net.named_parameters()]):
        if number % 2:
            placements = [*[Replicate()] * (mesh.ndim - 1), Shard(0)]
            placed = distribute_tensor(p.detach(), mesh, placements, src_data_rank=None)
            setattr(net, name, nn.Parameter(placed))
    return net


def as_one(rank, extents, place, dtype, options, together):
    mesh = mesh_of(*extents)
    if not has(mesh, rank):
        return None
    alone = Net(dtype)
    expected = trained(alone, optimizers_of(alone, **options), 3)
    net = place(Net(dtype), mesh)
    optimizers = optimizers_of(net, **options)
    found = trained(net, optimizers, 3, together=together)
    for optimizer in optimizers:
        for p, own in optimizer.state.items():
            for key, value in own.items():
                if isinstance(p, DTensor) and key not in ("step", "radius", "second_momentum_buffer"):
                    assert value.placements == p.placements and value.shape == p.shape, key
    return differences(expected, found)


@pytest.mark.parametrize("extents", MESHES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("options", [{}, STATE_OF_ITS_OWN], ids=["plain", "more state"])
def test_steps_have_the_bits_of_one_process(ranks, extents, dtype, options):
    found = ranks.run(as_one, extents, sharded, dtype, options, False)
    assert [each for each in found if each is not None] == [[]] * torch.Size(extents).numel()


@pytest.mark.parametrize("extents", [(3,), (2, 2)], ids=str)
@pytest.mark.parametrize(
    "options", [{"master": "remainder", "state_dtype": "bf16"}, {"master": "none"}], ids=str
)
def test_and_with_other_masters(ranks, extents, options):
    found = ranks.run(as_one, extents, sharded, torch.bfloat16, options, False)
    assert [each for each in found if each is not None] == [[]] * torch.Size(extents).numel()


@pytest.mark.parametrize("extents", [(3,), (2, 2)], ids=str)
@pytest.mark.parametrize("place", [replicated, mixed])
def test_replicated_and_plain_parameters_have_them_too(ranks, extents, place):
    found = ranks.run(as_one, extents, place, torch.float32, STATE_OF_ITS_OWN, True)
    assert [each for each in found if each is not None] == [[]] * torch.Size(extents).numel()


def seen_as_blocks(rank, extents):
    mesh = mesh_of(*extents)
    if not has(mesh, rank):
        return None
    shapes = [(96, 32), (4, 24, 16), (24, 40), (60,)]
    views = [libmuon.View(split=(0, [32, 48, 16])), libmuon.View("boi"),
             libmuon.View("io", split=(1, [10, 30])), libmuon.View("oi", shape=(-1, 6))]

    def made(net):
        groups = [
            {"params": [each], "view": view}
            for each, view in zip(net.named_parameters(), views, strict=True)
        ]
        return [Muon(groups, lr=0.02, second_moment="normuon", hyperball=True, weight_decay=0.0)]

    alone, net = Net(shapes=shapes), sharded(Net(shapes=shapes), mesh)
    both, optimizers = made(alone), made(net)
    expected = trained(alone, both, 3)
    found = differences(expected, trained(net, optimizers, 3))
    optimizers[0].load_state_dict(optimizers[0].state_dict())
    expected = trained(alone, both, 2, first=3)
    return found + differences(expected, trained(net, optimizers, 2, first=3))


@pytest.mark.parametrize("extents", [(3,), (4,), (2, 2)], ids=str)
def test_views_have_the_bits_of_one_process(ranks, extents):
    found = ranks.run(seen_as_blocks, extents)
    assert [each for each in found if each is not None] == [[]] * torch.Size(extents).numel()


# ---- A model that runs


def fitted(rank, extents):
    mesh = mesh_of(*extents) if extents else None
    if extents and not has(mesh, rank):
        return None
    model, optimizer = model_on(mesh)
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(13, (8, 5), generator=generator)
    y = torch.randint(7, (8, 5), generator=generator)
    losses = []
    for _ in range(5):
        loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def test_training_goes_as_in_one_process(ranks):
    [expected, *_] = ranks.run(fitted, ())
    assert expected[-1] < expected[0]
    for found in ranks.run(fitted, (2, 2)):
        # All ranks have the same batch; the mean of their gradients is rounded.
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


# ---- Memory


def memory(rank):
    mesh = mesh_of(4)
    shapes = [(64, 32)] * 9 + [(16, 8)] * 5
    net = sharded(Net(shapes=shapes), mesh)
    optimizer = Muon(net.named_parameters())
    for number in range(3):
        gradients(net, number)
        optimizer.step()
    rings = optimizer._side.exchange.rings.values()
    owned = [each for each in optimizer._side.matrices.values() if each.owner == rank]
    assert not any(each.taken for each in rings)
    return sum(each.memory.numel() for each in rings), len(owned)


def test_no_more_than_nine_matrices_are_in_memory_beside_the_state(ranks):
    found = ranks.run(memory)
    assert all(numel <= 9 * 64 * 32 for numel, _ in found)
    assert sum(count for _, count in found) == 14


def moved(rank):
    """Replicated parameters are stepped where they lie, and may move."""
    mesh = mesh_of(2)
    if not has(mesh, rank):
        return None
    shapes = [(24, 16)] * 4
    alone, net = Net(shapes=shapes), replicated(Net(shapes=shapes), mesh)
    both, optimizers = ([Muon(each.named_parameters())] for each in (alone, net))
    found = []
    for number in range(4):
        trained(alone, both, 1, first=number)
        trained(net, optimizers, 1, first=number)
        found += differences(contents(alone, both), contents(net, optimizers))
        # Parameter and momentum change places: the library is still bound to what lies there now.
        for p, own in optimizers[0].state.items():
            pair = p._local_tensor, own["momentum_buffer"]._local_tensor
            memory, values = [each.data for each in pair], [each.detach().clone() for each in pair]
            for each, place, value in zip(pair, reversed(memory), values):
                each.data = place
                each.detach().copy_(value)
    engines = {id(each.engine): each.engine for each in optimizers[0]._side.matrices.values()}
    return found, len(engines)


def test_parameters_that_move(ranks):
    assert ranks.run(moved)[:2] == [([], 1)] * 2


def alive(rank):
    return dist.get_rank() == rank


def test_the_ranks_are_there_still(ranks):
    assert ranks.run(alive) == [True] * 4
