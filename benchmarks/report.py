"""What a run showed, in words and tables: Markdown that the README can quote."""

import tables
from sets import SETS
from tables import CAPS, LABELS


def print_machine(results):
    machine = results["machine"]
    print(machine_line(results))
    print(versions_line(results))
    print(results["libmuon"])
    for name, value in results["cleared"].items():
        print(f"{name}={value} in the environment is ignored.")
    if machine["load average"] > 0.5:
        print(f"Others are at work here: the load average is {machine['load average']:.1f}.")


def disturbance(share):
    """A warning where figures are not to be trusted: waiting for a core is not work."""
    if share < tables.DISTURBED:
        return []
    percent = f"{100 * share:.0f} %"
    return [f"**Others took {percent} of this machine meanwhile: do not quote these figures.**"]


def machine_line(results):
    machine = results["machine"]
    features = ", ".join(machine["features"]) or "no AVX2"
    return (
        f"{machine['name']} (family and model {machine['family and model']}; {features}), "
        f"{machine['cores']} cores, {machine['memory GiB']} GiB, {machine['system']}"
    )


def versions_line(results):
    found = {"Python": results["machine"]["python"], **results["versions"]}
    return ", ".join(f"{name} {version or 'not installed'}" for name, version in found.items())


def markdown(results):
    """Everything, as one Markdown text."""
    parts = [
        f"Measured on {results['started']}, in {results['seconds'] / 60:.1f} minutes.",
        machine_line(results) + ".",
        versions_line(results) + ".",
        *disturbance(results["others"]),
        *facts(results["facts"]),
        *(tables.muon(threads, by_set) for threads, by_set in results["muon"].items()),
        *by_cpu_time(results),
        *tables.errors(results["muon"]),
        *tables.capped(results["capped"]),
        *tables.adamw(results["adamw"]),
        *tables.core(results["core"]),
        *reasons(results),
        tables.bars(results["bars"], results["others"]),
    ]
    return "\n\n".join(parts) + "\n"


def by_cpu_time(results):
    """Where others had the core for a while, the time that one thread itself took says more."""
    if results["others"] < tables.DISTURBED or "1" not in results["muon"]:
        return []
    return [tables.muon("1", results["muon"]["1"], "cpu")]


def facts(by_child):
    """What the libraries said about themselves, and where, if not everywhere."""
    said = {}
    for child, found in by_child.items():
        for name, text in found.items():
            said.setdefault((name, text), []).append(child)
    lines = []
    for (name, text), children in said.items():
        alone = sum(name == other for other, _ in said) == 1
        lines.append(f"- {name}: {text}" + ("" if alone else f" ({'; '.join(children)})"))
    return ["\n".join(lines)] if lines else []


def reasons(results):
    """Why something is missing, or was counted once."""
    said = {}
    cases = [
        (f"{SETS[name].title}, {threads} thread{'s' if threads != '1' else ''}", found)
        for threads, by_set in results["muon"].items()
        for name, found in by_set.items()
    ]
    cases += [(CAPS[cap], found) for cap, found in results["capped"].items()]
    cases += [(f"AdamW, {threads} threads", found) for threads, found in results["adamw"].items()]
    for case, found in cases:
        for contender, result in found.items():
            label = LABELS.get(contender, contender)
            if "left_out" in result:
                said.setdefault(f"{label} is left out: {result['left_out']}", []).append(case)
            if "note" in result:
                said.setdefault(f"* {label}: {result['note']}", []).append(case)
    lines = [f"- {text} ({'; '.join(where)})" for text, where in said.items()]
    lines += [f"- {problem}" for problem in results["problems"]]
    return ["\n".join(lines)] if lines else []
