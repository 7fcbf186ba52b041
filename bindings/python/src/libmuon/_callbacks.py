"""Calls of the library that call Python back: nothing that is raised meanwhile gets lost."""

from __future__ import annotations

import sys
import threading
from types import CodeType
from typing import Any, Callable, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_codes: set[CodeType] = set()


def callback(function: Function) -> Function:
    """Marks a function that C calls, and that raises nothing once it has begun."""
    _codes.add(function.__code__)
    return function


def calling(raised: list[BaseException], function: Callable[..., int], *arguments: Any) -> int:
    """Calls the library. What is raised ahead of a callback is appended to raised, for the caller to raise.

    When a signal comes while C is running, its handler runs, and raises, if it is Ctrl-C's, as soon as Python does: that
    is when a callback begins, ahead of its first line, where no `try` of its own reaches. ctypes hands that to
    sys.unraisablehook, and returns to C what happens to be in memory.
    """
    # Handlers run in the main thread alone.
    main = threading.main_thread().ident
    if threading.get_ident() != main:
        return function(*arguments)
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        trace, error = unraisable.exc_traceback, unraisable.exc_value
        if (trace is None or error is None or trace.tb_frame.f_code not in _codes
                or threading.get_ident() != main):
            before(unraisable)
        else:
            raised.append(error)

    try:
        sys.unraisablehook = hook
        return function(*arguments)
    finally:
        sys.unraisablehook = before
