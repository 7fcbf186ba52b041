"""One optimizer used by several threads, and by itself: from log handlers, finalizers, forks."""

from __future__ import annotations

import gc
import logging
import os
import threading

import numpy as np
import pytest

from libmuon import AdamW, CancelledError, Muon, MuonError, Parameter, checkpoint


@pytest.fixture
def params():
    made = [Parameter(np.ones((2, 3), np.float32), name) for name in "ab"]
    for each in made:
        each.grad = np.full((2, 3), np.nan, np.float32)
    return made


# Gradients in memory of their own, which is unmapped with the last reference to it: whoever still reads
# or writes there ends the process.
MAPPED = """
import mmap, sys, threading, time
import numpy as np
from libmuon import AdamW, Muon, Parameter, checkpoint

sys.setswitchinterval(1e-6)

def mapped(shape):
    array = np.frombuffer(mmap.mmap(-1, 4 * int(np.prod(shape))), np.float32).reshape(shape)
    array[:] = 1e-3
    return array

def together(*works):
    end, failed = time.monotonic() + 1.0, []
    def run(work):
        try:
            while time.monotonic() < end:
                work()
        except BaseException as error:
            failed.append(error)
            raise
    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for each in threads: each.start()
    for each in threads: each.join()
    assert not failed, failed
"""

STRESS = """
params = [Parameter(np.ones((16, 16), np.float32), f"p{i}") for i in range(6)]
optimizer = CLS(params)

def fresh():
    for each in params:
        each.grad = mapped(each.shape)

def step(): fresh(); optimizer.step()
def zero(): fresh(); optimizer.zero_grad()
def none(): optimizer.zero_grad(set_to_none=True); optimizer.step()
def given(): optimizer.step([mapped(each.shape) for each in params])
def saved(): checkpoint.loads(checkpoint.dumps(optimizer), optimizer)
def state(): optimizer.load_state_dict(optimizer.state_dict())

together(step, zero)
together(step, step, zero, none, given, saved, state)
"""


@pytest.mark.parametrize("cls", ["Muon", "AdamW"])
def test_gradients_set_by_several_threads(run_python, cls):
    run_python(MAPPED + STRESS.replace("CLS", cls), MUON_NUM_THREADS="1")


def test_a_group_is_added_while_another_thread_steps(params):
    a, b = params
    optimizer = Muon([a], nonfinite="skip")
    errors = []

    def use():
        try:
            b.grad = np.ones((2, 3), np.float32)
            optimizer.step()
            optimizer.zero_grad()
            assert len(optimizer.state_dict()["state"]) == len(optimizer.parameters)
        except BaseException as error:
            errors.append(error)

    def add(*arguments):
        other.start()
        other.join(0.2)
        return Muon._add_group(*arguments)

    optimizer._add_group = add
    for refused in (True, False):
        other = threading.Thread(target=use)
        if refused:
            with pytest.raises(MuonError, match="overlaps"):
                optimizer.add_param_group({"params": [b, b]})
        else:
            optimizer.add_param_group({"params": [b]})
        other.join()
        assert not errors


def test_options_set_by_two_threads_are_both_kept():
    optimizer = Muon([np.ones((2, 2), np.float32)])
    group = optimizer.param_groups[0]
    genuine = optimizer._write_options
    other = threading.Thread(target=lambda: group.update(lr=0.5))

    def write(*arguments):
        if threading.current_thread() is not other:
            other.start()
            other.join(0.2)
        genuine(*arguments)

    optimizer._write_options = write
    group.update(momentum=0.25)
    other.join()
    assert (group["momentum"], group["lr"]) == (0.25, 0.5)


def test_a_log_handler_uses_the_optimizer_it_hears_from(params):
    """Also while another thread has the handler's lock and waits for that of the optimizer."""
    optimizer = Muon(params, nonfinite="skip")
    heard = []

    class Handler(logging.Handler):
        def emit(self, record):
            heard.append(optimizer.skipped_steps)
            other = threading.Thread(target=optimizer.zero_grad)
            other.start()
            other.join(10)
            assert not other.is_alive()
            optimizer.step()
            optimizer.state_dict()

    logger, handler = logging.getLogger("libmuon"), Handler()
    logger.addHandler(handler)
    try:
        optimizer.step()
    finally:
        logger.removeHandler(handler)
    assert heard and not np.isnan(params[0].grad).any()


class Source(np.ndarray):
    """An array that does something when it goes."""

    def __del__(self):
        work, self.work = getattr(self, "work", None), None
        if work is not None:
            work()


def test_a_finalizer_steps_the_optimizer_while_it_exchanges_a_gradient(params):
    optimizer = AdamW(params)
    came = []

    def work():
        params[0].grad = np.full((2, 3), 2, np.float32)
        optimizer.zero_grad()
        optimizer.step()
        came.append(True)

    last = np.ones((2, 3), np.float32).view(Source)
    for each in params:
        each.grad = last
    optimizer.step()
    for each in params:
        each.grad = np.ones((2, 3), np.float32)
    last.work = work
    del last
    optimizer.step()
    gc.collect()
    assert came
    assert [*map(id, optimizer._bound)] == [id(each.grad) for each in params]


