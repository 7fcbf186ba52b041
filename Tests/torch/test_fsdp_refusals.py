"""What one rank cannot do, none does: NaN in one shard, ranks that differ, placements, failures."""

from __future__ import annotations

import logging

import pytest
import torch
from ranks import group, has, mesh_of
from sharded import Net, contents, differences, gradients, optimizers_of, sharded, trained
from torch import nn
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor

import libmuon
from libmuon.torch import AdamW, Muon, clip_grad_norm, step

pytestmark = group


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
