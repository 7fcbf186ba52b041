"""Several processes train together, by MPI: an Exchange of mpi4py, which must be installed.

    import libmuon, libmuon.mpi
    from mpi4py import MPI

    muon = libmuon.Muon(parameters)              # the same on all ranks
    with libmuon.mpi.attach(muon):
        for batch in batches:
            ...                                  # comm.Allreduce the gradients
            muon.step()

Each matrix is orthogonalized by one rank, its owner, and the result is shared while the next one is worked
out. Parameters and state are to the bit what one process would come to. docs/scale-out.md has a whole program,
and the pitfalls of mpirun.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional

import numpy as np
import numpy.typing as npt

from ._options import number
from .errors import ExchangeError, InvalidArgumentError
from .optimizer import Optimizer
from .together import listed

if TYPE_CHECKING:
    from mpi4py import MPI

__all__ = ["Attachment", "attach"]

# The longest message: it keeps pipelines busy.
CHUNK = 1 << 24


def attach(
    *optimizers: Optimizer, comm: Optional[MPI.Intracomm] = None, timeout: float = 60.0
) -> Attachment:
    """From now on the ranks of a communicator train these optimizers together.

    All ranks make this call. It compares the number of optimizers, the version, the instructions, the parameters
    with their names, shapes and values, the state and the options; ExchangeError names the first that differs. Before
    each step the ranks agree: where NaN or another failure keeps one from the step, no rank makes it, and all raise
    the same error. A fork of a rank is none: its steps are ExchangeErrors until detach().

    comm: MPI.COMM_WORLD if it is None. It is duplicated.
    timeout: above 0, in seconds: for how long a rank waits for a sign of another one, which may still be busy
        with its gradients or a checkpoint. After that ExchangeError is raised; no rank waits without end.

    Returns a context manager, whose end is detach(): then each process trains alone.
    """
    timeout = number("timeout", timeout)
    if not timeout > 0:
        raise InvalidArgumentError(f"timeout must be above 0, not {timeout}")
    members = listed(optimizers)
    attachment = Attachment()
    try:
        for index, optimizer in enumerate(members):
            link = Link(comm, timeout)
            attachment._links.append((optimizer, link))
            if index == 0:
                link.require_same("the number of optimizers", len(members))
            optimizer.set_exchange(link)
    except BaseException:
        attachment.detach()
        raise
    return attachment


class Attachment:
    """Optimizers that the ranks train together, until detach() or the end of a `with`."""

    def __init__(self) -> None:
        self._links: list[tuple[Optimizer, Link]] = []

    def detach(self) -> None:
        """Each process trains alone from now on. Call it before MPI.Finalize."""
        while self._links:
            optimizer, link = self._links.pop()
            optimizer.set_exchange(None)
            link.free()

    def __enter__(self) -> Attachment:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.detach()


class Link:
    """The exchange of one optimizer: only non-blocking calls of MPI, with a deadline."""

    def __init__(self, comm: Optional[MPI.Intracomm], timeout: float) -> None:
        from mpi4py import MPI

        self._mpi, self._timeout = MPI, timeout
        if not MPI.Is_initialized() or MPI.Is_finalized():
            raise ExchangeError("MPI is not initialized")
        if MPI.Query_thread() < MPI.THREAD_FUNNELED:
            raise ExchangeError("MPI must be initialized with THREAD_FUNNELED or more")
        comm = MPI.COMM_WORLD if comm is None else comm
        if not isinstance(comm, MPI.Comm):
            raise TypeError(f"comm: a communicator of mpi4py is expected, not {type(comm).__name__}")
        if comm != MPI.COMM_NULL and comm.Is_inter():
            raise InvalidArgumentError("comm: it must not be an intercommunicator")
        self._process = os.getpid()
        # What MPI may read and write, which must stay alive: requests and their memory.
        self._shared: list[tuple[MPI.Request, Any]] = []
        self._done = 0
        self._failed = False
        self._comm, request = comm.Idup()
        self._wait("Idup", request, None)
        self._comm.Set_errhandler(MPI.ERRORS_RETURN)
        self.rank, self.rank_count = self._comm.rank, self._comm.size

    def require_same(self, what: str, value: int) -> None:
        extremes = np.array([value, -value], np.int64)
        self.agree(extremes)
        if extremes[0] != value or extremes[1] != -value:
            raise ExchangeError(f"the ranks differ in {what}, here {value}")

    def agree(self, values: npt.NDArray[np.int64]) -> None:
        self._begin()
        sent, received = values.copy(), np.empty_like(values)
        request = self._comm.Iallreduce(sent, received, self._mpi.MAX)
        self._wait("Iallreduce", request, (sent, received))
        values[:] = received

    def share(self, owner: int, data: npt.NDArray[np.uint8]) -> None:
        self._begin()
        for start in range(0, data.size, CHUNK):
            part = data[start:start + CHUNK]
            self._shared.append((self._comm.Ibcast([part, self._mpi.BYTE], owner), part))
        # MPI goes on only in its calls: between two matrices here.
        while self._done < len(self._shared) and self._shared[self._done][0].Test():
            self._done += 1

    def finish(self) -> None:
        self._begin()
        for request, memory in self._shared[self._done:]:
            self._wait("Ibcast", request, memory)
        self._shared.clear()
        self._done = 0

    def free(self) -> None:
        # A fork has its parent's MPI.
        if not self._failed and not self._mpi.Is_finalized() and os.getpid() == self._process:
            self._comm.Free()

    def _begin(self) -> None:
        if self._failed:
            raise ExchangeError("MPI has failed before")
        if self._mpi.Is_finalized():
            raise ExchangeError("MPI.Finalize was called before detach()")
        if self._mpi.Query_thread() == self._mpi.THREAD_FUNNELED and not self._mpi.Is_thread_main():
            raise ExchangeError(
                "with THREAD_FUNNELED only the thread that initialized MPI may make a step")

    def _wait(self, call: str, request: MPI.Request, memory: Any) -> None:
        """Waits until nobody has been heard of for as long as the timeout."""
        deadline = time.monotonic() + self._timeout
        self._failed = True
        while not request.Test():
            if time.monotonic() > deadline:
                # MPI may still write there.
                KEPT.append((request, memory))
                KEPT.extend(self._shared)
                raise ExchangeError(f"{call}: no answer from another rank for {self._timeout:g} s")
            YIELD()
        self._failed = False


# What requests that never came to an end read and write.
KEPT: list[tuple[Any, Any]] = []
YIELD: Callable[[], None] = getattr(os, "sched_yield", lambda: time.sleep(0))
