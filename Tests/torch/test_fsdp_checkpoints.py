"""Checkpoints of DTensors: saved on three ranks, and gone on from on others, to the bit."""

from __future__ import annotations

import pytest
import torch
import torch.distributed.checkpoint as dcp
from ranks import group, has, mesh_of
from sharded import STATE_OF_ITS_OWN, Net, contents, differences, model_on, optimizers_of, sharded
from sharded import trained
from torch.distributed.checkpoint.state_dict import (
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.tensor import Shard, distribute_tensor

pytestmark = group


def saved_by_three(rank, folder):
    mesh = mesh_of(3)
    if not has(mesh, rank):
        return None
    model, optimizer = model_on(mesh)
    trained(model, [optimizer], 3)
    state = {
        "model": get_model_state_dict(model),
        "optimizer": get_optimizer_state_dict(model, optimizer),
    }
    dcp.save(state, checkpoint_id=folder, process_group=mesh.get_group())
    # So that what follows has something to compare with.
    found = trained(model, [optimizer], 2, first=3)
    if rank == 0:
        torch.save(found, f"{folder}/expected.pt")
    return True


def resumed(rank, folder, extents):
    mesh = mesh_of(*extents) if extents else None
    if rank > 0 and not extents or extents and not has(mesh, rank):
        return None
    model, optimizer = model_on(mesh)
    state = {
        "model": get_model_state_dict(model),
        "optimizer": get_optimizer_state_dict(model, optimizer),
    }
    own = mesh.get_group() if mesh and mesh.ndim == 1 else None
    dcp.load(state, checkpoint_id=folder, process_group=own, no_dist=mesh is None)
    set_model_state_dict(model, state["model"])
    set_optimizer_state_dict(model, optimizer, state["optimizer"])
    found = trained(model, [optimizer], 2, first=3)
    return differences(torch.load(f"{folder}/expected.pt"), found)


def test_three_ranks_resumed_on_others(ranks, tmp_path):
    ranks.run(saved_by_three, str(tmp_path))
    for extents in [(), (1,), (2,), (4,), (2, 2)]:
        found = ranks.run(resumed, str(tmp_path), extents)
        count = torch.Size(extents).numel()
        assert found == [[]] * count + [None] * (len(found) - count), extents


def plain_state_dicts(rank):
    mesh = mesh_of(3)
    if not has(mesh, rank):
        return None
    alone = Net()
    both = optimizers_of(alone, **STATE_OF_ITS_OWN)
    trained(alone, both, 2)
    net = sharded(Net(), mesh)
    for (_, p), q in zip(net.named_parameters(), alone.parameters()):
        p.data.copy_(distribute_tensor(q.detach(), mesh, [Shard(0)], src_data_rank=None))
    optimizers = optimizers_of(net, **STATE_OF_ITS_OWN)
    for optimizer, other in zip(optimizers, both):
        optimizer.load_state_dict(other.state_dict())
    expected, found = (
        trained(each, own, 2, first=2) for each, own in ((alone, both), (net, optimizers))
    )
    saved = both[0].state_dict()
    saved["state"][0]["momentum_buffer"] = torch.zeros(768, 100)
    with pytest.raises(ValueError, match=r"weight0: momentum_buffer: .*\(769, 100\).*768"):
        optimizers[0].load_state_dict(saved)
    return differences(expected, found) + differences(found, contents(net, optimizers))


def whole_in_the_state(rank):
    mesh = mesh_of(2)
    if not has(mesh, rank):
        return None
    net = sharded(Net(), mesh)
    optimizers = optimizers_of(net)
    before = trained(net, optimizers, 2)
    own = optimizers[0].state[net.weight0]
    own["momentum_buffer"] = own["momentum_buffer"].full_tensor()
    found = trained(net, optimizers, 2, first=3)
    assert own["momentum_buffer"].placements == (Shard(0),)
    again = sharded(Net(), mesh)
    others = optimizers_of(again)
    return differences(before, trained(again, others, 2)) + differences(
        found, trained(again, others, 2, first=3)
    )


def test_whole_tensors_in_the_state_are_taken_apart_too(ranks):
    assert ranks.run(whole_in_the_state)[:2] == [[]] * 2


def test_state_dicts_of_one_process_are_taken_apart(ranks):
    assert ranks.run(plain_state_dicts)[:3] == [[]] * 3
