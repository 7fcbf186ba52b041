"""A child process of bench.py: measures one thing with one number of threads.

Threads are fixed from outside as well as from inside: the process runs only on as many cores as it
may have threads, since XLA takes as many as it sees. The job is the argument, as JSON; what
happened goes to standard output, one JSON object a line.
"""

import json
import os
import sys
import time

JOB = json.loads(sys.argv[1])
os.sched_setaffinity(0, JOB["cpus"])  # before anything that counts processors is loaded
REPORT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what others print does not get between the objects

import numpy as np  # noqa: E402

import libmuon  # noqa: E402
import core  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402
import memory  # noqa: E402
import ours  # noqa: E402
import peers  # noqa: E402
import sets  # noqa: E402

MUON = {
    "libmuon": ours.auto,
    "libmuon-bf16": ours.bf16,
    "libmuon-int16": ours.int16,
    "libmuon-int8": ours.int8,
    "libmuon-f32": ours.f32,
    "torch": peers.TorchMuon,
    "keller": peers.KellerJordan,
    "optax": peers.Optax,
}
ADAMW = {
    "libmuon": ours.LibAdamW,
    "libmuon-propagate": ours.adamw_unchecked,
    "torch": peers.TorchAdamW,
}

STEP_LIMIT = 120  # seconds; a contender that would take longer on a set is left out of it
MAX_ERROR = 0.1  # of a first step, as a direction; beyond it a contender computes something else
COPIES = 6  # of the parameters in memory, for each contender: p, g, momentum and temporaries


def report(event, **fields):
    REPORT.write(json.dumps({"event": event, **fields}) + "\n")
    REPORT.flush()


# ---- Muon ----------------------------------------------------------------------------------------


def measure_muon():
    rates = {}  # seconds an operation, by contender, on the dearest set so far
    for name in JOB["sets"]:
        results = measure_set(name, rates)
        for contender, result in results.items():
            if "median" in result:
                rates[contender] = result["median"] / sets.SETS[name].operations
        report("case", case=name, results=results)


def measure_set(name, rates):
    chosen = sets.SETS[name]
    rng = np.random.default_rng(1)
    grads = [rng.standard_normal(shape, dtype=np.float32) for shape in chosen.shapes]
    factories, left_out = {}, {}
    for contender in JOB["contenders"]:
        reason = why_not(name, contender, rates.get(contender, 0) * chosen.operations)
        if reason:
            left_out[contender] = {"left_out": reason}
        else:
            factories[contender] = lambda make=MUON[contender]: make(grads)
    reference = direction(polynomial(grads[chosen.probe]))
    rounds = JOB["slow_rounds" if name == "llama" else "rounds"]
    return {**run_case(name, factories, rounds, chosen.probe, reference), **left_out}


PRECISION_NEEDS = {"libmuon-bf16": "bf16", "libmuon-int16": "int16", "libmuon-int8": "int8"}


def why_not(name, contender, seconds):
    """The reason for leaving a contender out of a set, or None. seconds: what a step may take."""
    if contender == "optax" and not sets.SETS[name].optax_seconds:
        return "not tried on a set this large"
    if contender in PRECISION_NEEDS:
        try:
            MUON[contender]([np.zeros((2, 2), np.float32)])
        except libmuon.UnsupportedError as error:
            return str(error)
    if seconds > STEP_LIMIT:
        return f"a step would take about {seconds:.0f} s"
    needed = sets.SETS[name].elements * 4 * COPIES * len(JOB["contenders"])
    if needed > machine.memory_bytes():
        return f"the set needs about {needed / 2**30:.0f} GiB of memory"
    return None


def polynomial(matrix):
    """What all of them approximate: the float64 evaluation of the same five steps."""
    a, b, c = peers.COEFFICIENTS
    x = matrix.astype(np.float64)
    x = x.T if x.shape[0] > x.shape[1] else x
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(peers.STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def direction(matrix):
    return matrix / np.linalg.norm(matrix)


# ---- Any case ------------------------------------------------------------------------------------


def run_case(case, factories, rounds, probe=None, reference=None):
    """All contenders of one case, in turn; {name: result, or why it was left out}.

    Parameters begin at 0, so that after the first step they are the update, times the rate. As a
    direction it must agree with the reference.
    """
    entries, results = [], {}
    for name, make in factories.items():
        try:
            contender = make()
            seconds = measure.seconds_of(contender.step)
            entry = measure.Entry(name, contender)
            if reference is not None:
                update = -contender.parameter(probe).astype(np.float64)
                error = float(np.linalg.norm(direction(update) - reference))
                results[name] = {"error": error}
                if not error <= MAX_ERROR:
                    raise RuntimeError(f"computes something else: relative error {error:.2g}")
            entry.calibrate(seconds, rounds)
        except Exception as error:  # one contender that fails must not take the others with it
            results[name] = {"left_out": f"{type(error).__name__}: {error}"}
            report("problem", case=case, contender=name, text=results[name]["left_out"])
        else:
            entries.append(entry)
        report("turn", case=case, contender=name)
    measure.round_robin(entries, rounds, lambda name: report("turn", case=case, contender=name))
    for entry in entries:
        results[entry.name] = {**results.get(entry.name, {}), **entry.result()}
    return results


def measure_adamw():
    rng = np.random.default_rng(1)
    grads = [rng.standard_normal(shape, dtype=np.float32) for shape in memory.ADAMW_SHAPES]
    elements = sum(grad.size for grad in grads)
    factories = {
        name: (lambda make=ADAMW[name]: make(grads)) for name in JOB["contenders"]
    }
    made = {}
    for name, make in memory.roofs(JOB["threads"]).items():
        factories[name] = lambda name=name, make=make: made.setdefault(name, make())
    results = run_case("adamw", factories, JOB["rounds"])
    for name, result in results.items():
        if "median" in result:
            moved = made[name].bytes if name in made else memory.ADAMW_BYTES * elements
            result["gigabytes per second"] = moved / result["median"] / 1e9
    report("case", case="adamw", results=results)


def measure_core():
    """The sizes that the bar for products names, and the calls."""
    sizes = (768, 1024, 2048)
    rates = {
        precision: {str(n): core.square_rate(n, precision) for n in sizes}
        for precision in core.PRECISIONS
    }
    figures = {"peak": core.peaks(), "square": rates, "products": core.products(sizes)}
    report("core", figures={**figures, "call": core.calls()})


def prepare():
    """Sets the threads of everything that will take part, and says what it is."""
    libmuon.set_num_threads(JOB["threads"])
    facts = {"libmuon": libmuon.build_info()}
    if {"torch", "keller"} & set(JOB["contenders"]):
        facts["torch"] = peers.prepare_torch(JOB["threads"])
    report("facts", facts=facts)


if __name__ == "__main__":
    start = time.perf_counter()
    prepare()
    {"muon": measure_muon, "adamw": measure_adamw, "core": measure_core}[JOB["part"]]()
    report("end", seconds=time.perf_counter() - start)
