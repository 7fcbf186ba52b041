"""Several ranks, here threads, that train together through numpy's optimizers."""

from __future__ import annotations

import os
import signal
import sys
import threading
from ctypes import byref, c_int64, sizeof

import libmuon
import numpy as np
import pytest
from libmuon import _abi
from libmuon._library import check, lib
from libmuon._plan import cost, owners


class Seat:
    """A rank among threads."""

    def __init__(self, room: Room, rank: int) -> None:
        self.room, self.rank, self.rank_count = room, rank, room.count
        self.posted: list[tuple[int, np.ndarray]] = []
        self.bytes = 0

    def agree(self, values):
        everyone = self.room.gather(self.rank, values.copy())
        values[:] = np.max(everyone, axis=0)

    def share(self, owner, data):
        self.posted.append((owner, data))
        self.bytes += data.size

    def finish(self):
        owned = self.room.gather(self.rank, [data.copy() for _, data in self.posted])
        for number, (owner, data) in enumerate(self.posted):
            data[:] = owned[owner][number]
        self.posted.clear()


class Room:
    def __init__(self, count: int) -> None:
        self.count, self.values = count, [None] * count
        self.barrier = threading.Barrier(count, timeout=60)

    def gather(self, rank, value):
        self.values[rank] = value
        self.barrier.wait()
        everyone = list(self.values)
        self.barrier.wait()
        return everyone

    def run(self, body):
        results = [None] * self.count

        def thread(rank):
            try:
                results[rank] = body(Seat(self, rank))
            except BaseException as error:
                results[rank] = error
                self.barrier.abort()

        threads = [threading.Thread(target=thread, args=(rank,)) for rank in range(self.count)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results


def model():
    random = np.random.default_rng(1)
    weights = [libmuon.Parameter(random.standard_normal(shape).astype(np.float32), f"w{index}")
               for index, shape in enumerate([(64, 40), (30, 30), (8, 16)])]
    bias = libmuon.Parameter(np.zeros(7, np.float32), "b")
    return [libmuon.Muon(weights, second_moment="normuon"), libmuon.AdamW([bias])]


def train(optimizers, steps=range(5)):
    for step in steps:
        random = np.random.default_rng(100 + step)
        for optimizer in optimizers:
            for parameter in optimizer.parameters:
                parameter.grad = random.standard_normal(parameter.shape).astype(np.float32)
        libmuon.step(optimizers)
    return [parameter.data for optimizer in optimizers for parameter in optimizer.parameters]


def planned(muon, ranks):
    """The owners, as a trainer finds them that divides the work itself."""
    costs = []
    for each in muon.parameters:
        param = _abi.Param()
        check(lib.muon_param_init(byref(param), sizeof(param)))
        param.ndim, param.shape = 2, (c_int64 * 2)(*each.shape)
        costs.append(cost(muon._handle, 0, param))
    return owners(costs, [0] * ranks)


@pytest.mark.parametrize("ranks", [1, 3])
def test_is_one_process_to_the_bit(ranks):
    expected = train(model())

    def body(seat):
        optimizers = model()
        for optimizer in optimizers:
            optimizer.set_exchange(seat)
        data = train(optimizers)
        muon, adamw = optimizers
        found = [muon.owner(parameter) for parameter in muon.parameters]
        assert found == [muon.owner(index) for index in range(3)]
        assert found == planned(muon, ranks)
        assert adamw.owner(0) is None
        muon.set_exchange(None)
        assert muon.owner(0) is None
        return data, found

    for data, found in Room(ranks).run(body):
        assert all(np.array_equal(a.view(np.uint32), b.view(np.uint32)) for a, b in zip(data, expected))
        assert set(found) == set(range(ranks))


def test_a_difference_is_named():
    def body(seat):
        muon = model()[0]
        muon.param_groups[0]["lr"] = 0.1 * (1 + seat.rank)
        with pytest.raises(libmuon.ExchangeError, match="the ranks differ in the option lr of group 0"):
            muon.set_exchange(seat)

    Room(2).run(body)


@pytest.mark.parametrize("together", [False, True])
def test_what_a_callback_raises_is_raised_by_the_step(together):
    class Stop(BaseException):
        pass

    class Broken(Seat):
        def share(self, owner, data):
            raise Stop("now")

    muon = model()[0]
    seat = Broken(Room(1), 0)
    muon.set_exchange(seat)
    with pytest.raises(Stop, match="now"):
        train([muon], range(1)) if together else muon.step([np.ones(p.shape, np.float32) for p in muon.parameters])
    with pytest.raises(libmuon.ExchangeError, match="load a checkpoint") as caught:
        muon.step()
    assert isinstance(caught.value, ConnectionError)
    with pytest.raises(libmuon.ExchangeError, match="load a checkpoint"):
        muon.set_exchange(seat)


def test_what_setting_it_raises_leaves_the_one_before():
    class Refusing(Seat):
        def agree(self, values):
            raise KeyError("no")

    muon = model()[0]
    muon.set_exchange(Seat(Room(1), 0))
    with pytest.raises(KeyError, match="no"):
        muon.set_exchange(Refusing(Room(1), 0))
    assert muon.owner(0) == 0
    train([muon], range(2))
    with pytest.raises(libmuon.InvalidArgumentError, match="rank"):
        seat = Seat(Room(1), 0)
        seat.rank = 3
        muon.set_exchange(seat)


class Alone:
    """The only rank there is."""

    rank, rank_count = 0, 1

    def __init__(self, act=lambda: None):
        self.act, self.calls = act, 0

    def agree(self, values):
        self.calls += 1
        self.act()

    def share(self, owner, data):
        pass

    def finish(self):
        pass


def test_an_interrupt_ahead_of_a_callback_is_raised_by_the_step():
    """The filter of warnings makes an error of one that ctypes could raise to nobody."""
    class Stop(BaseException):
        pass

    def stop(number, frame):
        raise Stop

    muon = libmuon.Muon([np.eye(900, dtype=np.float32)], backend_steps=30)
    exchange = Alone()
    muon.set_exchange(exchange)
    muon.step([np.random.default_rng(1).standard_normal((900, 900)).astype(np.float32)])
    # The step now takes its time between agree and share, and when the signal comes Python is not running.
    exchange.act = lambda: signal.setitimer(signal.ITIMER_REAL, 0.02)
    before, hook = signal.signal(signal.SIGALRM, stop), sys.unraisablehook
    try:
        with pytest.raises(Stop):
            muon.step()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert sys.unraisablehook is hook


@pytest.mark.parametrize("call, broke", [("agree", False), ("share", True), ("finish", True)])
@pytest.mark.parametrize("together", [False, True])
def test_an_exchange_error_says_whether_the_step_broke_off(call, broke, together):
    """An exchange does not know that: its own text alone, as libmuon.mpi's, would hide it."""
    def lose(*arguments):
        raise libmuon.ExchangeError("no answer from another rank for 3 s")

    muon = model()[0]
    for parameter in muon.parameters:
        parameter.grad = np.ones(parameter.shape, np.float32)
    exchange = Alone()
    muon.set_exchange(exchange)
    setattr(exchange, call, lose)
    with pytest.raises(libmuon.ExchangeError) as caught:
        libmuon.step([muon]) if together else muon.step()
    assert str(caught.value).endswith(f"{call} failed on rank 0: no answer from another rank for 3 s")
    assert str(caught.value).startswith("a step broke off, and parameters may be") == broke
    assert "load a checkpoint" in str(caught.value) or not broke


def test_a_fork_of_a_rank_is_none():
    muon = model()[0]
    exchange = Alone()
    muon.set_exchange(exchange)
    train([muon], range(1))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            calls = exchange.calls
            with pytest.raises(libmuon.ExchangeError, match="a fork of the process that is the rank"):
                muon.step()
            assert exchange.calls == calls
            muon.set_exchange(None)
            muon.step()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    train([muon], range(1))


def test_of_two_threads_that_set_an_exchange_one_is_kept():
    muon = model()[0]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(300):
            exchanges = [Alone(), Alone()]
            threads = [threading.Thread(target=muon.set_exchange, args=(each,)) for each in exchanges]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            before = [each.calls for each in exchanges]
            muon.step()
            used = [each for each, calls in zip(exchanges, before) if each.calls > calls]
            assert used == [muon._connection.exchange]
    finally:
        sys.setswitchinterval(interval)


# Calls that would wait for the one that a callback is in.
USES = {
    "step": lambda muon: muon.step(),
    "step of a list": lambda muon: libmuon.step([muon]),
    "clip": lambda muon: libmuon.clip_grad_norm([muon], 1.0),
    "state": lambda muon: muon.state_dict(),
    "option": lambda muon: muon.param_groups[0].update(lr=0.5),
    "exchange": lambda muon: muon.set_exchange(None),
    "checkpoint": lambda muon: libmuon.checkpoint.dumps(muon),
    "scheduler": lambda muon: libmuon.ConstantLR(muon),
    "destroy": lambda muon: check(lib.muon_optimizer_destroy(muon._handle)),
}


@pytest.mark.parametrize("use", USES)
def test_a_callback_that_uses_its_optimizer_does_not_wait_for_itself(use):
    muon = model()[0]
    exchange = Alone()
    muon.set_exchange(exchange)
    exchange.act = lambda: USES[use](muon)
    with pytest.raises(libmuon.InvalidArgumentError, match="a callback must not use it"):
        muon.step()
    with pytest.raises(libmuon.InvalidArgumentError, match="a callback must not use it"):
        libmuon.checkpoint.dumps(muon, progress=lambda done, total: USES[use](muon))
    muon.set_exchange(None)
    muon.step()


@pytest.mark.parametrize("rank, count", [(2**32, 1), (0, 2**32 + 1)])
def test_ranks_are_not_cut_off(rank, count):
    exchange = Alone()
    exchange.rank, exchange.rank_count = rank, count
    with pytest.raises(libmuon.InvalidArgumentError, match="out of range"):
        model()[0].set_exchange(exchange)


def test_what_is_agreed_on_may_be_kept():
    class Keeping(Alone):
        def agree(self, values):
            kept.append((values, values.copy()))

    kept = []
    muon = model()[0]
    muon.set_exchange(Keeping())
    train([muon], range(3))
    assert len(kept) > 6 and all(values.flags.owndata for values, _ in kept)
    assert all(np.array_equal(values, copy) for values, copy in kept)
