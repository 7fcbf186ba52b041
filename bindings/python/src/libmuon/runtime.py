"""The library as it runs here: its threads and its versions."""

from __future__ import annotations

from ._library import check, lib
from ._options import whole


def set_num_threads(count: int) -> None:
    """Sets how many threads a step may use, for the whole process: 1 to 1024, or 0 for the default.

    The default is MUON_NUM_THREADS in the environment, or else the number of processors this
    process may run on; a value there that is no whole number from 0 to 1024 is ignored, which the log
    says. Results do not depend on it, to the bit. threadpoolctl can set it: see libmuon.threadpool.
    """
    check(lib.muon_set_num_threads(whole("count", count, 32)))


def get_num_threads() -> int:
    """How many threads a step may use."""
    return int(lib.muon_get_num_threads())


def build_info() -> str:
    """One line, of parts between "; ": the version of the library, the instructions it uses, its
    kernels, what the processor has, OpenBLAS's version, and the core OpenBLAS serves."""
    text: bytes = lib.muon_build_info()
    return text.decode("utf-8", "replace")
