"""The library's log, which goes to Python's logger "libmuon"."""

from __future__ import annotations

import atexit
import ctypes
import logging
import threading
from typing import Any, Optional

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


class _Kept(threading.local):
    """What this thread keeps back: None where nothing is kept."""

    messages: Optional[list[tuple[int, bytes]]] = None


_kept = _Kept()


class Later:
    """Keeps back what this thread's calls have to say until the end of a `with`.

    A handler may do anything, even wait for another thread that waits for what is held inside.
    """

    __slots__ = ("before",)

    def __enter__(self) -> None:
        self.before, _kept.messages = _kept.messages, []

    def __exit__(self, *exception: Any) -> None:
        messages, _kept.messages = _kept.messages, self.before
        for level, message in messages or ():
            _write(level, message, None)


def write(level: int, message: str) -> None:
    """Says something as the library does: later, where this thread's messages are kept back."""
    _write(level, message.encode("utf-8", "replace"), None)


def _write(level: int, message: bytes, context: Optional[int]) -> None:
    if _kept.messages is not None:
        _kept.messages.append((level, message))
    else:
        logger.log(LEVELS.get(level, logging.INFO), "%s", message.decode("utf-8", "replace"))


# The library may call it after this module was loaded anew: it is never freed.
_callback = LogCallback(_write)
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_callback))


def connect() -> None:
    """From now on the library's messages go to the logger; not when the interpreter ends."""
    check(lib.muon_set_log_callback(LogLevel.info, _callback, None))
    atexit.register(disconnect)


def disconnect() -> None:
    check(lib.muon_set_log_callback(LogLevel.info, LogCallback(), None))
