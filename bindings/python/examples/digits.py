#!/usr/bin/env python3
"""Muon against AdamW on real handwritten digits.

Trains the same network from the same initial weights, on the same batches, with Muon and AdamW
together (Muon on the matrices) and with AdamW alone. Each gets the best learning rate of a sweep:
the one whose final training loss, as the geometric mean over the seeds, is lowest. All else is
equal.
Prints a table, draws the training losses, and writes the numbers as JSON beside the picture. Needs
numpy alone; without matplotlib there is no picture, without tqdm no progress bar.
"""

import argparse
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import libmuon
import report
from mlp import MLP
from progress import progress_bar

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "bindings" / "data" / "digits.bin"
TRAIN = 1437  # the first records; the rest are for the test
BATCH = 64
SIZES = (64, 128, 64, 10)
EVALUATE_EVERY = 5  # steps
WARMUP_STEPS = 20
WEIGHT_DECAY = 0.1

LEARNING_RATES = {"Muon": [0.01, 0.02, 0.04, 0.08], "AdamW": [0.005, 0.01, 0.02, 0.04]}


@dataclass
class Run:
    optimizer: str
    learning_rate: float
    seed: int
    steps: list = field(default_factory=list)  # at which the loss was taken
    losses: list = field(default_factory=list)  # over all training images
    test_accuracy: float = 0.0
    seconds: float = 0.0  # training alone, without taking the losses


# ---- Training ------------------------------------------------------------------------------------


def load_digits():
    records = np.fromfile(DATA, dtype=np.uint8).reshape(-1, 65)
    pixels, labels = records[:, :64].astype(np.float32) / 16, records[:, 64].astype(np.int64)
    return (pixels[:TRAIN], labels[:TRAIN]), (pixels[TRAIN:], labels[TRAIN:])


class Loader:
    """Batches of a set, in a new order each time it is gone through."""

    def __init__(self, x, labels, rng):
        self.x, self.labels, self.rng = x, labels, rng

    def __len__(self):
        return -(-len(self.x) // BATCH)

    def __iter__(self):
        order = self.rng.permutation(len(self.x))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            yield self.x[chosen], self.labels[chosen]


def configuration(optimizer, learning_rate, epochs):
    return {
        "training": {
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "weight_decay": WEIGHT_DECAY,
            "n_epochs": epochs,
            "warmup_steps": WARMUP_STEPS,
            "lr_schedule": "cosine",
        }
    }


def train(run, epochs, train_set, test_set, progress):
    """Trains one network; the seed alone decides its initial weights and its batches."""
    rng = np.random.default_rng(run.seed)
    model = MLP(SIZES, rng)
    loader = Loader(*train_set, rng)
    config = configuration(run.optimizer, run.learning_rate, epochs)
    optimizers = libmuon.build_optimizers(model.parameters, config)
    setup = SimpleNamespace(train_dataloader=loader)
    schedulers = libmuon.build_schedulers(optimizers, config, setup)

    evaluate(run, 0, model, train_set)
    step = 0
    for _ in range(epochs):
        for x, labels in loader:
            start = time.perf_counter()
            libmuon.zero_grad(optimizers)
            model.backward(x, labels)
            libmuon.step(optimizers)
            for scheduler in schedulers:
                scheduler.step()
            run.seconds += time.perf_counter() - start
            step += 1
            if step % EVALUATE_EVERY == 0 or step == epochs * len(loader):
                evaluate(run, step, model, train_set)
        progress.update()
    run.test_accuracy = model.accuracy(*test_set)


def print_routing():
    """Which optimizer each parameter goes to, and why."""
    model, config = MLP(SIZES, np.random.default_rng(0)), configuration("Muon", 0.02, 1)
    print(*libmuon.route_params(model.parameters, config), sep="\n", flush=True)


def evaluate(run, step, model, train_set):
    run.steps.append(step)
    run.losses.append(model.loss(*train_set))


def sweep(rates, seeds, epochs):
    """All runs: each optimizer with each of its learning rates and each seed."""
    train_set, test_set = load_digits()
    runs = [
        Run(optimizer, rate, seed)
        for seed in range(seeds)
        for optimizer, choices in rates.items()
        for rate in choices
    ]
    with progress_bar(len(runs) * epochs) as progress:
        for run in runs:
            progress.set_description(f"{report.LABELS[run.optimizer]}, lr {run.learning_rate:g}")
            train(run, epochs, train_set, test_set, progress)
    return runs


# ---- Command line --------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="5 epochs, one learning rate each")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "digits.png", help="where the picture goes"
    )
    options = parser.parse_args()
    if options.epochs < 1 or options.seeds < 1:
        parser.error("--epochs and --seeds must be at least 1")
    return options


def draw(best, path):
    if find_spec("matplotlib") is None:
        print("no picture: matplotlib is not installed")
        return
    import picture

    picture.draw(best, SIZES, path)
    print(f"picture: {path}")


def main():
    options = arguments()
    rates, epochs = LEARNING_RATES, options.epochs
    if options.quick:
        rates, epochs = {"Muon": [0.05], "AdamW": [0.01]}, 5
    print_routing()
    runs = sweep(rates, options.seeds, epochs)
    best = {optimizer: report.best_runs(runs, optimizer) for optimizer in rates}
    report.print_sweep(runs, best)
    report.print_table(best)
    report.print_verdict(best)

    numbers = options.out.with_suffix(".json")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    report.write_numbers(runs, best, epochs, numbers)
    print(f"\nnumbers: {numbers}")
    draw(best, options.out)


if __name__ == "__main__":
    main()
