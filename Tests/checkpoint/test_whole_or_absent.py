"""A file is there whole or as it was: after kill -9, a full disk, and a failure of every single call."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from soak import long_or_short
from training_run import Run, compiled

import libmuon


def test_killed_at_any_moment(tmp_path, rng):
    """A child saves two runs in turn, without end, until it is killed."""
    shapes = ((500, 300), (300, 200), (4, 4))
    runs = [Run(seed=seed, shapes=shapes) for seed in (1, 2)]
    whole = [run.dumps() for run in runs]
    path = tmp_path / "run.safetensors"
    runs[0].save(path)
    left = 0
    kills = long_or_short(1000, 20)
    for _ in range(kills):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writer, b"!")
                while True:
                    for run in runs:
                        run.save(path)
            finally:
                os._exit(1)
        os.read(reader, 1)
        os.close(reader)
        os.close(writer)
        time.sleep(rng.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        assert path.read_bytes() in whole
        other = Run(seed=3, shapes=shapes)
        other.load(path)
        assert other.dumps() in whole
        for each in tmp_path.glob("run.safetensors.tmp-*"):
            each.unlink()
            left += 1
        assert [*tmp_path.iterdir()] == [path]
    # Otherwise the kills came when there was nothing to interrupt.
    assert left > kills / 4


SCRIPT = """
import ctypes, errno, json, os, sys
from training_run import Run
path, expected_calls = sys.argv[1], None
c = ctypes.CDLL(None)
c.interpose_disarm.restype = ctypes.c_char_p
old, new = Run(seed=1), Run(seed=2)
before, after = old.dumps(), new.dumps()

def attempt(action, at, number, short=0):
    c.interpose_arm(at, number, short)
    try:
        action()
        return None, c.interpose_disarm().decode()
    except OSError as error:
        return str(error), c.interpose_disarm().decode()

def contents():
    with open(path, "rb") as file:
        return file.read()

def save():
    new.save(path)

report = {"log": None, "save": [], "load": []}
old.save(path)
error, report["log"] = attempt(save, 0, 0)
assert error is None and contents() == after
count = len(report["log"].splitlines())
for at in range(1, count + 1):
    for number in (errno.EIO, errno.ENOSPC, errno.EDQUOT):
        old.save(path)
        error, log = attempt(save, at, number)
        found = {before: "old", after: "new"}.get(contents(), "damaged")
        rest = len(os.listdir(os.path.dirname(path))) - 1
        report["save"].append([log.splitlines()[at - 1], os.strerror(number), error, found, rest])

old.save(path)
error, log = attempt(save, 0, 0, short=1)
assert error is None and contents() == after, "short writes"
error, log = attempt(lambda: old.load(path), 0, 0, short=1)
assert error is None and old.dumps() == after, "short reads"

error, log = attempt(lambda: new.load(path), 0, 0)
for at, line in enumerate(log.splitlines(), 1):
    other = Run(seed=3)
    state = other.state()
    error, _ = attempt(lambda: other.load(path), at, errno.EIO)
    report["load"].append([line, error, other.state() == state])
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What each failing call led to, in a process with the interposed C library."""
    import json

    folder = tmp_path_factory.mktemp("interpose")
    library = compiled("interpose.c", folder / "interpose.so")
    path = folder / "saved" / "run.safetensors"
    path.parent.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path], env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr
    return {"path": str(path), **json.loads(done.stdout)}


def test_the_order_of_calls(report):
    """Written and brought to the disk, then named, then the name brought to the disk."""
    path, lines = report["path"], report["log"].splitlines()
    create = next(i for i, line in enumerate(lines) if line.startswith("open new"))
    temporary = lines[create].removeprefix("open new ")
    assert temporary.startswith(path + ".tmp-")
    rest = [line for line in lines[create + 1 :]]
    writes = rest.count("write")
    assert writes >= 1
    assert rest == [
        *["write"] * writes,
        "fsync file",
        "close file",
        f"open {os.path.dirname(path)}",
        f"rename {temporary} {path}",
        "fsync folder",
        "close folder",
    ]


def test_every_failure_of_a_save_leaves_the_old_file(report):
    assert len(report["save"]) >= 3 * 9
    for call, reason, error, found, rest in report["save"]:
        assert rest == 0, call
        if call == "close folder":  # the last call, which has nothing to lose
            assert error is None and found == "new"
        elif call == "fsync folder":
            assert reason in error and found == "new"
        else:
            assert reason in error and found == "old", (call, error, found)


def test_every_failure_of_a_load_changes_nothing(report):
    lines = [line for line, _, _ in report["load"]]
    assert lines[0].startswith("open") and lines.count("read") >= 3
    for line, error, unchanged in report["load"]:
        if line == "close file":
            assert error is None and not unchanged
        else:
            assert "Input/output error" in error and unchanged, line


def test_a_limit_of_file_size(tmp_path):
    """The write fails, and the signal that comes with it does not end the process."""
    script = """
import resource, signal, sys
from training_run import Run
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
run = Run(shapes=((500, 300), (8, 3), (4, 4)))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    run.save(sys.argv[1])
except OSError as error:
    print(error)
assert signal.SIGXFSZ not in signal.sigpending() | signal.pthread_sigmask(signal.SIG_BLOCK, [])
"""
    path = tmp_path / "run.safetensors"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert os.strerror(errno.EFBIG) in done.stdout
    assert path.read_bytes() == b"old" and [*tmp_path.iterdir()] == [path]


def test_two_processes_that_save_to_one_name(tmp_path):
    """One of them is last; neither sees the file of the other half done."""
    runs = [Run(seed=seed, shapes=((300, 200), (8, 3), (4, 4))) for seed in (1, 2)]
    path = tmp_path / "run.safetensors"
    children = []
    for run in runs:
        child = os.fork()
        if child == 0:
            try:
                for _ in range(30):
                    run.save(path)
                os._exit(0)
            except BaseException:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert path.read_bytes() in [run.dumps() for run in runs]
    assert [*tmp_path.iterdir()] == [path]


def test_relative_and_odd_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weight = libmuon.Parameter(np.eye(2, dtype=np.float32), "w")
    muon = libmuon.Muon([weight])
    (tmp_path / "real").write_bytes(b"kept")
    (tmp_path / "link").symlink_to("real")
    for path in ("run", "./größe run", tmp_path / "x" / ".." / "run2", "link"):
        (tmp_path / "x").mkdir(exist_ok=True)
        libmuon.checkpoint.save(path, muon)
        libmuon.checkpoint.load(path, muon)
    assert (tmp_path / "real").read_bytes() == b"kept"
    assert not (tmp_path / "link").is_symlink()
