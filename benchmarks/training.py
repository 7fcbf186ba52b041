#!/usr/bin/env python3
"""Whole training steps of a GPT as nanoGPT's for characters: forward, backward, clipping and the optimizer's step.

    make bench-training ARGS="--rounds 20"

Models of the same weights are trained by torch's AdamW, by torch's Muon and AdamW, and by libmuon's, in turn, on the
same batches. Prints medians in milliseconds, and how much of the machine others took meanwhile. Where they take much,
--threads 1 --processor-time is fairer: what one thread computes, without what it waits.
"""

import machine

CLEARED = machine.clear_environment()

import argparse  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

import torch  # noqa: E402

import libmuon  # noqa: E402
import libmuon.torch  # noqa: E402

sys.path.insert(0, str(machine.ROOT / "bindings" / "python" / "examples"))
import gpt  # noqa: E402
from gpt_model import GPT  # noqa: E402

VOCABULARY = 65
# Of nanoGPT: what its README trains on a CPU, and config/train_shakespeare_char.py with a smaller batch.
SIZES = {
    "small": {"batch": 12, "length": 64, "width": 128, "depth": 4, "heads": 4},
    "large": {"batch": 8, "length": 256, "width": 384, "depth": 6, "heads": 6},
}


class Training:
    def __init__(self, name, size, clock):
        torch.manual_seed(0)
        self.name, self.clock = name, clock
        self.model = GPT(VOCABULARY, *(size[key] for key in ("length", "width", "depth", "heads")))
        self.optimizers = gpt.OPTIMIZERS[name](self.model, gpt.rate_of(name))
        self.times = []  # of forward and backward, and of the rest

    def clip(self):
        if self.name == "libmuon":
            libmuon.torch.clip_grad_norm(self.optimizers, 1.0)
        else:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)

    def step(self, tokens):
        start = self.clock()
        self.model.zero_grad()
        loss = self.model.loss(tokens)
        loss.backward()
        computed = self.clock()
        self.clip()
        for each in self.optimizers:
            each.step()
        end = self.clock()
        self.times.append((computed - start, end - computed))
        return loss.item()


def measure(size, rounds, clock):
    """Milliseconds of each, as medians: forward and backward, the rest, the whole step."""
    runs = [Training(name, size, clock) for name in gpt.OPTIMIZERS]
    random = torch.Generator().manual_seed(0)
    for number in range(rounds + 2):
        tokens = torch.randint(VOCABULARY, (size["batch"], size["length"] + 1), generator=random)
        shift = number % len(runs)
        for run in runs[shift:] + runs[:shift]:
            run.step(tokens)
    found = {}
    for run in runs:
        kept = run.times[2:]  # the first ones set things up
        parts = [*zip(*kept), [sum(each) for each in kept]]
        found[run.name] = [1e3 * statistics.median(part) for part in parts]
    return sum(each.numel() for each in runs[0].model.parameters()), found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=min(2, len(machine.cores())))
    parser.add_argument("--processor-time", action="store_true", help="in place of the time that passes")
    parser.add_argument("--size", choices=SIZES, nargs="+", default=list(SIZES))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    libmuon.set_num_threads(options.threads)
    clock = time.process_time if options.processor_time else time.perf_counter
    about, versions = machine.describe(), machine.versions()
    print(f"{about['name']}, {', '.join(about['features'])}; {options.threads} threads; torch {versions['torch']}; "
          f"load {about['load average']:.1f}")
    print(libmuon.build_info())
    if options.processor_time:
        print("time of the processor, not time that passes")
    if CLEARED:
        print("left out of the environment:", ", ".join(CLEARED))
    for name in options.size:
        size, others = SIZES[name], machine.Others()
        parameters, found = measure(size, options.rounds, clock)
        print(f"\n{name}: {parameters:,} parameters, {size['batch']} x {size['length']} characters a step; "
              f"medians of {options.rounds}; others took {others.share():.0%} of the machine")
        print(f"  {'ms':<14}{'forward, backward':>18}{'optimizer':>11}{'step':>9}{'to libmuon':>12}")
        for optimizer, (computing, rest, whole) in found.items():
            ratio = whole / found["libmuon"][2]
            print(f"  {optimizer:<14}{computing:18.1f}{rest:11.1f}{whole:9.1f}{ratio:12.2f}")


if __name__ == "__main__":
    main()
