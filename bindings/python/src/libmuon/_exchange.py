"""Several processes that train together: an Exchange, as the library calls it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_int32, sizeof
from typing import Any, Callable, Optional, Protocol

import numpy as np
import numpy.typing as npt

from . import _abi
from ._abi import OptimizerHandle
from ._callbacks import callback, calling
from ._library import check, failure, lib
from ._options import whole
from .errors import ExchangeError


class Exchange(Protocol):
    """How the processes of a training run, the ranks, hear of each other; libmuon.mpi has one for MPI.

    All ranks call the optimizer in the same order, and so these are called in the same order on all ranks, by
    the thread that called the optimizer. What one of them raises, the call of the optimizer raises. They must
    not use the optimizer.
    """

    @property
    def rank(self) -> int:
        """This process's number, from 0."""

    @property
    def rank_count(self) -> int:
        """How many processes there are."""

    def agree(self, values: npt.NDArray[np.int64]) -> None:
        """Replaces each value, in place, by the highest that a rank has there. All ranks have as many."""

    def share(self, owner: int, data: npt.NDArray[np.uint8]) -> None:
        """Begins to copy memory of the owner to the same place on all other ranks.

        Until finish() returns the memory stays valid, the owner only reads it, and the others leave it alone.
        """

    def finish(self) -> None:
        """Returns when all that was shared is there."""


# Where Ctrl-C comes before a callback has begun, ctypes returns what is in memory: success is no likely number.
FAILURE, SUCCESS = 0, 0x6D756F6E
# How the library's text ends then.
NUMBER = f"it returned {FAILURE}"


class Connection:
    """An exchange in use: what the library has pointers to, and what a callback has raised."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.raised: list[BaseException] = []
        self.struct = _abi.Exchange()
        check(lib.muon_exchange_init(byref(self.struct), sizeof(self.struct)))
        self.struct.rank = whole("rank", exchange.rank, 32)
        self.struct.rank_count = whole("rank_count", exchange.rank_count, 32)
        self.struct.success = SUCCESS
        self.struct.agree = _abi.AgreeCallback(self._agree)
        self.struct.share = _abi.ShareCallback(self._share)
        self.struct.finish = _abi.FinishCallback(self._finish)

    @callback
    def _agree(self, context: Optional[int], values: Any, count: int) -> int:
        memory = np.ctypeslib.as_array(values, (count,))
        # The memory is the library's for as long as this call; who keeps the array has a copy.
        array = memory.copy()

        def call() -> None:
            self.exchange.agree(array)
            memory[:] = array

        return self._guard(call)

    @callback
    def _share(self, context: Optional[int], owner: int, data: int, count: int) -> int:
        memory = np.ctypeslib.as_array((ctypes.c_uint8 * count).from_address(data))
        return self._guard(lambda: self.exchange.share(owner, memory))

    @callback
    def _finish(self, context: Optional[int]) -> int:
        return self._guard(self.exchange.finish)

    def _guard(self, call: Callable[[], object]) -> int:
        try:
            call()
        except BaseException as error:
            self.raised.append(error)
            return FAILURE
        return SUCCESS

    def take(self) -> Optional[BaseException]:
        """What was raised first since the last call."""
        raised, self.raised = self.raised, []
        return raised[0] if raised else None


def connect(handle: OptimizerHandle, connection: Optional[Connection]) -> None:
    """Gives an optimizer an exchange, or takes it away. What of it is in use must be kept."""
    if connection is None:
        check(lib.muon_optimizer_set_exchange(handle, None))
        return
    status = calling(
        connection.raised, lib.muon_optimizer_set_exchange, handle, byref(connection.struct))
    raised = connection.take()
    if status or raised is not None:
        raise cause(status, raised)


def make_step(optimizers: Sequence[Any], function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function of the library that makes a step of these optimizers."""
    connections = [each._connection for each in optimizers if each._connection is not None]
    if connections:
        status = calling(connections[0].raised, function, *arguments)
        raised = [connection.take() for connection in connections]
        error = next((error for error in raised if error is not None), None)
    else:
        status, error = function(*arguments), None
    if status or error is not None:
        raise cause(status, error)


def cause(status: int, raised: Optional[BaseException]) -> BaseException:
    """The exception for a call that has failed, where a callback has raised something: that, but an exchange does
    not know whether the ranks had begun to write, which the library's text says."""
    if raised is not None and not (status and isinstance(raised, ExchangeError)):
        return raised
    error = failure(status)
    if raised is not None:
        error = type(error)(str(error).replace(NUMBER, str(raised)))
        error.__cause__ = raised
    return error


def owner_of(handle: OptimizerHandle, parameter: int) -> Optional[int]:
    rank = c_int32()
    check(lib.muon_optimizer_get_owner(handle, parameter, byref(rank)))
    return None if rank.value < 0 else rank.value
