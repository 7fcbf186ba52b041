"""The library's log, which goes to Python's logger "libmuon"."""

from __future__ import annotations

import atexit
import ctypes
import logging
from typing import Optional

from ._abi import LogCallback
from ._enums import LogLevel
from ._library import check, lib

logger = logging.getLogger("libmuon")
# Without it, logging prints warnings to stderr where the program has set up no handler.
logger.addHandler(logging.NullHandler())

LEVELS: dict[int, int] = {
    LogLevel.error: logging.ERROR,
    LogLevel.warning: logging.WARNING,
    LogLevel.info: logging.INFO,
}


def _write(level: int, message: bytes, user_data: Optional[int]) -> None:
    logger.log(LEVELS.get(level, logging.INFO), "%s", message.decode("utf-8", "replace"))


# The library may call it after this module was loaded anew: it is never freed.
_callback = LogCallback(_write)
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_callback))


def connect() -> None:
    """From now on the library's messages go to the logger; not when the interpreter ends."""
    check(lib.muon_set_log_callback(_callback, None, LogLevel.info))
    atexit.register(disconnect)


def disconnect() -> None:
    check(lib.muon_set_log_callback(LogCallback(), None, LogLevel.info))
