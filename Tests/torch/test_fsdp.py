"""DTensors, as FSDP2 makes them, on 2, 3 and 4 ranks: the bits of one process."""

from __future__ import annotations

import logging

import pytest
import torch
import torch.distributed as dist
from ranks import group, has, mesh_of
from sharded import STATE_OF_ITS_OWN, Net, contents, differences, gradients, model_on, optimizers_of
from sharded import sharded, trained
from torch import nn
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor

import libmuon
from libmuon.torch import AdamW, Muon, clip_grad_norm, step

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


# ---- What one rank cannot do, none does


def refused(rank, extents, nonfinite, name):
    mesh = mesh_of(*extents)
    if not has(mesh, rank):
        return None
    net = sharded(Net(), mesh)
    optimizers = optimizers_of(net, nonfinite=nonfinite)
    before = trained(net, optimizers, 1)
    gradients(net, 1, nan_in=name)
    message, said = "", []
    listener = logging.Handler()
    listener.emit = said.append
    logging.getLogger("libmuon").addHandler(listener)
    try:
        step(optimizers)
    except libmuon.NonFiniteGradientError as error:
        message = str(error)
    finally:
        logging.getLogger("libmuon").removeHandler(listener)
    same = differences(before, contents(net, optimizers))
    # And nothing is wrong with the next step.
    alone = Net()
    both = optimizers_of(alone)
    trained(alone, both, 1)
    after = differences(trained(alone, both, 2, first=5), trained(net, optimizers, 2, first=5))
    return message, same, after, optimizers[0].skipped_steps, [each.getMessage() for each in said]


@pytest.mark.parametrize("extents", [(3,), (2, 2)], ids=str)
@pytest.mark.parametrize("name", ["weight0", "weight4", "weight9"])
def test_nan_in_one_shard_stops_all_ranks(ranks, extents, name):
    for found in ranks.run(refused, extents, "error", name):
        if found is not None:
            message, same, after, skipped, said = found
            assert name in message
            assert same == after == said == [] and skipped == 0


def test_or_all_ranks_skip_the_step(ranks):
    for message, same, after, skipped, [said] in ranks.run(refused, (4,), "skip", "weight0"):
        assert (message, same, after, skipped) == ("", [], [], 1)
        # Of 769 rows the last rank has the last.
        assert said.startswith("a step was skipped on all ranks, for rank 3: the gradient of parameter weight0")


def too_large(rank):
    mesh = mesh_of(3)
    if not has(mesh, rank):
        return None
    net = sharded(Net(), mesh)
    optimizers = optimizers_of(net, momentum_style="classic")
    trained(net, optimizers, 1)
    # Finite, but not together.
    if rank == 1:
        for each in (optimizers[0].state[net.weight0]["momentum_buffer"], net.weight0.grad):
            each.to_local()[-1, -1] = 3e38
    before = contents(net, optimizers)
    with pytest.raises(libmuon.NonFiniteGradientError, match="weight0"):
        step(optimizers)
    return differences(before, contents(net, optimizers))


def test_a_momentum_that_would_be_infinite_in_one_shard_stops_all_ranks(ranks):
    assert ranks.run(too_large)[:3] == [[]] * 3


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


def unlike(rank, what):
    mesh = mesh_of(2)
    if not has(mesh, rank):
        return None
    net = sharded(Net(), mesh)
    optimizers = optimizers_of(net)
    trained(net, optimizers, 1)
    before = contents(net, optimizers)
    gradients(net, 1)
    if rank == 1:
        if what == "lr":
            optimizers[0].param_groups[0]["lr"] = 0.03
        elif what == "nonfinite":
            optimizers[0].nonfinite = "skip"
        elif what == "gradient":
            net.weight3.grad = None
        elif what == "steps":
            optimizers[1].state[net.weight8]["step"] += 1
        elif what == "memory":
            # A view that has lost its memory: a failure of this rank alone.
            net.weight7.grad._local_tensor.untyped_storage().resize_(0)
        elif what == "type":
            optimizers[0].param_groups[0]["lr"] = "much"
    message = ""
    try:
        step(optimizers)
    except (libmuon.ExchangeError, ValueError, TypeError) as error:
        message = f"{type(error).__name__}: {error}"
    if what == "memory":
        gradients(net, 1)
    return message, differences(before, contents(net, optimizers)) if what != "steps" else []


