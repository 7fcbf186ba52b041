"""The training losses as a picture. Needs matplotlib."""

import matplotlib
import numpy as np

import report

matplotlib.use("Agg")  # draws into a file, with or without a display
import matplotlib.pyplot as plt  # noqa: E402

COLORS = {"Muon": "#d1495b", "AdamW": "#30638e"}


def draw(best, sizes, path):
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for optimizer, runs in best.items():
        losses = np.array([run.losses for run in runs])
        steps, color = runs[0].steps, COLORS[optimizer]
        label = f"{report.LABELS[optimizer]}, learning rate {runs[0].learning_rate:g}"
        axes.plot(steps, np.exp(np.log(losses).mean(axis=0)), color=color, linewidth=2, label=label)
        axes.fill_between(steps, losses.min(0), losses.max(0), color=color, alpha=0.2, linewidth=0)
    target = report.final_loss(best["AdamW"])
    axes.axhline(target, color=COLORS["AdamW"], linewidth=1, linestyle=":")
    axes.annotate(
        "AdamW's final loss", (0, target), (2, 4), textcoords="offset points", color="0.3"
    )
    axes.set(yscale="log", xlabel="step", ylabel="cross-entropy on the training set")
    axes.set_xlim(0, best["AdamW"][0].steps[-1])
    axes.set_title(
        f"Training loss on handwritten digits, network {'-'.join(map(str, sizes))}\n"
        f"line: geometric mean of {len(best['AdamW'])} seeds, band: lowest to highest",
        fontsize=11,
    )
    axes.grid(which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)
