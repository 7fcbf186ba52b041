"""What the library leaves as it was, and what it needs from the process."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np

from libmuon import Muon, Parameter


def test_it_prints_nothing(run_python):
    script = (
        "import libmuon, numpy as np\n"
        "o = libmuon.Muon([np.ones((9, 9), np.float32)])\n"
        "o.step([np.ones((9, 9), np.float32)])\n"
        "libmuon.orthogonalize(np.ones((4, 4), np.float32), backend='svd')"
    )
    assert run_python(script) == ""


def test_it_works_after_fork(run_python):
    script = (
        "import os, numpy as np, libmuon\n"
        "libmuon.set_num_threads(2)\n"
        "w = [np.eye(64, dtype=np.float32) for _ in range(4)]\n"
        "g = [np.full((64, 64), 0.5, np.float32) for _ in range(4)]\n"
        "o = libmuon.Muon(w); o.step(g)\n"
        "if (child := os.fork()) == 0:\n"
        "    o.step(g); os._exit(0)\n"
        "print(os.waitpid(child, 0)[1])\n"
    )
    assert run_python(script) == "0\n"


def test_it_works_after_it_was_unloaded(run_python):
    """dlclose leaves it where it is, with the threads that are parked in it."""
    script = (
        "import _ctypes, os, libmuon, numpy as np\n"
        "from libmuon._library import lib, path\n"
        "libmuon.set_num_threads(3)\n"
        "w = [np.eye(64, dtype=np.float32) for _ in range(20)]\n"
        "g = [np.ones((64, 64), np.float32) for _ in w]\n"
        "o = libmuon.Muon(w); o.step(g)\n"
        "_ctypes.dlclose(lib._handle)\n"
        "assert os.path.realpath(path) in open('/proc/self/maps').read(), 'unloaded'\n"
        "o.step(g)\n"
        "print(np.isfinite(w).all())"
    )
    assert run_python(script) == "True\n"


def test_other_threads_run_during_a_step(rng):
    """A Python thread goes on while the library computes: ctypes releases the lock."""
    parameter = Parameter(rng.standard_normal((1024, 1024), dtype=np.float32))
    parameter.grad = rng.standard_normal((1024, 1024), dtype=np.float32)
    optimizer = Muon([parameter])
    begun, done, took = threading.Event(), threading.Event(), []

    def work():
        begun.set()
        begin = time.perf_counter()
        optimizer.step()
        took.append(time.perf_counter() - begin)
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    begun.wait()
    begin = time.perf_counter()
    while not done.is_set():
        pass
    ran = time.perf_counter() - begin
    worker.join()
    assert ran > took[0] / 4


def test_a_step_costs_little_besides_its_work():
    """A slip such as checking arrays at every step would be calls for each of them."""
    parameters = [Parameter(np.zeros((1, 1), np.float32)) for _ in range(50)]
    for parameter in parameters:
        parameter.grad = np.zeros((1, 1), np.float32)
    optimizer = Muon(parameters)
    optimizer.step()
    calls = []
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code) if "call" in event else None)
    optimizer.step()
    sys.setprofile(None)
    assert 1 < len(calls) < 20
