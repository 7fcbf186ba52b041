"""What the runs of gpt.py showed: a table, a picture, and a file of numbers."""

import json
from dataclasses import asdict

import matplotlib
import numpy as np
import torch

import libmuon

matplotlib.use("Agg")  # draws into a file, with or without a display
import matplotlib.pyplot as plt  # noqa: E402

COLORS = {"AdamW": "#30638e", "torch's Muon": "#edae49", "libmuon": "#d1495b"}


def by_optimizer(runs):
    """The runs of each optimizer and learning rate."""
    groups = {}
    for run in runs:
        groups.setdefault((run.optimizer, run.learning_rate), []).append(run)
    return groups


def print_table(runs):
    """One line a run. Times are those of training alone, without taking the losses."""
    row = "{:<14}{:>7}{:>6}{:>16}{:>10}{:>16}{:>14}".format
    print()
    print(row("", "lr", "seed", "held-out loss", "seconds", "of these in", "ms a step of"))
    print(row("", "", "", "nats/character", "", "the optimizer", "the optimizer"))
    for runs_of in by_optimizer(runs).values():
        for run in runs_of:
            spent = run.optimizer_seconds
            print(row(
                run.optimizer, f"{run.learning_rate:g}", run.seed, f"{run.losses[-1]:.4f}",
                f"{run.seconds[-1]:.1f}", f"{spent:.1f}", f"{1000 * spent / run.steps[-1]:.2f}",
            ))


def print_verdict(runs):
    """How far apart the two Muons are, beside how far apart the seeds are."""
    pairs = [
        (ours, theirs)
        for ours in runs if ours.optimizer == "libmuon"
        for theirs in runs if theirs.optimizer == "torch's Muon"
        if (ours.seed, ours.learning_rate) == (theirs.seed, theirs.learning_rate)
    ]
    apart = np.array([np.subtract(a.losses, b.losses) for a, b in pairs])
    print(f"\nlibmuon's loss less that of torch's Muon, at the end: {signed(apart[:, -1])}")
    muons = by_optimizer(run for pair in pairs for run in pair).values()
    seeds = np.max([np.ptp([run.losses for run in each], axis=0) for each in muons], axis=0)
    print(f"between the seeds of a Muon, at the end: {seeds[-1]:.4f}")
    print(f"at any time, at most: {np.abs(apart).max():.4f}; between the seeds: {seeds.max():.4f}")
    ratio = [b.optimizer_seconds / a.optimizer_seconds for a, b in pairs]
    print(f"torch's optimizers take {np.mean(ratio):.1f} times as long a step as libmuon")


def signed(values):
    return ", ".join(f"{value:+.4f}" for value in values)


def draw(runs, path):
    figure, (by_step, by_time) = plt.subplots(
        1, 2, figsize=(11, 5), sharey=True, layout="constrained"
    )
    for (optimizer, rate), chosen in by_optimizer(runs).items():
        losses, color = np.array([run.losses for run in chosen]), COLORS[optimizer]
        # torch's Muon and libmuon lie on one another: both must be seen.
        style = "--" if optimizer == "libmuon" else "-"
        seconds = np.mean([run.seconds for run in chosen], axis=0)
        for axes, x in ((by_step, chosen[0].steps), (by_time, seconds)):
            axes.plot(x, losses.mean(0), style, color=color, label=f"{optimizer}, lr {rate:g}")
            axes.fill_between(x, losses.min(0), losses.max(0), color=color, alpha=0.2, linewidth=0)
    by_step.set(xlabel="step", ylabel="loss on held-out text, nats a character")
    by_time.set(xlabel=f"seconds of training, {torch.get_num_threads()} threads")
    for axes in (by_step, by_time):
        axes.set_xlim(0)
        axes.grid(color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    by_step.legend(frameon=False)
    seeds = len({run.seed for run in runs})
    figure.suptitle(
        f"A small GPT on Python's documentation; line: mean of {seeds} seeds, band: their range"
    )
    figure.savefig(path, dpi=150)
    plt.close(figure)


def write_numbers(runs, path):
    results = {
        "library": libmuon.build_info(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "runs": [asdict(run) for run in runs],
    }
    path.write_text(json.dumps(results, indent=1) + "\n")
