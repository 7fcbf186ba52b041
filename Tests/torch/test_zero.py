"""ZeroRedundancyOptimizer on 2, 3 and 4 ranks: the bits of one process, and all ranks or none."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as dist
from ranks import group, has, mesh_of
from sharded import Net, differences, gradients
from torch.nn.parallel import DistributedDataParallel

import libmuon
from libmuon.torch import AdamW, Muon, ZeroRedundancyOptimizer

pytestmark = group

SHAPES = [(40, 30), (30, 40), (8, 64), (64, 8), (20, 20), (16, 16)]
KINDS = {"Muon": Muon, "AdamW": AdamW}


def net_of(dtype=torch.float32):
    return Net(dtype, SHAPES)


def groups_of(net):
    params = [*net.parameters()]
    return [{"params": params[:4]}, {"params": params[4:], "lr": 0.03}]


def zero_of(net, kind, mesh, **options):
    kind = KINDS[kind]
    return ZeroRedundancyOptimizer(
        groups_of(net), kind, process_group=mesh.get_group(), lr=0.02, **options
    )


def alone_of(net, kind, **options):
    return KINDS[kind](groups_of(net), lr=0.02, **options)


def trained(net, optimizer, steps, first=0):
    for number in range(first, first + steps):
        gradients(net, number)
        optimizer.step()
    return {name: p.detach().clone() for name, p in net.named_parameters()}


def as_one(rank, count, kind, dtype):
    mesh = mesh_of(count)
    if not has(mesh, rank):
        return None
    one, net = net_of(dtype), net_of(dtype)
    expected = trained(one, alone_of(one, kind), 3)
    return differences(expected, trained(net, zero_of(net, kind, mesh), 3))


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize(
    "kind, dtype", [("Muon", torch.float32), ("AdamW", torch.float32), ("Muon", torch.bfloat16)]
)
def test_steps_have_the_bits_of_one_process(ranks, count, kind, dtype):
    assert ranks.run(as_one, count, kind, dtype)[:count] == [[]] * count


def refused(rank, kind, nonfinite, name):
    mesh = mesh_of(3)
    if not has(mesh, rank):
        return None
    net = net_of()
    optimizer = zero_of(net, kind, mesh, nonfinite=nonfinite)
    before = trained(net, optimizer, 1)
    state = {
        (id(p), key): value.clone()
        for p, own in optimizer.optim.state.items() for key, value in own.items()
    }
    gradients(net, 1, nan_in=name)
    message = ""
    try:
        optimizer.step()
    except libmuon.NonFiniteGradientError as error:
        message = str(error)
    same = differences(before, {name: p.detach() for name, p in net.named_parameters()})
    for p, own in optimizer.optim.state.items():
        same += [key for key, value in own.items() if not torch.equal(value, state[id(p), key])]
    one = net_of()
    alone = alone_of(one, kind)
    trained(one, alone, 1)
    expected, found = (trained(*each, 2, first=2) for each in ((one, alone), (net, optimizer)))
    return message, same, differences(expected, found), optimizer.skipped_steps


@pytest.mark.parametrize("kind", ["Muon", "AdamW"])
def test_nan_on_one_rank_stops_all(ranks, kind):
    for message, same, after, skipped in ranks.run(refused, kind, "error", "weight3")[:3]:
        assert "NaN or infinity" in message
        assert (same, after, skipped) == ([], [], 0)


def test_or_all_skip(ranks):
    for found in ranks.run(refused, "Muon", "skip", "weight3")[:3]:
        assert found == ("", [], [], 1)


def unlike(rank):
    mesh = mesh_of(2)
    if not has(mesh, rank):
        return None
    net = net_of()
    optimizer = zero_of(net, "Muon", mesh)
    trained(net, optimizer, 1)
    optimizer.param_groups[0]["lr"] = 0.02 + 0.01 * rank
    with pytest.raises(libmuon.ExchangeError, match="ranks differ: .*Muon: lr=0.0[23] .*Muon: lr=0.0[23] "):
        trained(net, optimizer, 1)
    optimizer.param_groups[0]["lr"] = -1.0
    with pytest.raises((libmuon.ExchangeError, ValueError), match="lr"):
        trained(net, optimizer, 1)
    other = Net(shapes=[(6, 4), (6, 5 + rank)])
    with pytest.raises(libmuon.ExchangeError, match=r"ranks differ: .*shape \(6, [56]\).*shape \(6, [56]\)"):
        trained(other, zero_of(other, "Muon", mesh), 1)
    with pytest.raises(TypeError, match="optimizer_class: Muon or AdamW of libmuon.torch is expected"):
        ZeroRedundancyOptimizer(net.parameters(), optimizer_class=torch.optim.AdamW)
    with pytest.raises(NotImplementedError, match="overlap_with_ddp"):
        zero_of(net, "Muon", mesh, overlap_with_ddp=True)
    return True


def test_ranks_that_differ_are_an_error_of_all(ranks):
    assert ranks.run(unlike)[:2] == [True, True]


def failing(rank):
    mesh = mesh_of(3)
    if not has(mesh, rank):
        return None
    net = net_of()
    optimizer = zero_of(net, "Muon", mesh)
    if rank == 1:

        def step():
            raise libmuon.OutOfMemoryError("no memory")

        optimizer.optim.step = step
    with pytest.raises(libmuon.ExchangeError, match="rank 1 failed in the middle of a step.*no memory"):
        trained(net, optimizer, 1)
    return True


def test_a_failure_in_the_middle_is_one_of_all(ranks):
    assert ranks.run(failing)[:3] == [True] * 3


def saved_by_three(rank, folder, kind, dtype):
    mesh = mesh_of(3)
    if not has(mesh, rank):
        return None
    net = net_of(dtype)
    optimizer = zero_of(net, kind, mesh)
    trained(net, optimizer, 3)
    optimizer.consolidate_state_dict(to=0)
    if rank == 0:
        saved = {"model": net.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(saved, f"{folder}/saved.pt")
    expected = trained(net, optimizer, 2, first=3)
    if rank == 0:
        torch.save(expected, f"{folder}/expected.pt")
    return True


def resumed(rank, folder, count, kind, dtype):
    mesh = mesh_of(count) if count else None
    if rank > 0 and not count or count and not has(mesh, rank):
        return None
    net = net_of(dtype)
    optimizer = zero_of(net, kind, mesh) if count else alone_of(net, kind)
    saved = torch.load(f"{folder}/saved.pt")
    net.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    expected = torch.load(f"{folder}/expected.pt")
    return differences(expected, trained(net, optimizer, 2, first=3))


@pytest.mark.parametrize(
    "kind, dtype", [("Muon", torch.float32), ("AdamW", torch.float32), ("Muon", torch.bfloat16)]
)
def test_three_ranks_resumed_on_others(ranks, tmp_path, kind, dtype):
    ranks.run(saved_by_three, str(tmp_path), kind, dtype)
    for count in (0, 1, 2, 4):
        found = ranks.run(resumed, str(tmp_path), count, kind, dtype)
        assert found[: max(1, count)] == [[]] * max(1, count), count


def under_ddp(rank):
    mesh = mesh_of(2)
    if not has(mesh, rank):
        return None
    torch.manual_seed(0)
    model = torch.nn.Sequential(*(torch.nn.Linear(16, 16, bias=False) for _ in range(5)))
    wrapped = DistributedDataParallel(model, process_group=mesh.get_group())
    optimizer = ZeroRedundancyOptimizer(
        wrapped.parameters(), Muon, process_group=mesh.get_group(), lr=0.05
    )
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    x = torch.randn(8, 16, generator=torch.Generator().manual_seed(rank))

    def closure():
        optimizer.zero_grad()
        loss = (wrapped(x) - x).square().mean()
        loss.backward()
        return loss

    losses = []
    for _ in range(6):
        losses.append(optimizer.step(closure).item())
        scheduler.step()
    assert losses[-1] < losses[0]
    found = torch.cat([p.detach().flatten() for p in model.parameters()])
    all_ranks = [torch.empty_like(found) for _ in range(2)]
    dist.all_gather(all_ranks, found, group=mesh.get_group())
    return bool(torch.equal(*all_ranks))


def test_a_model_trains_under_ddp(ranks):
    assert ranks.run(under_ddp)[:2] == [True, True]