@pytest.mark.parametrize(
    "what, expected",
    [
        ("lr", ["ranks differ: 'Muon: lr=0.0", "lr=0.02", "lr=0.03"]),
        ("nonfinite", ["ranks differ", "'skip'", "'error'"]),
        ("gradient", ["ranks differ", "a gradient of weight3"]),
        ("steps", ["ranks differ", "step 1", "step 2"]),
        ("memory", ["the gradient of weight7: its memory has been freed or shrunk"]),
        ("type", ["lr: a number is expected, not 'much'"]),
    ],
)
def test_ranks_that_differ_are_an_error_of_all(ranks, what, expected):
    for found in ranks.run(unlike, what)[:2]:
        message, changed = found
        assert all(part in message for part in expected), message
        assert changed == []


def other_shapes(rank):
    mesh = mesh_of(2)
    if not has(mesh, rank):
        return None
    net = Net(shapes=[(6, 4), (6, 5 + rank)])
    for name, p in [*net.named_parameters()]:
        local = p.detach()[3 * rank : 3 * rank + 3]
        placed = DTensor.from_local(local, mesh, [Shard(0)], shape=p.shape, stride=p.stride())
        setattr(net, name, nn.Parameter(placed))
        getattr(net, name).grad = placed.detach().clone()
    with pytest.raises(libmuon.ExchangeError, match=r"ranks differ.*shape \(6, [56]\).*shape \(6, [56]\)"):
        Muon(net.named_parameters()).step()
    return True


def test_shapes_are_compared_before_anything_is_sent(ranks):
    assert ranks.run(other_shapes)[:2] == [True, True]


def refused_placements(rank):
    mesh, plane = mesh_of(2), mesh_of(2, 2)
    messages = []
    for where, placements in [
        (mesh, [Shard(1)]), (mesh, [Partial()]), (plane, [Shard(0), Replicate()]),
        (plane, [Shard(0), Shard(0)]),
    ]:
        if has(where, rank):
            local = torch.zeros(4, 4)
            p = nn.Parameter(DTensor.from_local(local, where, placements))
            for kind in (Muon, AdamW):
                with pytest.raises(NotImplementedError) as error:
                    kind([("layer.weight", p)])
                messages.append((str(error.value), str(tuple(placements))))
    net = sharded(Net(), plane)
    optimizers = optimizers_of(net)
    gradients(net, 0)
    with pytest.raises(NotImplementedError, match="torch.nn.utils.clip_grad_norm_"):
        clip_grad_norm(optimizers, 1.0)
    net.weight1.grad = distribute_tensor(torch.zeros(5, 64), plane, [Replicate()] * 2)
    with pytest.raises(ValueError, match="the gradient of weight1: placements"):
        optimizers[0].step()
    if has(mesh, rank):
        other = sharded(Net(), mesh)
        both = Muon([("a", net.weight0), ("b", other.weight0)])
        gradients(other, 0)
    else:
        both = Muon([("a", net.weight0)])
    with pytest.raises(libmuon.MuonError, match="all DTensors of a step are expected on one mesh|rank 1"):
        both.step()
    return messages


def test_other_placements_are_refused_by_name(ranks):
    for messages in ranks.run(refused_placements):
        for message, placements in messages:
            assert "layer.weight" in message and placements in message


def broken_in_the_middle(rank):
    mesh = mesh_of(3)
    if not has(mesh, rank):
        return None
    net = sharded(Net(), mesh)
    optimizers = optimizers_of(net)
    trained(net, optimizers, 1)
    saved = [each.state_dict() for each in optimizers]
    engines = [each.engine for each in optimizers[0]._side.matrices.values()]
    if rank == 1:
        def fail(label, memory):
            raise libmuon.OutOfMemoryError(f"{label}: no memory")

        for engine in engines:
            engine.step = fail
    gradients(net, 1)
    for message in ("rank 1 failed in the middle of a step.*no memory", "load a checkpoint"):
        with pytest.raises(libmuon.ExchangeError, match=message):
            optimizers[0].step()
    optimizers[0].load_state_dict(saved[0])
    optimizers[0].step()
    return True


def test_a_failure_in_the_middle_is_one_of_all_until_a_checkpoint_is_loaded(ranks):
    assert ranks.run(broken_in_the_middle)[:3] == [True] * 3


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
