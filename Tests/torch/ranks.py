"""Four processes on this machine that run a function each, over gloo; started once for many tests."""

from __future__ import annotations

import datetime
import os
import queue
import traceback
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing
from torch.distributed.device_mesh import DeviceMesh

COUNT = 4
SECONDS = 30
# They share the processes, so they are all run by the same one of pytest's.
group = pytest.mark.xdist_group("ranks")


class Ranks:
    """The processes, by their ranks."""

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        """seconds: that one waits for another."""
        # A process that has imported what they need, and is copied. It finds it by the environment alone.
        context = torch.multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["sharded", "test_fsdp_checkpoints"])
        here = str(Path(__file__).parent)
        if here not in os.environ.get("PYTHONPATH", ""):
            os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
        self.jobs = [context.Queue() for _ in range(COUNT)]
        self.results = context.Queue()
        self.processes = [
            context.Process(
                target=work, args=(rank, str(folder / "store"), seconds, jobs, self.results)
            )
            for rank, jobs in enumerate(self.jobs)
        ]
        for each in self.processes:
            each.start()

    def begin(self, function, *arguments):
        for jobs in self.jobs:
            jobs.put((function, arguments))

    def run(self, function, *arguments):
        """What function(rank, *arguments) returns on each rank. An error of one is raised here."""
        self.begin(function, *arguments)
        results, errors = [None] * COUNT, []
        try:
            for _ in range(COUNT):
                rank, result, error = self.results.get(timeout=2 * SECONDS)
                results[rank] = result
                if error:
                    errors.append(f"rank {rank}:\n{error}")
                    # The others may wait for it.
                    break
        except queue.Empty:
            errors.append(f"not finished after {2 * SECONDS} s")
        if errors:
            self.stop()
            pytest.fail("\n".join(errors))
        return results

    def stop(self):
        for each in self.processes:
            each.kill()
            each.join()

    @property
    def alive(self):
        return all(each.is_alive() for each in self.processes)


def work(rank, store, seconds, jobs, results):
    """The life of one process."""
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{store}",
        rank=rank,
        world_size=COUNT,
        timeout=datetime.timedelta(seconds=seconds),
    )
    while True:
        function, arguments = jobs.get()
        try:
            results.put((rank, function(rank, *arguments), None))
        except BaseException:
            results.put((rank, None, traceback.format_exc()))


meshes: dict[tuple[int, ...], DeviceMesh] = {}


def mesh_of(*extents):
    """The mesh of the first ranks with these extents. All ranks have to ask for it."""
    if extents not in meshes:
        ranks = torch.arange(torch.Size(extents).numel()).view(extents)
        names = tuple(f"axis{axis}" for axis in range(len(extents)))
        meshes[extents] = DeviceMesh("cpu", ranks, mesh_dim_names=names)
    return meshes[extents]


def has(mesh, rank):
    return rank in mesh.mesh.flatten().tolist()
