"""The picture of a run: how many times as long as libmuon each contender takes."""

import matplotlib

from bars import ratios
from measure import geometric_mean
from sets import SETS
from tables import CAPS, LABELS

matplotlib.use("Agg")  # draws into a file, with or without a display
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: E402

COLORS = {
    "libmuon": "#d1495b",
    "libmuon-bf16": "#f2b5a7",
    "libmuon-int16": "#dd7d89",
    "libmuon-int8": "#a8323f",
    "libmuon-f32": "#e8a0a8",
    "torch": "#30638e",
    "keller": "#7ea3c4",
    "optax": "#8a9a5b",
}


def draw(results, path):
    """Draws a panel for each number of threads, one for simulated CPUs. False: nothing to."""
    panels = [
        (f"{threads} thread{'s' if threads != '1' else ''}", groups(by_set))
        for threads, by_set in results["muon"].items()
    ]
    if results["capped"]:
        panels.append(("GPT-2 small layer, 1 thread, by instruction set", by_processor(results)))
    panels = [(title, found) for title, found in panels if found]
    if not panels:
        return False
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(11, 3.4 * len(panels)), squeeze=False, layout="constrained"
    )
    for axis, (title, found) in zip(axes[:, 0], panels):
        draw_panel(axis, title, found)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    figure.supxlabel(
        f"{results['machine']['name']}; torch {results['versions']['torch']}, "
        f"optax {results['versions']['optax']}; logarithmic, lower is better, – not measured",
        fontsize=9,
        color="#555555",
    )
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return True


def groups(by_set):
    """Times over libmuon's, by set, and their geometric means."""
    found = {each: ratios(by_set, each, "libmuon") for each in LABELS}
    titles = {SETS[name].title: {each: found[each].get(name) for each in LABELS} for name in by_set}
    if len(by_set) > 1:
        # A mean over fewer sets than the others' would stand beside theirs as if it were the same.
        titles["geometric mean"] = {
            each: geometric_mean(found[each].values()) if len(found[each]) == len(by_set) else None
            for each in LABELS
        }
    return titles


def by_processor(results):
    """The GPT-2 small layer on this CPU, where it was measured, and on the simulated ones."""
    whole = results["muon"].get("1", {}).get("gpt2")
    by_cap = {CAPS[cap]: found for cap, found in results["capped"].items()}
    found = {**({"this CPU": whole} if whole else {}), **by_cap}
    return {
        title: {each: ratios({"gpt2": case}, each, "libmuon").get("gpt2") for each in LABELS}
        for title, case in found.items()
    }


def draw_panel(axis, title, found):
    """Bars from 1, libmuon's own time, on a logarithmic scale."""
    width = 0.84 / len(LABELS)
    every = [value for by_contender in found.values() for value in by_contender.values() if value]
    for number, (contender, label) in enumerate(LABELS.items()):
        offset = (number - (len(LABELS) - 1) / 2) * width
        values = [by_contender.get(contender) for by_contender in found.values()]
        places = [group + offset for group in range(len(found))]
        # A bar that is missing has no height; it is still there for the legend.
        heights = [value or float("nan") for value in values]
        axis.bar(places, heights, width * 0.92, label=label, color=COLORS[contender])
        for place, value in zip(places, values):
            if value:
                axis.text(place, value * 1.05, short(value), ha="center", va="bottom", fontsize=7)
            else:
                axis.text(place, 1.05, "–", ha="center", va="bottom", fontsize=7, color="#999999")
    axis.set_yscale("log")
    axis.set_xlim(-0.5, len(found) - 0.5)
    axis.set_ylim(min(0.5, min(every) * 0.8), max(every) * 2)
    axis.axhline(1, color=COLORS["libmuon"], linewidth=0.8, zorder=0)
    axis.set_xticks(range(len(found)), list(found))
    axis.set_ylabel("time over libmuon's")
    axis.set_title(title, loc="left", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def short(value):
    """Two significant digits: there is no room for more on a bar."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
