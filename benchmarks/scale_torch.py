"""A step of Muon by several processes: libmuon.torch under DDP, ZeRO and FSDP2, beside torch's.

    make bench-scale-torch ARGS="--rounds 7"
    make bench-scale-torch ARGS="--link 1gbit"     # as root: between two network namespaces

12 matrices, as of two layers of a small GPT; one thread a process, each on a core of its own; the contenders
take turns. What is timed is the step alone, from a barrier to a barrier; gradients stay as they are.
"own part" is what FSDP2's plan gives a rank to compute, without any exchange. The processor's time is that of
rank 0, all of its threads, and says more where others use the machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import machine

NAMESPACES = ("muon_scale_0", "muon_scale_1")
ADDRESSES = ("10.77.0.1", "10.77.0.2")
BURST = "512kb"  # of the token bucket: what Linux may send at once
TABLE = "{:<24}{:>9}{:>9}{:>9}{:>11}"


def shapes_of(width):
    layer = [(width, width)] * 4 + [(4 * width, width), (width, 4 * width)]
    return layer * 2


# ---- A rank ------------------------------------------------------------------------------------------------


class Rank:
    """One process, which makes the contenders and times them."""

    def __init__(self, job):
        import torch
        import torch.distributed as dist
        from torch import nn
        from torch.distributed.fsdp import fully_shard
        from torch.distributed.optim import ZeroRedundancyOptimizer
        from torch.distributed.tensor import distribute_tensor

        import libmuon
        import libmuon.torch

        torch.set_num_threads(1)
        libmuon.set_num_threads(1)
        dist.init_process_group("gloo")
        self.dist, self.rank = dist, dist.get_rank()
        torch.manual_seed(0)
        shapes = shapes_of(job["width"])
        values = [torch.randn(shape) * 0.02 for shape in shapes]
        gradients = [torch.randn(shape) for shape in shapes]

        def whole():
            params = [nn.Parameter(value.clone()) for value in values]
            for p, gradient in zip(params, gradients):
                p.grad = gradient.clone()
            return params

        def sharded():
            net = nn.ParameterList(whole())
            fully_shard(net)
            for p, gradient in zip(net, gradients):
                p.grad = distribute_tensor(gradient, p.device_mesh, p.placements, src_data_rank=None)
            return [*net]

        ours, torchs = libmuon.torch.Muon, torch.optim.Muon
        fsdp2 = ours(sharded())
        fsdp2.step()
        own = [each.number for each in fsdp2._side.matrices.values() if each.owner == self.rank]
        params = whole()
        self.contenders = {
            "libmuon, DDP": ours(whole()),
            "libmuon, ZeRO": libmuon.torch.ZeroRedundancyOptimizer(whole(), ours),
            "libmuon, FSDP2": fsdp2,
            "libmuon, own part": ours([params[index] for index in own]),
        }
        if not job["ours"]:
            self.contenders |= {
                "torch, DDP": torchs(whole()),
                "torch, ZeRO": ZeroRedundancyOptimizer(whole(), torchs),
                "torch, FSDP2": torchs(sharded()),
            }
        self.versions = [f"torch {torch.__version__}", libmuon.build_info()]

    def seconds(self, name):
        """Of one step of a contender, until all ranks have made it; and of the processor."""
        self.dist.barrier()
        start, processor = time.perf_counter(), time.process_time()
        self.contenders[name].step()
        self.dist.barrier()
        return time.perf_counter() - start, time.process_time() - processor

    def sent(self, name):
        """The bytes that this rank sends to others in a step, in messages."""
        total, isend = 0, self.dist.isend

        def counted(tensor, *arguments, **options):
            nonlocal total
            total += tensor.numel() * tensor.element_size()
            return isend(tensor, *arguments, **options)

        self.dist.isend = counted
        try:
            self.contenders[name].step()
        finally:
            self.dist.isend = isend
        return total


def run_rank(job):
    os.sched_setaffinity(0, [job["cpu"]])
    rank = Rank(job)
    times = {name: [] for name in rank.contenders}
    for name in times:
        rank.seconds(name)
    for _ in range(job["rounds"]):
        for name, own in times.items():
            own.append(rank.seconds(name))
    result = {"times": times, "versions": rank.versions, "sent": rank.sent("libmuon, FSDP2")}
    if rank.rank == 0:
        print(json.dumps(result), flush=True)
    rank.dist.barrier()
    rank.dist.destroy_process_group()


# ---- All of them -------------------------------------------------------------------------------------------


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def link(rate):
    """Two namespaces with a cable between them, of which each end sends no more than a rate."""
    for name in NAMESPACES:
        ip("netns", "add", name)
    ends = [f"muon{number}" for number in range(2)]
    first, second = NAMESPACES
    ip("link", "add", ends[0], "netns", first, "type", "veth", "peer", "name", ends[1], "netns", second)
    for name, end, address in zip(NAMESPACES, ends, ADDRESSES):
        ip("-n", name, "address", "add", f"{address}/24", "dev", end)
        ip("-n", name, "link", "set", end, "up")
        ip("-n", name, "link", "set", "lo", "up")
        tc = ["tc", "-n", name, "qdisc", "add", "dev", end, "root", "tbf", "rate", rate]
        subprocess.run([*tc, "burst", BURST, "latency", "100ms"], check=True)
    return ends


def unlink():
    for name in NAMESPACES:
        subprocess.run(["ip", "netns", "delete", name], check=False)


def measured(arguments):
    """The result of rank 0."""
    cpus = machine.cores()
    ends = link(arguments.link) if arguments.link else None
    try:
        children = []
        for rank in range(arguments.ranks):
            job = {"width": arguments.width, "rounds": arguments.rounds, "ours": arguments.ours,
                   "cpu": cpus[rank % len(cpus)]}
            environment = {
                **machine.child_environment(),
                "RANK": str(rank),
                "WORLD_SIZE": str(arguments.ranks),
                "MASTER_ADDR": ADDRESSES[0] if ends else "127.0.0.1",
                "MASTER_PORT": "29577",
                "GLOO_SOCKET_IFNAME": ends[rank] if ends else "lo",
                "OMP_NUM_THREADS": "1",
            }
            inside = ["ip", "netns", "exec", NAMESPACES[rank]] if ends else []
            children.append(subprocess.Popen(
                [*inside, sys.executable, __file__, "--job", json.dumps(job)],
                env=environment, stdout=subprocess.PIPE, text=True,
            ))
        outputs = [child.communicate()[0] for child in children]
        if any(child.returncode for child in children):
            raise SystemExit("a rank has failed")
        return json.loads(outputs[0].splitlines()[-1])
    finally:
        if ends:
            unlink()


def bits_per_second(rate):
    units = {"gbit": 1e9, "mbit": 1e6}
    return float(rate[:-4]) * units[rate[-4:]]


def report(result, arguments):
    medians = {}
    print(TABLE.format("seconds a step", "median", "least", "to DDP", "processor"))
    for name, times in result["times"].items():
        walls, processor = zip(*times)
        medians[name] = statistics.median(walls)
        ratio = medians[name] / medians["libmuon, DDP"]
        columns = medians[name], min(walls), ratio, statistics.median(processor)
        print(TABLE.format(name, *(f"{each:.3f}" for each in columns)))
    print(f"rank 0 sends {result['sent'] / 1e6:.1f} MB in a step under FSDP2")
    if arguments.link:
        wire = 8 * result["sent"] / bits_per_second(arguments.link)
        bound = max(medians["libmuon, own part"], wire)
        print(f"on the wire {wire:.3f} s; FSDP2 takes {medians['libmuon, FSDP2'] / bound:.2f} times the "
              "longer of that and its own part")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ranks", type=int, default=2, help="processes")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ours", action="store_true", help="without torch's optimizers")
    parser.add_argument("--link", help='the rate of a link between two ranks, such as "1gbit"')
    parser.add_argument("--job", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        return run_rank(json.loads(arguments.job))
    if arguments.link and (arguments.ranks != 2 or os.geteuid() != 0):
        parser.error("--link is for root and 2 ranks")
    machine.clear_environment()
    start = time.time()
    result = measured(arguments)
    about = machine.describe()
    print(f"{about['name']}, {arguments.ranks} ranks of one thread on {len(machine.cores())} cores, "
          f"{arguments.link or 'loopback'}")
    print("; ".join(result["versions"]))
    print(f"load average {about['load average']:.1f}; {time.time() - start:.0f} s in all")
    report(result, arguments)
    return None


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    main()
