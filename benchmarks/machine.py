"""The machine: its processor and cores, what children inherit, versions, compiling C."""

import os
import platform
import shutil
import subprocess
import time
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"

# Variables that change how fast a contender is. OpenBLAS's two can pin it to slower kernels.
CLEARED = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "GOMP_SPINCOUNT",
    "MKL_NUM_THREADS",
    "MUON_NUM_THREADS",
    "MUON_MAX_CPU",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS",
    "XLA_FLAGS",
)


def clear_environment():
    """Removes them from this process and its children; call it before numpy is imported.

    Returns those that were set, to say so.
    """
    return {name: os.environ.pop(name) for name in CLEARED if name in os.environ}


def child_environment():
    """The environment without them: what a child begins with."""
    return {name: value for name, value in os.environ.items() if name not in CLEARED}


def cores():
    """One CPU of each physical core this process may run on: hardware threads share a core."""
    chosen = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        chosen.setdefault(siblings.read_text().strip() if siblings.exists() else str(cpu), cpu)
    return list(chosen.values())


def processor():
    """Its name and those of its features that decide how fast a matrix product can be."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = {}
    for line in lines:
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = set(fields.get("flags", "").split())
    wanted = (
        *("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
        *("amx_int8", "amx_bf16"),
    )
    return {
        "name": fields.get("model name", platform.machine()),
        "family and model": f"{fields.get('cpu family', '?')} {fields.get('model', '?')}",
        "features": [flag for flag in wanted if flag in flags],
    }


def has_bf16():
    return "avx512_bf16" in processor()["features"]


def describe():
    """Everything about the machine that a table of times should carry."""
    pages = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return {
        **processor(),
        "cores": len(cores()),
        "memory GiB": round(memory_bytes("MemTotal") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "huge pages": pages.read_text().split("[")[-1].split("]")[0] if pages.exists() else "?",
        "load average": os.getloadavg()[0],
    }


def memory_bytes(field="MemAvailable"):
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def busy_seconds():
    """CPU seconds that everything on this machine has used so far, ourselves and others."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, interrupts, soft, steal = map(int, fields[:8])
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """What this process and its children that have ended have of that."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Others:
    """What else goes on here while we measure."""

    def __init__(self):
        self.start = time.perf_counter()
        self.before = busy_seconds() - own_seconds()

    def share(self):
        """The part of the machine's CPU time that others have taken since."""
        theirs = busy_seconds() - own_seconds() - self.before
        return max(0.0, theirs / (time.perf_counter() - self.start) / (os.cpu_count() or 1))


def versions():
    """Of the packages that take part. libmuon's own is in what it says about itself."""
    found = {}
    for package in ("torch", "jax", "jaxlib", "optax", "numpy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


# ---- C ------------------------------------------------------------------------------------------


def compiler():
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def compile_c(source, output, *flags, compiler=compiler):
    """Compiles benchmarks/<source> into build/benchmarks/<output>; its path.

    Raises RuntimeError that says why it could not be compiled.
    """
    compiler = compiler()
    if compiler is None:
        raise RuntimeError(f"there is no C compiler for {source}")
    target = BUILD / "benchmarks" / output
    target.parent.mkdir(parents=True, exist_ok=True)
    path = Path(__file__).with_name(source)
    # Compiled anew each time: the flags may mean another machine by now. By way of a name of its
    # own, so that a child that is running keeps what it has loaded.
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    command = [compiler, "-O3", "-march=native", "-Wall", "-Wextra", str(path), "-o", str(fresh)]
    result = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{compiler} could not compile {source}:\n{result.stderr.strip()}")
    fresh.replace(target)
    return target