def test_a_signal_comes_while_a_gradient_is_exchanged(params, monkeypatch):
    """What it binds must stay alive, and is not taken for the one that was being bound."""
    from libmuon import optimizer as module

    optimizer = AdamW(params, weight_decay=0)
    first, second = (np.full((2, 3), value, np.float32) for value in (1, 2))
    genuine = module.check

    def check(status):
        monkeypatch.setattr(module, "check", genuine)
        genuine(status)
        params[0].grad = second
        optimizer.zero_grad()

    params[0].grad = first
    params[1].grad = None
    monkeypatch.setattr(module, "check", check)
    optimizer.step()
    # The step was made with the one that was there when it began, and that is known.
    assert optimizer._bound[0] is first and not second.any()
    assert (params[0].data != 1).all()
    optimizer.zero_grad()
    assert optimizer._bound[0] is second and first.all()


def test_a_refused_gradient_is_not_kept(params):
    optimizer = AdamW(params)
    for each in params:
        each.grad = None
    optimizer.step()
    params[0].grad = params[1].data
    for _ in range(3):
        with pytest.raises(MuonError, match="overlaps"):
            optimizer.step()
    assert optimizer._bound[0] is None


def test_a_fork_while_another_thread_has_the_lock(params):
    optimizer = AdamW(params, nonfinite="skip")
    held, done = threading.Event(), threading.Event()

    def hold():
        with optimizer._lock:
            held.set()
            done.wait()

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    child = os.fork()
    if child == 0:
        import signal

        signal.alarm(10)
        optimizer.zero_grad()
        optimizer.step()
        optimizer.add_param_group({"params": [np.ones((2, 2), np.float32)]})
        os._exit(0)
    done.set()
    other.join()
    assert os.waitpid(child, 0)[1] == 0


def test_a_checkpoint_is_saved_while_another_thread_steps():
    parameter = Parameter(np.zeros((8, 8), np.float32), "w")
    optimizer = AdamW([parameter], lr=0.5)
    done = threading.Event()

    def work():
        while not done.is_set():
            parameter.grad = np.ones((8, 8), np.float32)
            optimizer.step()

    other = threading.Thread(target=work)
    other.start()
    try:
        for _ in range(20):
            saved = checkpoint.dumps(optimizer)
            again = AdamW([Parameter(np.zeros((8, 8), np.float32), "w")], lr=0.5)
            checkpoint.loads(saved, again)
            state = again.state_dict()["state"][0]
            # The same gradient at each step: the first moment says how many there were.
            expected = 1 - 0.9 ** state["step"]
            assert np.allclose(state["exp_avg"], expected, rtol=1e-4)
    finally:
        done.set()
        other.join()


def test_a_checkpoint_grows_between_its_size_and_its_bytes(monkeypatch):
    arrays = [np.zeros((2, 2), np.float32) for _ in range(16)]
    optimizer = AdamW(arrays)
    for _ in range(9):
        optimizer.step([np.ones_like(each) for each in arrays])
    genuine = checkpoint.create_string_buffer

    def create(size):
        monkeypatch.setattr(checkpoint, "create_string_buffer", genuine)
        optimizer.step()
        return genuine(size)

    monkeypatch.setattr(checkpoint, "create_string_buffer", create)
    assert checkpoint.dumps(optimizer) == checkpoint.dumps(optimizer)
    with pytest.raises(MuonError, match="room for 1$"):
        monkeypatch.setattr(checkpoint, "create_string_buffer", lambda size: genuine(1))
        checkpoint.dumps(optimizer)


@pytest.mark.parametrize("tries", [3, 100, None])
def test_a_checkpoint_whose_size_goes_to_and_fro(monkeypatch, tries):
    """Each time it was larger when it was written, and as it had been when its size was taken anew."""
    optimizer = AdamW([np.zeros((2, 2), np.float32)])
    genuine, failed = checkpoint.create_string_buffer, checkpoint.failure
    small, large = optimizer.state_dict(), optimizer.state_dict()
    large["state"][0]["step"] = 10**15
    done = 0

    def create(size):
        nonlocal done
        done += 1
        optimizer.load_state_dict(small if done == tries else large)
        return genuine(size)

    def fail(status):
        optimizer.load_state_dict(small)
        return failed(status)

    optimizer.load_state_dict(small)
    expected = checkpoint.dumps(optimizer)
    monkeypatch.setattr(checkpoint, "create_string_buffer", create)
    monkeypatch.setattr(checkpoint, "failure", fail)
    if tries:
        assert checkpoint.dumps(optimizer) == expected and done == tries
    else:
        with pytest.raises(MuonError, match="room for"):
            checkpoint.dumps(optimizer)
        assert done == 100


@pytest.mark.parametrize("answer", [False, np.False_])
def test_false_of_either_kind_cancels(answer):
    optimizer = AdamW([np.zeros((2, 2), np.float32)])
    with pytest.raises(CancelledError):
        checkpoint.dumps(optimizer, progress=lambda done, total: answer)
    for other in (True, None, 0, np.True_):
        checkpoint.dumps(optimizer, progress=lambda done, total: other)
