"""What was promised of the speed, held against what was seen."""

from measure import geometric_mean
from sets import SETS


def ratios(by_set, contender, ours, key="median"):
    """Time of a contender over ours, set by set, where both were measured."""
    found = {}
    for name in SETS:
        results = by_set.get(name, {})
        if all(key in results.get(each, {}) for each in (contender, ours)):
            found[name] = results[contender][key] / results[ours][key]
    return found


def check(results):
    """Rows of what was wanted and what was seen; seen is None where it was not measured."""
    one, two = (results["muon"].get(threads, {}) for threads in ("1", "2"))
    return [
        *against_torch(one, "1 thread", "libmuon", 3.5),
        *against_torch(two, "2 threads", "libmuon", 3.5),
        *by_set(one),
        *against_optax(one, "1 thread"),
        *against_optax(two, "2 threads"),
        *capped(results["capped"]),
        *scaling(one, two),
        *product(results["core"]),
        *adamw(results["adamw"]),
        *calls(results["core"]),
    ]


def row(work, against, wanted, seen, unit="", at_most=False):
    met = None if seen is None else seen <= wanted if at_most else seen >= wanted
    sign = "at most" if at_most else "at least"
    return {
        "work": work,
        "against": against,
        "wanted": f"{sign} {wanted:g}{unit}",
        "seen": None if seen is None else f"{seen:.3g}{unit}",
        "met": met,
    }


def coverage(found):
    """How many sets a mean is over, if it is not over all."""
    return "" if len(found) == len(SETS) else f", {len(found)} of {len(SETS)} sets"


def against_torch(by_set, threads, ours, mean_wanted, least_wanted=1.7):
    found = ratios(by_set, "torch", ours)
    work = f"Muon, auto, {threads}"
    mean = f"{work}, geometric mean{coverage(found)}"
    least = min(found, key=found.get) if found else None
    where = f" ({SETS[least].title})" if found else ""
    return [
        row(mean, "torch.optim.Muon", mean_wanted, geometric_mean(found.values())),
        row(f"{work}, the least set{where}", "torch.optim.Muon", least_wanted, found.get(least)),
    ]


# What each set alone is to reach on one thread.
WANTED = {"square": 1.9, "gpt2": 2.5, "llama": 2.6, "thin": 4.5, "small": 11}


def by_set(one):
    found = ratios(one, "torch", "libmuon")
    rows = [
        row(f"Muon, auto, {SETS[name].title}, 1 thread", "torch.optim.Muon", wanted, found.get(name))
        for name, wanted in WANTED.items()
    ]
    int8 = ratios(one, "torch", "libmuon-int8").get("square")
    rows.append(row(f"Muon, int8, {SETS['square'].title}, 1 thread", "torch.optim.Muon", 2.4, int8))
    return rows


def against_optax(by_set, threads):
    found = ratios(by_set, "optax", "libmuon")
    mean = geometric_mean(found.values())
    return [row(f"Muon, auto, {threads}, geometric mean{coverage(found)}", "jitted optax", 6, mean)]


def capped(by_cap):
    """The GPT-2 small layer on the simulated machines."""
    rows = []
    for cap, text, wanted in (
        ("avx2", "AVX2 only", 100),
        ("avx512", "AVX-512 alone", 7),
        ("avx512vnni", "AVX512-VNNI without BF16", 13),
    ):
        seen = ratios({"gpt2": by_cap.get(cap, {})}, "torch", "libmuon").get("gpt2")
        rows.append(row(f"GPT-2 small layer, {text}, 1 thread", "torch.optim.Muon", wanted, seen))
    return rows


def scaling(one, two):
    rows = []
    for name in ("gpt2", "llama"):
        times = [by_set.get(name, {}).get("libmuon", {}).get("median") for by_set in (one, two)]
        seen = times[0] / times[1] if all(times) else None
        rows.append(row(f"{SETS[name].title}, auto, 2 threads", "1 thread", 1.8, seen))
    return rows


def product(core):
    """The least of the products of a step, over the sizes."""
    rows = []
    for element in ("int16", "int8"):
        sizes = ((core or {}).get("products") or {}).get(element, {})
        fractions = [
            (figures["fraction"], f"{name}, n = {size}")
            for size, products in sizes.items()
            for name, figures in products.items()
        ]
        seen, which = min(fractions, default=(None, "n >= 768"))
        work = f"{element} product of a step, the least ({which})"
        rows.append(row(work, f"register-only {element} peak of the core", 0.85, seen))
    return rows


def adamw(by_threads):
    rows = []
    for threads, results in by_threads.items():
        work = f"AdamW, 20 M parameters, {threads} thread{'s' if threads != '1' else ''}"
        rates = {
            name: result["gigabytes per second"]
            for name, result in results.items()
            if "gigabytes per second" in result
        }
        ours, torch = rates.pop("libmuon", None), rates.pop("torch", None)
        for name, rate, wanted in (
            (work, ours, 0.98),
            (f"{work}, propagate", rates.pop("libmuon-propagate", None), 1.12),
        ):
            torch_ratio = rate / torch if rate and torch else None
            rows.append(row(name, "torch's fused AdamW", wanted, torch_ratio))
        roof = max(rates, key=rates.get, default=None)
        roof_ratio = ours / rates[roof] if ours and roof else None
        rows.append(row(work, f"memory ({roof})", 0.85, roof_ratio))
    return rows


def calls(core):
    call = core["call"] if core else {}
    rows = []
    for name, language, wanted in (("c", "C", 1), ("python", "Python", 5)):
        seen = call[name]["muon"] * 1e6 if name in call else None
        rows.append(
            row(f"step on a 1×1 parameter, {language}", "", wanted, seen, " µs", at_most=True)
        )
    return rows
