#!/usr/bin/env python3
"""Three optimizers train a small GPT on text: AdamW, torch's Muon, libmuon's.

The model predicts the next character of Python's own documentation. From the same initial weights,
on the same batches, with the same learning-rate schedule, it is trained with torch.optim.AdamW
alone; with torch.optim.Muon for the hidden matrices and torch.optim.AdamW for the rest; and with
libmuon.torch.MuonWithAdamW, which does both. Prints a table of losses and times, draws them, and
writes the numbers as JSON beside the picture.
"""

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from tqdm import tqdm

import gpt_report
from gpt_model import GPT
from gpt_text import Characters, batch, load_text
from libmuon.torch import MuonWithAdamW, route_module

ROOT = Path(__file__).resolve().parents[3]
LENGTH = 64  # characters the model looks back
BATCH = 16
WEIGHT_DECAY = 0.1
BETAS = (0.9, 0.95)
# The best of rates a factor of 2 apart, by --rates: for AdamW of 5e-4 to 8e-3, as the mean of two
# seeds; for libmuon, whose rate torch's Muon shares, of 8e-3 to 3.2e-2 on seed 0.
RATES = {"AdamW": 2e-3, "Muon": 1.6e-2}
EVALUATIONS = 20  # over a run, beside the first
EVALUATION_BATCHES = 8


@dataclass
class Run:
    optimizer: str
    learning_rate: float
    seed: int
    steps: list = field(default_factory=list)  # at which the loss was taken
    losses: list = field(default_factory=list)  # on held-out text, nats a character
    seconds: list = field(default_factory=list)  # of training until then
    optimizer_seconds: float = 0.0  # of these, in the optimizer's step


# ---- The optimizers ------------------------------------------------------------------------------


def torch_adamw(model, lr):
    return [torch_adamw_of(model.parameters(), lr)]


def torch_muon(model, lr):
    parameters = dict(model.named_parameters())
    sides = {"Muon": [], "AdamW": []}
    for route in route_module(model):
        sides[route.optimizer].append(parameters[route.name])
    muon = torch.optim.Muon(
        sides["Muon"], lr=lr, weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw"
    )
    return [muon, torch_adamw_of(sides["AdamW"], lr)]


def libmuon_muon(model, lr):
    return [MuonWithAdamW(model, lr, WEIGHT_DECAY, adamw={"betas": BETAS})]


def torch_adamw_of(parameters, lr):
    # fused: the fastest that torch has for AdamW on a CPU.
    return torch.optim.AdamW(parameters, lr, BETAS, weight_decay=WEIGHT_DECAY, fused=True)


OPTIMIZERS = {"AdamW": torch_adamw, "torch's Muon": torch_muon, "libmuon": libmuon_muon}


def rate_of(optimizer):
    return RATES["AdamW" if optimizer == "AdamW" else "Muon"]


# ---- Training ------------------------------------------------------------------------------------


def schedule(optimizer, steps):
    warmup = max(1, steps // 20)
    return SequentialLR(
        optimizer,
        [
            LinearLR(optimizer, 1e-3, total_iters=warmup),
            CosineAnnealingLR(optimizer, T_max=steps - warmup),
        ],
        milestones=[warmup],
    )


def with_schedulers(run, model, steps):
    """The optimizers of a run, and the schedulers of their rates."""
    optimizers = OPTIMIZERS[run.optimizer](model, run.learning_rate)
    return optimizers, [schedule(each, steps) for each in optimizers]


def train(run, shape, steps, text, progress, make_model=GPT, make_optimizers=with_schedulers):
    """Trains one model; the seed alone decides its initial weights and its batches."""
    torch.manual_seed(run.seed)
    model = make_model(len(text.alphabet), LENGTH, **shape)
    random = torch.Generator().manual_seed(run.seed)
    optimizers, schedulers = make_optimizers(run, model, steps)
    evaluate_at = {round(steps * k / EVALUATIONS) for k in range(1, EVALUATIONS + 1)}

    seconds = 0.0
    evaluate(run, 0, seconds, model, text)
    for step in range(1, steps + 1):
        start = time.perf_counter()
        for each in optimizers:
            each.zero_grad()
        model.loss(batch(text.train, BATCH, LENGTH, random)).backward()
        computed = time.perf_counter()
        for each in optimizers:
            each.step()
        run.optimizer_seconds += time.perf_counter() - computed
        for each in schedulers:
            each.step()
        seconds += time.perf_counter() - start
        progress.update()
        if step in evaluate_at:
            evaluate(run, step, seconds, model, text)


@torch.no_grad()
def evaluate(run, step, seconds, model, text):
    """Notes the mean loss on pieces of the held-out text, the same for all runs."""
    random = torch.Generator().manual_seed(0)
    losses = [
        model.loss(batch(text.held_out, BATCH, LENGTH, random)).item()
        for _ in range(EVALUATION_BATCHES)
    ]
    run.steps.append(step)
    run.losses.append(sum(losses) / len(losses))
    run.seconds.append(seconds)


def train_all(runs, shape, steps, text):
    with tqdm(total=len(runs) * steps, unit="step") as progress:
        for run in runs:
            progress.set_description(f"{run.optimizer}, seed {run.seed}")
            train(run, shape, steps, text, progress)


def warm_up(shape, text):
    """Two steps of each that do not count: what is set up once is not charged to the first run."""
    for optimizer in OPTIMIZERS:
        train(Run(optimizer, 0.0, 0), shape, 2, text, tqdm(disable=True))


# ---- Command line --------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rates", type=float, nargs="+", help="learning rates to try with each")
    parser.add_argument("--quick", action="store_true", help="a smaller model, 20 steps, one seed")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "gpt.png", help="where the picture goes"
    )
    options = parser.parse_args()
    if options.steps < 2 or options.seeds < 1:
        parser.error("--steps must be at least 2, and --seeds at least 1")
    return options


def main():
    options = arguments()
    steps, seeds = options.steps, options.seeds
    shape = {"width": 128, "depth": 4, "heads": 4}
    if options.quick:
        steps, seeds, shape = 20, 1, {"width": 32, "depth": 2, "heads": 2}

    text = Characters(load_text())
    model = GPT(len(text.alphabet), LENGTH, **shape)
    print(route_module(model))
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, "
          f"{len(text.train):,} characters to train on, {torch.get_num_threads()} threads",
          flush=True)

    runs = [
        Run(optimizer, rate, seed)
        for seed in range(seeds)
        for optimizer in OPTIMIZERS
        for rate in options.rates or [rate_of(optimizer)]
    ]
    warm_up(shape, text)
    train_all(runs, shape, steps, text)
    gpt_report.print_table(runs)
    gpt_report.print_verdict(runs)
    numbers = options.out.with_suffix(".json")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    gpt_report.draw(runs, options.out)
    gpt_report.write_numbers(runs, numbers)
    print(f"\npicture: {options.out}\nnumbers: {numbers}")


if __name__ == "__main__":
    main()
