"""How fast this machine's memory is, as contenders beside AdamW: the roof over it."""

import ctypes
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import machine

ADAMW_BYTES = 28  # a parameter: reads p, g, m, v and writes p, m, v, 4 bytes each
ADAMW_SHAPES = ((1000, 1000),) * 20  # 20 M parameters


class Stream:
    """A loop of triad.c over arrays as large as the parameters of AdamW together."""

    def __init__(self, kernel, bytes_per_element, elements, threads):
        library = ctypes.CDLL(str(machine.compile_c("triad.c", "triad.so", *SHARED)))
        self.bytes = bytes_per_element * elements
        self.arrays = [np.full(elements, value, np.float32) for value in (0.5, 0.1, 0.2, 0.3)]
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in self.arrays]
        arguments = (kernel, *pointers, ctypes.c_size_t(elements), threads)

        def step():
            if library.stream(*arguments) != 0:
                raise RuntimeError("triad.c could not start its threads")

        self.step = step


SHARED = ("-shared", "-fPIC", "-pthread")


class NumpyStream:
    """Without a compiler: a += b in place by numpy, 12 bytes an element, a slice a thread."""

    def __init__(self, elements, threads):
        self.bytes = 12 * elements
        a, b = np.full(elements, 0.5, np.float32), np.full(elements, 1e-9, np.float32)
        slices = list(zip(np.array_split(a, threads), np.array_split(b, threads)))
        pool = ThreadPoolExecutor(threads)
        self.step = lambda: list(pool.map(lambda pair: np.add(*pair, out=pair[0]), slices))


def roofs(threads, elements=None):
    """The contenders to take the roof from, by name: functions that make them."""
    elements = elements or sum(rows * columns for rows, columns in ADAMW_SHAPES)
    if machine.compiler() is None:
        return {"numpy a += b": lambda: NumpyStream(elements, threads)}
    return {
        "triad": lambda: Stream(0, 12, elements, threads),
        "update": lambda: Stream(1, ADAMW_BYTES, elements, threads),
    }
