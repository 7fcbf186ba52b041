"""What several machines gain: a model of it for your shapes, ranks and network, and a measurement on this one.

    python benchmarks/scale.py --shapes 4096x4096*4,11008x4096*2,4096x11008 --layers 32 --ranks 8 --gigabits 10

The model is arithmetic, not a measurement. Its assumptions: every rank makes the same number of operations a
second; whole matrices are divided as the library does; a broadcast sends each byte once over the link of each
machine, at its full rate; all else costs nothing.

    python benchmarks/scale.py --measure

Steps of 12 matrices of 768 wide on this machine, by ranks of Open MPI with one thread each: "replicated", where every
rank makes the whole step, and "owned", where each makes its own and shares it; in turn, by medians. Ranks of one machine have no
network between them, and more ranks than cores show nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from ctypes import byref, c_int64, sizeof
from pathlib import Path

import libmuon
import numpy as np
from libmuon import _abi
from libmuon._library import check, lib
from libmuon._plan import cost, owners

ROOT = Path(__file__).parents[1]


def costs_of(shapes: list[tuple[int, int]]) -> list[int]:
    """In floating-point operations of a step of Muon."""
    muon = libmuon.Muon([np.zeros((1, 1), np.float32)])
    param = _abi.Param()
    check(lib.muon_param_init(byref(param), sizeof(param)))
    param.ndim, result = 2, []
    for shape in shapes:
        param.shape = (c_int64 * 2)(*shape)
        result.append(cost(muon._handle, 0, param))
    return result


def highest_load(costs: list[int], ranks: int) -> int:
    """Of the rank with the most to do."""
    loads = [0] * ranks
    for each, owner in zip(costs, owners(costs, loads)):
        loads[owner] += each
    return max(loads)


def parse_shapes(text: str, layers: int) -> list[tuple[int, int]]:
    """4096x4096*4,11008x4096: shapes, each so many times."""
    shapes = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)x(\d+)(?:\*(\d+))?", part.strip())
        if not match:
            sys.exit(f"--shapes: {part!r} is not like 4096x11008 or 4096x4096*4")
        rows, columns, times = int(match[1]), int(match[2]), int(match[3] or 1)
        shapes += [(rows, columns)] * times
    return shapes * layers


def print_model(arguments: argparse.Namespace) -> None:
    shapes = parse_shapes(arguments.shapes, arguments.layers)
    costs = costs_of(shapes)
    total, size = sum(costs), sum(rows * columns * arguments.bytes for rows, columns in shapes)
    print(f"A model, not a measurement: {len(shapes)} matrices, {total / 1e12:.4g} TFLOP a step, {size / 1e9:.4g} GB.")
    print(f"Each rank {arguments.gigaflops:g} GFLOP/s, each machine's link {arguments.gigabits:g} Gbit/s.\n")
    print("| ranks | balance | computation s | broadcast s | speed-up without overlap | with overlap |")
    print("|---|---|---|---|---|---|")
    alone = total / arguments.gigaflops / 1e9
    counts = sorted({1, *(2**power for power in range(1, arguments.ranks.bit_length())), arguments.ranks})
    for ranks in counts:
        most = highest_load(costs, ranks)
        computation = most / arguments.gigaflops / 1e9
        broadcast = 0 if ranks == 1 else 8 * size / arguments.gigabits / 1e9
        print(f"| {ranks} | {total / ranks / most:.3f} | {computation:.4g} | {broadcast:.4g} "
              f"| {alone / (computation + broadcast):.3g} | {alone / max(computation, broadcast):.3g} |")


def measure(arguments: argparse.Namespace) -> None:
    for command in "mpicc.openmpi", "mpirun.openmpi":
        if not shutil.which(command):
            sys.exit(f"there is no {command} here; make test-scale installs it where it may")
    library = ROOT / ".build/dist/release"
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "scale"
        subprocess.run(
            ["mpicc.openmpi", "-O2", "-I", ROOT / "include", ROOT / "benchmarks/scale.c", library / "libmuon.so",
             f"-Wl,-rpath,{library}", "-o", program], check=True)
        command = ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n",
                   str(arguments.measured_ranks), str(program), str(arguments.rounds)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "MUON_NUM_THREADS": "1"})
    found = json.loads(done.stdout.strip().splitlines()[-1])
    medians = {name: statistics.median(times) for name, times in found["seconds"].items()}
    print(found["library"])
    print(f"12 matrices of 768 wide, {arguments.measured_ranks} ranks of one thread, {found['mpi']}, "
          f"{os.cpu_count()} processors, medians of {arguments.rounds} steps in turn:")
    for name, seconds in medians.items():
        times = found["seconds"][name]
        print(f"  {name:<11} {seconds:.4f} s  ({min(times):.4f} to {max(times):.4f})")
    print(f"  owned over replicated: {medians['owned'] / medians['replicated']:.3f}; same bits: {found['same']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="4096x4096*4,11008x4096*2,4096x11008", help="of one layer; Llama-2-7B's")
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--ranks", type=int, default=64, help="the most of them")
    parser.add_argument("--gigabits", type=float, default=10, help="a second, of each machine's link")
    parser.add_argument("--gigaflops", type=float, default=1000, help="a second, of each rank")
    parser.add_argument("--bytes", type=int, default=4, help="an element")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--measured-ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    if min(arguments.layers, arguments.ranks, arguments.gigabits, arguments.gigaflops, arguments.bytes,
           arguments.rounds, arguments.measured_ranks) <= 0:
        sys.exit("all numbers must be above 0")
    measure(arguments) if arguments.measure else print_model(arguments)


if __name__ == "__main__":
    main()
