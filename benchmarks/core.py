"""What one core does: its peak, the rate of a whole step on square matrices, the cost of a call."""

import ctypes
import functools
import json
import shutil
import statistics
import subprocess
import timeit
from pathlib import Path

import numpy as np

import libmuon
import machine
import measure
import ours
import sets

ELEMENTS = ("f32", "bf16", "int16", "int8")  # in the order of muon_element
PRECISIONS = {"auto": ours.auto, "f32": ours.f32}


@functools.cache
def peak_library():
    """None without a C compiler."""
    try:
        library = ctypes.CDLL(str(machine.compile_c("peak.c", "peak.so", "-shared", "-fPIC")))
    except RuntimeError:
        return None
    for name in ELEMENTS:
        getattr(library, f"peak_{name}").restype = ctypes.c_double
    return library


def peaks():
    """Operations a second of loops that never leave the registers, by their elements (0: has none).

    None without a C compiler.
    """
    library = peak_library()
    return library and {name: getattr(library, f"peak_{name}")() for name in ELEMENTS}


PRODUCTS = ("X Xᵀ", "b A + c A²", "a X + B X")  # in the order of products.c
ROUNDS = 9


def products(sizes):
    """Operations a second of each product of a step by itself, and their part of the peak.

    By kernel, size and product. The peak is measured anew beside each, so that a core that others
    slow down is slow for both. None without clang, which the kernels are written for.
    """
    kernels = Path(machine.ROOT / "Sources" / "CMuonKernels")
    try:
        library = ctypes.CDLL(
            str(
                machine.compile_c(
                    "products.c",
                    "products.so",
                    *("-O2", "-shared", "-fPIC", f"-I{kernels / 'include'}"),
                    *map(str, kernels.rglob("*.c")),
                    compiler=lambda: shutil.which("clang"),
                )
            )
        )
    except RuntimeError:
        return None
    if peak_library() is None:
        return None
    found = {}
    for kernel, name in enumerate(ELEMENTS):
        for n in sizes:
            rates, fractions = [], []
            for _ in range(ROUNDS):
                once = (ctypes.c_double * len(PRODUCTS))()
                if library.product_rates(kernel, n, once) != 0:
                    break
                peak = getattr(peak_library(), f"peak_{name}")()
                rates.append(list(once))
                fractions.append([rate / peak for rate in once])
            if rates:
                found.setdefault(name, {})[str(n)] = {
                    product: {
                        "rate": statistics.median(rate[number] for rate in rates),
                        "fraction": statistics.median(part[number] for part in fractions),
                    }
                    for number, product in enumerate(PRODUCTS)
                }
    return found


def square_rate(n, precision):
    """Seconds of a step on one n x n matrix, operations a second, and their part of the peak.

    All of the step's time is counted, and the operations it needs. "auto" is held against the int16
    peak wherever the processor has one; the peak is measured anew in each round.
    """
    grad = np.random.default_rng(1).standard_normal((n, n), dtype=np.float32)
    step = PRECISIONS[precision]([grad]).step
    step()
    rounds = 3 if n > 2048 else ROUNDS
    seconds, fractions = [], []
    for _ in range(rounds):
        seconds.append(measure.median_seconds(step, budget=0.2))
        if library := peak_library():
            int16 = library.peak_int16() if precision == "auto" else 0
            peak = int16 or library.peak_f32()
            fractions.append(sets.square_operations(n) / seconds[-1] / peak)
    middle = statistics.median(seconds)
    return {
        "seconds": middle,
        "rate": sets.square_operations(n) / middle,
        "fraction": statistics.median(fractions) if fractions else None,
    }


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
