#!/usr/bin/env python3
"""libmuon alone, in about a minute and without torch: is each part as fast as the hardware allows?

On one core: bytes a second of the passes over memory beside what memory gives, the rate of a step
against the size of its matrix with the exponent of the fit, beside the peak of the core, and what a
call costs. On two: steps of few matrices. Writes build/bench-quick.json.
"""

import argparse
import json
import os

import machine

machine.clear_environment()  # before numpy, which loads an OpenBLAS of its own
CORES = machine.cores()
os.sched_setaffinity(0, CORES[:1])

import numpy as np  # noqa: E402
from tqdm import tqdm  # noqa: E402

import libmuon  # noqa: E402
import core  # noqa: E402
import measure  # noqa: E402
import memory  # noqa: E402
import ours  # noqa: E402
import threads  # noqa: E402

SIZES = (64, 128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096)
PRODUCT_SIZES = (256, 768, 1024, 2048)
FIT_FROM = 256  # below it a step is not yet mostly products
# One matrix of 20 M parameters whose products are small beside its passes over memory.
WIDE = (16, 1_250_000)
# What Muon's passes must move, in bytes a parameter: g and m are read, m and the update written;
# the update and p are read, p written.
PASS_BYTES = 28
STEP_COUNTS = (2, 3, 4, 5)


def passes():
    """GB/s of AdamW and of Muon's element-wise passes, beside the fastest loop over memory."""
    rates = {}
    for name, make in memory.roofs(threads=1).items():
        stream = make()
        rates[f"memory: {name}"] = stream.bytes / measure.median_seconds(stream.step)
    rng = np.random.default_rng(1)
    grads = [rng.standard_normal(shape, dtype=np.float32) for shape in memory.ADAMW_SHAPES]
    elements = sum(grad.size for grad in grads)
    seconds = measure.median_seconds(ours.LibAdamW(grads).step)
    rates["AdamW"] = memory.ADAMW_BYTES * elements / seconds
    rate = PASS_BYTES * WIDE[0] * WIDE[1] / pass_seconds(rng)
    if 0 < rate < 2 * max(rates.values()):  # else others at work here have bent the line
        rates["Muon, without its iterations"] = rate
    return rates


def pass_seconds(rng):
    """Seconds of a step with no iterations: where the line through 2, 3, 4, 5 of them begins.

    If the library iterates on Gram matrices here, its two products with the whole are in it too.
    """
    grad = rng.standard_normal(WIDE, dtype=np.float32)
    entries = [
        measure.Entry(str(count), ours.LibMuon([grad], "f32", backend_steps=count))
        for count in STEP_COUNTS
    ]
    for entry in entries:
        entry.calibrate(measure.seconds_of(entry.contender.step), rounds=5)
    measure.round_robin(entries, rounds=5)
    times = [entry.result()["median"] for entry in entries]
    return float(np.polyfit(STEP_COUNTS, times, 1)[1])


def exponent(by_size):
    """The power of n with which the time of a step grows, by least squares on logarithms."""
    points = [(int(n), found["seconds"]) for n, found in by_size.items() if int(n) >= FIT_FROM]
    if len(points) < 2:
        return None
    sizes, seconds = np.log(np.array(points)).T
    return float(np.polyfit(sizes, seconds, 1)[0])


def squares(sizes):
    rates = {precision: {} for precision in core.PRECISIONS}
    with tqdm(total=sum(n**3 for n in sizes) * len(rates), desc="n × n", bar_format=BAR) as bar:
        for n in sizes:
            for precision in rates:
                bar.set_postfix_str(f"n = {n}, {precision}")
                rates[precision][str(n)] = core.square_rate(n, precision)
                bar.update(n**3)
    return rates


BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}"


# ---- What it says --------------------------------------------------------------------------------


def print_passes(rates):
    roof = max((rate for name, rate in rates.items() if name.startswith("memory")), default=None)
    print("\npasses over 20 M parameters, 1 thread")
    for name, rate in rates.items():
        part = f"  {rate / roof:5.2f} of memory" if roof and not name.startswith("memory") else ""
        print(f"  {name:<30}{rate / 1e9:7.1f} GB/s{part}")


def print_products(peak, products):
    if peak:
        known = ", ".join(f"{name} {rate / 1e9:.0f}" for name, rate in peak.items() if rate)
        print(f"\npeak of this core, registers only, GF/s: {known}")
    if products is None:
        return print("products by themselves are not measured without clang")
    print("\nthe products of a step on n × n, 1 thread: GF/s, and of the peak beside it")
    print(f"  {'':>4}{'n':>6}" + "".join(f"{name:>20}" for name in core.PRODUCTS))
    for kernel, by_size in products.items():
        for n, found in by_size.items():
            figures = (f"{f['rate'] / 1e9:.0f}  {f['fraction']:.2f}" for f in found.values())
            print(f"  {kernel:>4}{n:>6}" + "".join(f"{text:>20}" for text in figures))


def print_squares(rates, exponents):
    print("\na whole step on one n × n matrix, 1 thread; counting the operations it needs")
    print(
        f"  {'n':>6}"
        + "".join(f"{precision + ', ms':>14}{'GF/s':>8}{'of peak':>9}" for precision in rates)
    )
    for n in rates["auto"]:
        line = f"  {n:>6}"
        for by_size in rates.values():
            found = by_size[n]
            part = f"{found['fraction']:.2f}" if found["fraction"] is not None else "–"
            line += f"{1e3 * found['seconds']:14.4g}{found['rate'] / 1e9:8.0f}{part:>9}"
        print(line)
    for precision, value in exponents.items():
        if value is not None:
            print(f"  {precision}: time grows as n^{value:.2f} from n = {FIT_FROM}")


def print_calls(found):
    print("\na step on a 1×1 parameter, µs")
    for language in ("c", "python"):
        for name, seconds in found.get(language, {}).items():
            print(f"  {'C' if language == 'c' else 'Python':<8}{name:<22}{1e6 * seconds:8.3f}")
    if "problem" in found:
        print(f"  {found['problem']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="the largest n")
    options = parser.parse_args()
    facts = machine.describe()
    print(f"{facts['name']} ({', '.join(facts['features'])}), {facts['system']}")
    print(libmuon.build_info())
    if facts["load average"] > 0.5:
        print(f"Others are at work here: the load average is {facts['load average']:.1f}.")
    libmuon.set_num_threads(1)

    rates = passes()
    print_passes(rates)
    peak = core.peaks()
    products = core.products([n for n in PRODUCT_SIZES if n <= options.largest])
    print_products(peak, products)
    by_size = squares([n for n in SIZES if n <= options.largest])
    exponents = {precision: exponent(found) for precision, found in by_size.items()}
    print_squares(by_size, exponents)
    # Calls as a user makes them: with the threads that the library takes by itself.
    os.sched_setaffinity(0, CORES)
    libmuon.set_num_threads(0)
    calls = core.calls()
    print_calls(calls)
    by_threads = threads.all_cases() if len(CORES) > 1 else {}
    threads.print_all(by_threads)

    target = machine.BUILD / "bench-quick.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "machine": facts,
        "libmuon": libmuon.build_info(),
        "bytes per second": rates,
        "peak": peak,
        "products": products,
        "squares": by_size,
        "exponents": exponents,
        "calls": calls,
        "milliseconds by threads": by_threads,
    }
    target.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\nnumbers: {target}")


if __name__ == "__main__":
    main()
