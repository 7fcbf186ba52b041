"""What bench.py measures, in which child processes, and about how long that takes."""

import machine
import sets

CONTENDERS = (
    *("libmuon", "libmuon-bf16", "libmuon-int16", "libmuon-int8", "libmuon-f32"),
    *("torch", "keller", "optax"),
)
ADAMW_CONTENDERS = ("libmuon", "libmuon-propagate", "torch")
PARTS = ("muon", "capped", "adamw", "core")

# A CPU with fewer features, simulated for both sides. OpenBLAS does some of libmuon's products, so
# that it is held back too.
CAPPED = {
    "avx512bf16": {
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16",
        "ATEN_CPU_CAPABILITY": "avx512",
        "MUON_MAX_CPU": "avx512bf16",
        "OPENBLAS_CORETYPE": "SkylakeX",
    },
    "avx512vnni": {
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI",
        "ATEN_CPU_CAPABILITY": "avx512",
        "MUON_MAX_CPU": "avx512vnni",
        "OPENBLAS_CORETYPE": "SkylakeX",
    },
    "avx512": {
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
        "ATEN_CPU_CAPABILITY": "avx512",
        "MUON_MAX_CPU": "avx512",
        "OPENBLAS_CORETYPE": "SkylakeX",
    },
    "avx2": {
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MUON_MAX_CPU": "avx2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
}
# What they still have; the first is a cap where there is more, which is AMX.
CAP_LEAVES = {
    "avx512bf16": "amx_bf16",
    "avx512vnni": "avx512_vnni",
    "avx512": "avx512f",
    "avx2": "avx2",
}
CAPPED_TORCH_SECONDS = {"avx512bf16": 0.5, "avx512vnni": 2.2, "avx512": 2.2, "avx2": 43}
SETUP_SECONDS = 15  # of a child: importing torch and jax, compiling


def jobs(options):
    """The children to run, in order."""
    cores = machine.cores()
    planned = []
    for threads in options.threads:
        common = {
            "threads": threads,
            "cpus": cores[:threads],
            "contenders": CONTENDERS,
            "rounds": options.rounds,
            "slow_rounds": min(options.rounds, 3),
        }
        if threads > len(cores):
            print(f"{threads} threads: left out, there are {len(cores)} cores")
            continue
        if "muon" in options.only:
            planned.append({**common, "part": "muon", "sets": options.sets})
        if "adamw" in options.only:
            planned.append({**common, "part": "adamw", "contenders": ADAMW_CONTENDERS})
        if threads > 1:
            continue
        if "core" in options.only:
            planned.append({**common, "part": "core", "contenders": []})
        for cap in possible_caps(options) if "capped" in options.only else ():
            contenders = ("libmuon", "libmuon-f32", "torch")
            few = {"rounds": min(options.rounds, 3), "sets": ["gpt2"], "contenders": contenders}
            planned.append({**common, "part": "muon", **few, "cap": cap})
    return planned


def possible_caps(options):
    """A cap takes features away; it cannot add those a processor lacks."""
    features = machine.processor()["features"]
    for cap in options.caps:
        if CAP_LEAVES[cap] in features:
            yield cap
        else:
            print(f"capped at {cap}: left out, this processor has no more than that")


# ---- How long it will take -----------------------------------------------------------------------


def turn_seconds(job, case, contender):
    """About how long a turn of a contender takes: for the progress shown."""
    if contender not in CONTENDERS or case == "adamw":
        return 0.3
    step = sets.expected_step(case, contender, job["threads"])
    if "cap" in job:
        step = CAPPED_TORCH_SECONDS[job["cap"]] * (1 if contender == "torch" else 0.05)
    return max(0.2, step) + (step if step < 0.5 else 0)


def expected_seconds(job):
    if job["part"] == "core":
        return 45
    if job["part"] == "adamw":
        return SETUP_SECONDS + 1.5 * (job["rounds"] + 1)
    total = SETUP_SECONDS
    for name in job["sets"]:
        rounds = job["slow_rounds" if name == "llama" else "rounds"]
        for contender in job["contenders"]:
            if contender == "optax" and not sets.SETS[name].optax_seconds:
                continue
            once = turn_seconds(job, name, contender)
            # The first step and one to calibrate with count as one turn more.
            total += once * (1 if once > 30 else rounds + 1)
    return total


def title(job):
    what = f"{job['part']} capped at {job['cap']}" if "cap" in job else job["part"]
    return f"{what}, {job['threads']} thread{'s' if job['threads'] > 1 else ''}"
