"""The tables of a run, in Markdown."""

from bars import ratios
from measure import geometric_mean
from sets import SETS

LABELS = {
    "libmuon": "libmuon",
    "libmuon-bf16": "libmuon, bf16",
    "libmuon-int16": "libmuon, int16",
    "libmuon-int8": "libmuon, int8",
    "libmuon-f32": "libmuon, f32",
    "torch": "torch.optim.Muon",
    "keller": "KellerJordan's, in torch",
    "optax": "optax, jitted",
}
CAPS = {
    "avx512bf16": "AVX512-BF16 without AMX",
    "avx512vnni": "AVX512-VNNI without BF16",
    "avx512": "AVX-512 alone",
    "avx2": "AVX2 only",
}
NONE = "–"
DISTURBED = 0.05  # the part of the machine that others may take before figures are doubted


def table(header, rows, align=None):
    align = align or "l" + "r" * (len(header) - 1)
    rule = ["---:" if each == "r" else "---" for each in align]
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule, *rows])


# ---- Cells ---------------------------------------------------------------------------------------


def milliseconds(result, key="median"):
    """A median, and how far its quartiles are from it where that is more than 5 %."""
    if key not in result:
        return NONE
    text = f"{digits(1e3 * result[key])}{'*' if 'note' in result else ''}"
    return text + (
        f" ± {100 * result['spread']:.0f} %" if result["spread"] > 0.05 and key == "median" else ""
    )


def digits(value):
    """Three significant digits, all digits before the point."""
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def ratio(value):
    return NONE if value is None else f"{digits(value)}×"


# ---- Tables --------------------------------------------------------------------------------------


def muon(threads, by_set, key="median"):
    """One step of Muon: milliseconds, and how many times as long the others take."""
    compared = [
        ("torch", "libmuon"),
        ("torch", "libmuon-bf16"),
        ("torch", "libmuon-int16"),
        ("torch", "libmuon-int8"),
        ("torch", "libmuon-f32"),
        ("keller", "libmuon"),
        ("optax", "libmuon"),
    ]
    found = [ratios(by_set, peer, ours, key) for peer, ours in compared]
    unit = "CPU ms" if key == "cpu" else "ms"
    header = [
        f"one step of Muon, {unit}, {threads} thread{'s' if threads != '1' else ''}",
        *LABELS.values(),
    ]
    header += [
        "torch / libmuon",
        "torch / libmuon bf16",
        "torch / libmuon int16",
        "torch / libmuon int8",
        "torch / libmuon f32",
        "KellerJordan / libmuon",
        "optax / libmuon",
    ]
    rows = [
        [SETS[name].title]
        + [milliseconds(by_set[name].get(contender, {}), key) for contender in LABELS]
        + [ratio(each.get(name)) for each in found]
        for name in by_set
    ]
    means = [ratio(geometric_mean(each.values())) for each in found]
    rows.append(["geometric mean", *[""] * len(LABELS), *means])
    return table(header, rows)


def errors(by_threads):
    """How far a first step is from the float64 evaluation of the same polynomial."""
    by_set = next(iter(by_threads.values()), {})
    found = {
        contender: {
            name: results[contender]["error"]
            for name, results in by_set.items()
            if "error" in results.get(contender, {})
        }
        for contender in LABELS
    }
    if not any(found.values()):
        return []
    header = ["relative error of a step on Gaussian gradients, from float64", *LABELS.values()]
    rows = [
        [SETS[name].title]
        + [f"{found[each][name]:.1e}" if name in found[each] else NONE for each in LABELS]
        for name in by_set
    ]
    return [table(header, rows)]


def capped(by_cap):
    if not by_cap:
        return []
    columns = ("libmuon", "libmuon-f32", "torch")
    header = ["GPT-2 small layer, ms, 1 thread, simulated CPU"]
    header += [LABELS[each] for each in columns] + ["torch / libmuon", "torch / libmuon f32"]
    rows = [
        [CAPS[cap]]
        + [milliseconds(results.get(each, {})) for each in columns]
        + [ratio(ratios({"gpt2": results}, "torch", ours).get("gpt2")) for ours in columns[:2]]
        for cap, results in by_cap.items()
    ]
    return [table(header, rows)]


def adamw(by_threads):
    if not by_threads:
        return []
    columns = list(dict.fromkeys(name for results in by_threads.values() for name in results))
    labels = {
        "libmuon": "libmuon",
        "libmuon-propagate": "libmuon, gradients not looked at",
        "torch": "torch, fused",
        "triad": "memory: a = b + s c, 12 bytes",
        "update": "memory: AdamW's streams, 28 bytes",
    }
    header = ["AdamW, 20 M parameters, GB/s", *(labels.get(each, each) for each in columns)]
    rows = [
        [f"{threads} thread{'s' if threads != '1' else ''}"]
        + [
            f"{results[each]['gigabytes per second']:.1f}"
            if "gigabytes per second" in results.get(each, {})
            else NONE
            for each in columns
        ]
        for threads, results in by_threads.items()
    ]
    return [table(header, rows)]


def core(figures):
    """One core on square matrices, and the cost of a call."""
    if not figures:
        return []
    lines = []
    if figures["peak"]:
        lines.append(
            "Peak of one core, registers only: "
            + ", ".join(
                f"{name} {value / 1e9:.0f} GF/s" for name, value in figures["peak"].items() if value
            )
            + "."
        )
    by_kernel = figures["products"] or {}
    names = next((list(found) for sizes in by_kernel.values() for found in sizes.values()), [])
    rows = [
        [f"{kernel}, {size}", *(f"{f['rate'] / 1e9:.0f}, {f['fraction']:.2f}" for f in found.values())]
        for kernel, by_size in by_kernel.items()
        for size, found in by_size.items()
    ]
    if rows:
        lines.append(table(["products on n × n: GF/s, of the peak", *names], rows))
    header = ["a whole step on n × n, 1 thread", "ms", "GF/s", "of the peak"]
    rows = []
    for precision, by_size in figures["square"].items():
        for size, found in by_size.items():
            fraction = found.get("fraction")
            rows.append(
                [
                    f"{precision}, {size}",
                    digits(1e3 * found["seconds"]),
                    f"{found['rate'] / 1e9:.0f}",
                    NONE if fraction is None else f"{fraction:.2f}",
                ]
            )
    if rows:
        lines.append(table(header, rows))
    for language, found in figures["call"].items():
        if isinstance(found, dict):
            costs = ", ".join(f"{name} {1e6 * value:.2f} µs" for name, value in found.items())
            lines.append(
                f"A step on a 1×1 parameter from {'C' if language == 'c' else 'Python'}: {costs}."
            )
        else:
            lines.append(found)
    return lines


def bars(rows, others):
    """others: the part of the machine that was not ours, which makes an answer uncertain."""
    met = "met" if others < DISTURBED else f"met? Others took {100 * others:.0f} % of the machine"
    header = ["work", "against", "wanted", "seen", met]
    answer = {True: "yes", False: "**no**", None: "not measured"}
    return table(
        header,
        [[r["work"], r["against"], r["wanted"], r["seen"] or NONE, answer[r["met"]]] for r in rows],
        "llrrl",
    )
