"""What the runs showed: tables, and a file of numbers."""

import json
from dataclasses import asdict

import numpy as np

import libmuon

LABELS = {"Muon": "Muon + AdamW", "AdamW": "AdamW"}


def final_loss(runs):
    """The geometric mean, since the losses of the runs lie orders of magnitude apart."""
    return float(np.exp(np.mean([np.log(run.losses[-1]) for run in runs])))


def best_runs(runs, optimizer):
    """The runs, one a seed, with the learning rate whose final loss is lowest."""
    by_rate = {}
    for run in runs:
        if run.optimizer == optimizer:
            by_rate.setdefault(run.learning_rate, []).append(run)
    return min(by_rate.values(), key=final_loss)


def steps_to_reach(run, loss):
    return next((step for step, value in zip(run.steps, run.losses) if value <= loss), None)


def print_sweep(runs, best):
    print("\nfinal training loss by learning rate (geometric mean over the seeds)")
    for optimizer, chosen in best.items():
        for rate in sorted({run.learning_rate for run in runs if run.optimizer == optimizer}):
            tried = (optimizer, rate)
            loss = final_loss([r for r in runs if (r.optimizer, r.learning_rate) == tried])
            mark = "  <- best" if rate == chosen[0].learning_rate else ""
            print(f"  {LABELS[optimizer]:<13} lr {rate:<6g} {loss:.3e}{mark}")


def print_table(best):
    """One line a run; the steps are those it took to reach the final loss of its seed's AdamW."""
    row = "{:<22}{:>4}  {:>13}  {:>10}  {:>26}  {:>7}".format
    print()
    print(row("", "seed", "test accuracy", "final loss", "steps to AdamW's loss", "seconds"))
    for optimizer, runs in best.items():
        title = f"{LABELS[optimizer]}, lr {runs[0].learning_rate:g}"
        for run, reference in zip(runs, best["AdamW"]):
            reached = steps_to_reach(run, reference.losses[-1])
            steps = "not reached" if reached is None else f"{reached} of {run.steps[-1]}"
            accuracy, loss = f"{run.test_accuracy:.4f}", f"{run.losses[-1]:.2e}"
            print(row(title, run.seed, accuracy, loss, steps, f"{run.seconds:.2f}"))


def print_verdict(best):
    fewer = 0
    for muon, adamw in zip(best["Muon"], best["AdamW"]):
        reached = steps_to_reach(muon, adamw.losses[-1])
        fewer += reached is not None and reached < steps_to_reach(adamw, adamw.losses[-1])
    seeds = len(best["AdamW"])
    print(f"\nMuon reached AdamW's final training loss in fewer steps on {fewer} of {seeds} seeds.")


def write_numbers(runs, best, epochs, path):
    results = {
        "library": libmuon.build_info(),
        "epochs": epochs,
        "best_learning_rate": {name: chosen[0].learning_rate for name, chosen in best.items()},
        "runs": [asdict(run) for run in runs],
    }
    path.write_text(json.dumps(results, indent=1) + "\n")
