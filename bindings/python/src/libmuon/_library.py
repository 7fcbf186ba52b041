"""Finds and loads libmuon.so, and turns a status into an exception."""

from __future__ import annotations

import ctypes
import os
import weakref
from pathlib import Path
from typing import Any, Callable

from ._abi import PROTOTYPES
from ._version import __version__
from .errors import BY_STATUS, InternalError, MuonError

SONAME = "libmuon.so.0"
VARIABLE = "LIBMUON_LIBRARY"


def candidates() -> list[str]:
    """What to load, in the order to try it.

    A library that the environment asks for is the only candidate: to fall back on another one in
    silence would be a lie to whoever set the variable.
    """
    asked_for = os.environ.get(VARIABLE)
    if asked_for:
        return [asked_for]
    package = Path(__file__).resolve().parent
    paths = [package / "lib" / SONAME]
    if package.parts[-4:-1] == ("bindings", "python", "src"):
        paths.append(package.parents[3] / ".build" / "dist" / "release" / "libmuon.so")
    return [*map(str, paths), SONAME]


def open_library(candidate: str) -> ctypes.CDLL:
    """Loads one candidate. OSError says why it cannot be used."""
    # CDLL, not PyDLL: other Python threads run while the library computes.
    library = ctypes.CDLL(candidate)
    try:
        # First, for another version need not have the rest. It is a uint32_t and takes nothing.
        library.muon_version_number.restype = ctypes.c_uint32
        check_version(library.muon_version_number())
        for name, restype, argtypes in PROTOTYPES:
            function = getattr(library, name)
            function.restype = restype
            function.argtypes = argtypes
    except AttributeError as error:
        raise OSError(f"not a usable libmuon: {error}") from None
    return library


def check_version(number: int) -> None:
    """Refuses a library of another version. Within one minor version functions are only added."""
    major, minor, _ = __version__.split(".")
    if number // 100 != int(major) * 100 + int(minor):
        found = f"{number // 10000}.{number // 100 % 100}.{number % 100}"
        raise OSError(f"its version is {found}, and this package needs {major}.{minor}.*")


def load() -> tuple[ctypes.CDLL, str]:
    """The first candidate that can be used, and its path or name."""
    tried = []
    for candidate in candidates():
        try:
            return open_library(candidate), candidate
        except OSError as error:
            tried.append(f"\n  {candidate}: {error}")
    raise ImportError(
        "libmuon.so cannot be loaded. Tried, in this order:" + "".join(tried) +
        f"\nSet {VARIABLE} to load it from another place."
    )


lib, path = load()


def failure(status: int) -> MuonError:
    """The exception for a status other than MUON_OK, with this thread's error text."""
    text = lib.muon_last_error().decode("utf-8", "replace")
    if status not in BY_STATUS:
        return InternalError(f"unknown status {status}: {text}")
    return BY_STATUS[status](text)


def check(status: int) -> None:
    """Raises unless status is MUON_OK."""
    if status:
        raise failure(status)


def free_with(owner: object, destroy: Callable[[Any], Any], handle: Any) -> None:
    """Destroys a handle when its owner is collected. Not at exit: handlers that run then may use it, whenever
    they were registered, and the process ends anyway."""
    weakref.finalize(owner, destroy, handle).atexit = False
