#!/usr/bin/env python3
"""libmuon beside torch, KellerJordan's update and optax, on this machine, in one run.

Every contender takes its turn in every round, in one process for each number of threads; figures
are medians over the rounds, and ratios are ratios of medians. Writes build/bench.json, bench.md and
bench.png, and checks them against what libmuon promises.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import machine

CLEARED = machine.clear_environment()  # before numpy, which loads an OpenBLAS of its own

from tqdm import tqdm  # noqa: E402

import libmuon  # noqa: E402
import bars  # noqa: E402
import picture  # noqa: E402
import plan  # noqa: E402
import report  # noqa: E402
import sets  # noqa: E402

# ---- Running -------------------------------------------------------------------------------------


def run(job, bar, log):
    """Runs one child and yields the events it reports other than turns."""
    threads = str(job["threads"])
    environment = {
        **machine.child_environment(),
        "OMP_NUM_THREADS": threads,
        "MUON_NUM_THREADS": threads,
        "JAX_PLATFORMS": "cpu",
        **plan.CAPPED.get(job.get("cap"), {}),
    }
    command = [sys.executable, str(Path(__file__).with_name("worker.py")), json.dumps(job)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
    ) as child:
        try:
            for line in child.stdout:
                event = json.loads(line)
                if event["event"] == "turn":
                    bar.set_postfix_str(f"{event['case']}, {event['contender']}")
                    bar.update(plan.turn_seconds(job, event["case"], event["contender"]))
                else:
                    yield event
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        yield {"event": "problem", "text": f"the child ended with {child.returncode}"}


def run_all(jobs, results):
    """Runs the children one after the other, and puts what they found into results."""
    log_path = machine.BUILD / "benchmarks" / "workers.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    expected = [plan.expected_seconds(job) for job in jobs]
    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}"
    with log_path.open("w") as log, tqdm(total=sum(expected), bar_format=form) as bar:
        for number, job in enumerate(jobs):
            bar.set_description_str(plan.title(job))
            for event in run(job, bar, log):
                take(event, job, results)
                if event["event"] == "problem":
                    text = f"{plan.title(job)}: {event.get('contender', '')} {event['text']}"
                    results["problems"].append(text)
                    bar.write(f"{text} (see {log_path})")
            bar.update(sum(expected[: number + 1]) - bar.n)


def take(event, job, results):
    """Puts one event where the report looks for it."""
    threads = str(job["threads"])
    if event["event"] == "facts":
        results["facts"][plan.title(job)] = event["facts"]
        # A library that does not know the variable would be measured as if it had been held back.
        if "cap" in job and job["cap"] not in event["facts"]["libmuon"].split("; "):
            results["problems"].append(f"{plan.title(job)}: libmuon does not say that it is")
    elif event["event"] == "end":
        results["children"][plan.title(job)] = event["seconds"]
    elif event["event"] == "core":
        results["core"] = event["figures"]
    elif event["event"] == "case" and "cap" in job:
        results["capped"][job["cap"]] = event["results"]
    elif event["event"] == "case" and job["part"] == "adamw":
        results["adamw"][threads] = event["results"]
    elif event["event"] == "case":
        results["muon"].setdefault(threads, {})[event["case"]] = event["results"]


# ---- Command line --------------------------------------------------------------------------------


def names(allowed, convert=str):
    """Reads a list such as gpt2,llama of names that are allowed."""

    def read(text):
        chosen = [convert(name) for name in text.split(",")]
        unknown = [name for name in chosen if name not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"{unknown[0]} is not among {', '.join(map(str, allowed))}"
            )
        return [name for name in allowed if name in chosen]

    return read


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only",
        type=names(plan.PARTS),
        default=list(plan.PARTS),
        help="some of " + ",".join(plan.PARTS),
    )
    parser.add_argument(
        "--sets",
        type=names(list(sets.SETS)),
        default=list(sets.SETS),
        help="some of " + ",".join(sets.SETS),
    )
    parser.add_argument("--threads", type=names([1, 2], int), default=[1, 2], help="1,2")
    parser.add_argument("--rounds", type=int, default=9, help="9; the Llama layer makes at most 3")
    parser.add_argument("--quick", action="store_true", help="2 rounds, neither Llama nor AVX2")
    parser.add_argument(
        "--out", type=Path, default=machine.BUILD / "bench", help="without a suffix"
    )
    options = parser.parse_args()
    options.caps = list(plan.CAPPED)
    if options.quick:
        options.rounds, options.caps = min(options.rounds, 2), ["avx512"]
        options.sets = [name for name in options.sets if name != "llama"]
    if options.rounds < 1 or not options.sets:
        parser.error("there is nothing to measure")
    return options


def main():
    options = arguments()
    results = {
        "machine": machine.describe(),
        "versions": machine.versions(),
        "libmuon": libmuon.build_info(),
        "cleared": CLEARED,
        "started": time.strftime("%Y-%m-%d %H:%M:%S"),
        "rounds": options.rounds,
        "facts": {},
        "children": {},
        "muon": {},
        "capped": {},
        "adamw": {},
        "core": None,
        "problems": [],
    }
    report.print_machine(results)
    jobs = plan.jobs(options)
    least = sum(map(plan.expected_seconds, jobs)) / 60
    print(f"This takes {least:.0f} to {2 * least:.0f} minutes on a quiet machine with AVX512-BF16.")
    start, others = time.perf_counter(), machine.Others()
    run_all(jobs, results)
    results["seconds"] = time.perf_counter() - start
    results["others"] = others.share()
    results["bars"] = bars.check(results)

    options.out.parent.mkdir(parents=True, exist_ok=True)
    outputs = {suffix: options.out.with_suffix(suffix) for suffix in (".json", ".md", ".png")}
    outputs[".json"].write_text(json.dumps(results, indent=1) + "\n")
    text = report.markdown(results)
    outputs[".md"].write_text(text)
    print("\n" + text)
    if picture.draw(results, outputs[".png"]):
        print(f"picture: {outputs['.png']}")
    print(f"table: {outputs['.md']}\nnumbers: {outputs['.json']}")


if __name__ == "__main__":
    main()
