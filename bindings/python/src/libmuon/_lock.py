"""The lock of an optimizer: one thread at a time changes what the library is bound to, and what keeps
that memory alive.

It can be taken again by the thread that has it: signal handlers and finalizers run in the middle of
anything. Not while something holds it may the library log, for a handler of the log may wait for
another thread that waits for the lock.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

# All that have a lock, by their id. Not a WeakSet: it would ask a subclass what is equal.
_owners: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def give_lock(owner: Any) -> None:
    """Sets owner._lock, and again in the child of a fork: the thread that had it is not there."""
    owner._lock = threading.RLock()
    _owners[id(owner)] = owner


def _renew() -> None:
    for owner in list(_owners.values()):
        owner._lock = threading.RLock()


os.register_at_fork(after_in_child=_renew)
