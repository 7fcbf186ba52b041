"""The handler that XLA calls without Python, a small library of its own; not every build has it."""

from __future__ import annotations

import ctypes
import threading
from pathlib import Path
from typing import Optional

import jax

from .. import _log
from .._library import lib

TARGET = "libmuon_orthogonalize"
NAME = "libmuon_xla.so"


def candidates() -> list[Path]:
    """Where it can be: in the package, or where this tree builds it."""
    package = Path(__file__).resolve().parents[1]
    paths = [package / "lib" / NAME]
    if package.parts[-4:-1] == ("bindings", "python", "src"):
        paths.append(package.parents[3] / ".build" / "dist" / "release" / NAME)
    return [path for path in paths if path.exists()]


def register() -> bool:
    """Makes XLA know the handler. False where there is none for this jax."""
    for path in candidates():
        try:
            # XLA takes only a handler that was built for its own version of the interface. Before there is
            # a backend, jax would only note the handler, and be of no use at all if it were refused later.
            jax.devices("cpu")
            handler = ctypes.CDLL(str(path))
            handler.libmuon_xla_use(
                lib.muon_orthogonalize_options_init, lib.muon_orthogonalize, lib.muon_last_error
            )
            capsule = jax.ffi.pycapsule(handler.libmuon_xla_orthogonalize)
            jax.ffi.register_ffi_target(TARGET, capsule, platform="cpu")
        except Exception as error:
            _log.logger.warning("libmuon.jax goes by way of Python: %s: %s", path, error)
        else:
            return True
    return False


def implementation() -> str:
    """How XLA calls libmuon: "ffi", by a handler that the package was built with, or "callback", through
    Python, where it was built without or for another version of jaxlib. Results are the same bits.

    The first call starts the backend of jax for CPUs, as the first array does.
    """
    global _found
    with _lock:
        if _found is None:
            _found = "ffi" if register() else "callback"
        return _found


_lock = threading.Lock()
_found: Optional[str] = None
