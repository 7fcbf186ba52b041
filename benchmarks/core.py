"""What one core does: its peak, the rate of a whole step on square matrices, the cost of a call."""

import ctypes
import json
import subprocess
import timeit
from pathlib import Path

import numpy as np

import libmuon
import machine
import measure
import ours
import sets

PRECISIONS = {"auto": ours.auto, "f32": ours.f32}


def peaks():
    """Operations a second of loops that never leave the registers, in f32 and bf16 (0: has none).

    None without a C compiler.
    """
    try:
        library = ctypes.CDLL(str(machine.compile_c("peak.c", "peak.so", "-shared", "-fPIC")))
    except RuntimeError:
        return None
    found = {}
    for name in ("f32", "bf16"):
        function = getattr(library, f"peak_{name}")
        function.restype = ctypes.c_double
        found[name] = function()
    return found


def square_rate(n, precision):
    """Seconds of a step on one n x n matrix, and operations a second, counting what it needs.

    All of the step's time is counted, so a product by itself is at least as fast.
    """
    grad = np.random.default_rng(1).standard_normal((n, n), dtype=np.float32)
    seconds = measure.median_seconds(PRECISIONS[precision]([grad]).step)
    return {"seconds": seconds, "rate": sets.square_operations(n) / seconds}


def with_fractions(rates, peak):
    """Adds to each rate its fraction of the peak of the type that its products are in.

    "auto" is held against the bf16 peak wherever the processor has one.
    """
    for precision, by_size in rates.items():
        of = "bf16" if precision == "auto" and peak and peak["bf16"] else "f32"
        for figures in by_size.values():
            figures["fraction"] = figures["rate"] / peak[of] if peak else None
    return rates


# ---- Calls ---------------------------------------------------------------------------------------


def call_from_c():
    """Seconds of a step on a 1x1 parameter in a C program, of Muon and of AdamW."""
    library = Path(libmuon._library.path).resolve()
    # The loader looks for the library's SONAME, which need not be the name of the file.
    links = machine.BUILD / "benchmarks" / "lib"
    links.mkdir(parents=True, exist_ok=True)
    link = links / "libmuon.so.0"
    link.unlink(missing_ok=True)
    link.symlink_to(library)
    program = machine.compile_c(
        "overhead.c", "overhead", f"-I{machine.ROOT / 'include'}", str(link), f"-Wl,-rpath,{links}"
    )
    output = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout
    return {name: value * 1e-9 for name, value in json.loads(output).items()}


def call_from_python():
    """Seconds of a step on a 1x1 parameter, with the gradient array of before and with another."""
    parameter = libmuon.Parameter(np.ones((1, 1), np.float32))
    grads = [np.full((1, 1), value, np.float32) for value in (0.5, 0.25)]
    parameter.grad = grads[0]
    optimizer = libmuon.Muon([parameter])

    def with_new_gradients():
        parameter.grad = grads[0]
        optimizer.step()
        parameter.grad = grads[1]
        optimizer.step()

    return {
        "muon": median_call(optimizer.step),
        "muon, new gradient": median_call(with_new_gradients) / 2,
    }


def median_call(function, batches=31, calls=2000):
    times = timeit.repeat(function, repeat=batches + 1, number=calls)[1:]
    return sorted(times)[batches // 2] / calls


def calls():
    """Both, or why not."""
    found = {"python": call_from_python()}
    try:
        found["c"] = call_from_c()
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        found["problem"] = f"not measured from C: {error}"
    return found
