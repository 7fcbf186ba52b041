"""What ranks of mpi4py do in a test: ranks.py and the name of a function."""

import os
import sys
import time

import libmuon.mpi
import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD


def model():
    random = np.random.default_rng(1)
    shapes = [(64, 40), (30, 30), (8, 16), (96, 200)]
    weights = [libmuon.Parameter(random.standard_normal(shape).astype(np.float32), f"w{index}")
               for index, shape in enumerate(shapes)]
    return [libmuon.Muon(weights), libmuon.AdamW([libmuon.Parameter(np.zeros(7, np.float32), "b")])]


def train(optimizers, steps):
    for step in steps:
        random = np.random.default_rng(100 + step)
        for optimizer in optimizers:
            for parameter in optimizer.parameters:
                parameter.grad = random.standard_normal(parameter.shape).astype(np.float32)
        libmuon.step(optimizers)
    return [parameter.data.tobytes() for optimizer in optimizers for parameter in optimizer.parameters]


def fails(call, error, text):
    try:
        call()
    except error as caught:
        assert text in str(caught), caught
    else:
        raise AssertionError(f"no {error.__name__}")


def bits():
    expected = train(model(), range(20))
    optimizers = model()
    with libmuon.mpi.attach(*optimizers, timeout=30):
        assert train(optimizers, range(10)) == train(model(), range(10))
        owners = {optimizers[0].owner(index) for index in range(4)}
        assert owners == {0, 1, 2} and optimizers[1].owner(0) is None
    # And some of the ranks go on together, others alone.
    half = comm.Split(comm.rank // 2, comm.rank)
    attachment = libmuon.mpi.attach(*optimizers, comm=half)
    assert train(optimizers, range(10, 20)) == expected
    attachment.detach()
    attachment.detach()
    assert optimizers[0].owner(0) is None


def nan():
    optimizers = model()
    libmuon.mpi.attach(*optimizers, timeout=30)
    before = train(optimizers, range(2))
    for optimizer in optimizers:
        for parameter in optimizer.parameters:
            parameter.grad = np.ones(parameter.shape, np.float32)
    if comm.rank == 1:
        optimizers[0].parameters[2].grad[3, 3] = np.nan
    fails(lambda: libmuon.step(optimizers), libmuon.NonFiniteGradientError,
          "rank 1: optimizer 0 (Muon): the gradient of parameter w2 has NaN")
    assert before == [each.data.tobytes() for optimizer in optimizers for each in optimizer.parameters]
    train(optimizers, range(2, 4))


def differ():
    muon = model()[0]
    muon.parameters[1].data[0, 0] += comm.rank
    fails(lambda: libmuon.mpi.attach(muon), libmuon.ExchangeError, "the ranks differ in the values of parameter w1")
    muon.step()


def lost():
    muon = model()[0]
    libmuon.mpi.attach(muon, timeout=1)
    train([muon], range(2))
    if comm.rank == 2:
        # It never comes to the next step.
        time.sleep(4)
        return
    start = time.monotonic()
    fails(lambda: train([muon], range(2, 3)), libmuon.ExchangeError, "no answer from another rank for 1 s")
    assert time.monotonic() - start < 3
    fails(lambda: train([muon], range(2, 3)), libmuon.ExchangeError, "the exchange has failed")


def broken_off():
    """A rank that comes too late has the answers of those that have given up, and begins to write."""
    muon = model()[0]
    libmuon.mpi.attach(muon, timeout=1)
    train([muon], range(2))
    if comm.rank == 2:
        time.sleep(3)
        fails(lambda: train([muon], range(2, 3)), libmuon.ExchangeError, "a step broke off, and parameters may be")
    else:
        fails(lambda: train([muon], range(2, 3)), libmuon.ExchangeError, "no answer from another rank for 1 s")


def forked():
    """What a child says the other ranks would take for what its parent says."""
    muon = model()[0]
    attachment = libmuon.mpi.attach(muon, timeout=30)
    train([muon], range(2))
    if comm.rank == 1:
        child = os.fork()
        if child == 0:
            fails(muon.step, libmuon.ExchangeError, "a fork of the process that is the rank")
            attachment.detach()
            muon.step()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert train([muon], range(2, 4)) == train(model()[:1], range(4))
    attachment.detach()


def finalized():
    muon = model()[0]
    attachment = libmuon.mpi.attach(muon, timeout=30)
    train([muon], range(2))
    MPI.Finalize()
    fails(muon.step, libmuon.ExchangeError, "MPI.Finalize was called before detach()")
    attachment.detach()
    muon.step()
    fails(lambda: libmuon.mpi.attach(muon), libmuon.ExchangeError, "MPI is not initialized")


def counts():
    optimizers = model()
    mine = optimizers[:1] if comm.rank == 1 else optimizers
    fails(lambda: libmuon.mpi.attach(*mine, timeout=30), libmuon.ExchangeError,
          f"the ranks differ in the number of optimizers, here {len(mine)}")
    libmuon.mpi.attach(*optimizers, timeout=30).detach()


def refused():
    muon = model()[0]
    fails(lambda: libmuon.mpi.attach([muon]), TypeError, "an optimizer is expected, not list")
    fails(lambda: libmuon.mpi.attach(muon, timeout="a minute"), TypeError, "timeout: a number is expected")
    fails(lambda: libmuon.mpi.attach(muon, comm=3), TypeError, "comm: a communicator of mpi4py is expected, not int")
    half = comm.Split(comm.rank == 0, comm.rank)
    inter = half.Create_intercomm(0, comm, int(comm.rank == 0))
    fails(lambda: libmuon.mpi.attach(muon, comm=inter), libmuon.InvalidArgumentError, "intercommunicator")
    inter.Free()
    for timeout in 0, -1, float("nan"):
        fails(lambda: libmuon.mpi.attach(muon, timeout=timeout), libmuon.InvalidArgumentError, "timeout")
    fails(lambda: libmuon.mpi.attach(muon, comm=MPI.COMM_NULL), MPI.Exception, "")
    libmuon.mpi.attach(muon).detach()


globals()[sys.argv[1]]()
# In one piece, whatever others write.
print("fine\n", end="", flush=True)
