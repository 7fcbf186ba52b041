"""Where a checkpoint can be saved: every name that the file system takes, and clear errors for the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

import libmuon


@pytest.fixture
def muon() -> libmuon.Muon:
    return libmuon.Muon([libmuon.Parameter(np.eye(2, dtype=np.float32), "w")])


def save_and_load(path, muon) -> None:
    for _ in range(2):  # a new file, and one that is replaced
        libmuon.checkpoint.save(path, muon)
        libmuon.checkpoint.load(path, muon)


@pytest.mark.parametrize("length", [200, 230, 239, 240, 255])
@pytest.mark.parametrize("letter", ["x", "ü", "\U0001f600"])
def test_every_length_of_a_name(tmp_path, muon, length, letter):
    name = (letter * length).encode()[:length].decode(errors="ignore")
    name += "x" * (length - len(name.encode()))
    seen = []

    def progress(done, total):
        seen.extend(each.name for each in tmp_path.iterdir() if ".tmp-" in each.name)
        return True

    libmuon.checkpoint.save(tmp_path / name, muon, progress=progress)
    save_and_load(tmp_path / name, muon)
    assert [each.name for each in tmp_path.iterdir()] == [name]
    # What a killed process would leave: as much of the name as there is room for, and ".tmp-".
    for each in seen:
        start, mark, _ = each.rpartition(".tmp-")
        assert mark and name.startswith(start) and len(each.encode()) <= 255
        assert start == name or len(each.encode()) > 250


def test_a_name_that_is_too_long(tmp_path, muon):
    """Refused before anything is written."""
    for path in (tmp_path / ("x" * 256), tmp_path / ("ü" * 128), "/".join([str(tmp_path), *["x"] * 2500])):
        with pytest.raises(OSError, match="File name too long"):
            libmuon.checkpoint.save(path, muon, progress=lambda done, total: pytest.fail("it began"))
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["r", "run.safetensors", "x" * 240])
@pytest.mark.parametrize("length", [4050, 4094, 4095])
def test_the_longest_paths(tmp_path, muon, monkeypatch, name, length):
    """PATH_MAX is 4096, with the NUL."""
    monkeypatch.chdir(tmp_path)
    rest = length - len(os.fsencode(tmp_path)) - 1 - len(name) - 1
    here = os.open(".", os.O_RDONLY)
    folders = []
    while rest > 0:
        size = rest if rest <= 200 else min(200, rest - 2)
        folders.append("d" * size)
        rest -= size + 1
    for folder in folders:
        os.mkdir(folder)
        os.chdir(folder)
    path = os.path.join(tmp_path, *folders, name)
    assert len(path) == length
    save_and_load(path, muon)
    assert os.listdir(".") == [name]
    os.chdir(here)
    os.close(here)


def test_what_is_no_file(tmp_path, muon, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"kept")
    os.mkfifo(tmp_path / "pipe")
    for path in ("folder", "folder/", ".", "..", "/", "./", "pipe", "/dev/full", "/dev/null", "new/",
                 "file/", "file/run", "missing/run"):
        with pytest.raises(OSError) as error:
            libmuon.checkpoint.save(path, muon)
        assert path in str(error.value)
        with pytest.raises(OSError):
            libmuon.checkpoint.load(path, muon)
    assert sorted(os.listdir()) == ["file", "folder", "pipe"]
    assert (tmp_path / "file").read_bytes() == b"kept" and os.listdir("folder") == []


def test_links(tmp_path, muon):
    """A symbolic link is replaced, also one that leads nowhere; of a hard link the other name stays."""
    (tmp_path / "old").write_bytes(b"kept")
    os.link(tmp_path / "old", tmp_path / "hard")
    (tmp_path / "link").symlink_to("old")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("hard", "link", "dangling", "loop"):
        save_and_load(tmp_path / name, muon)
        assert not (tmp_path / name).is_symlink()
    assert (tmp_path / "old").read_bytes() == b"kept"
    assert not (tmp_path / "nowhere").exists()


def test_a_relative_path_at_the_root_of_the_file_system(muon, monkeypatch):
    monkeypatch.chdir("/")
    name = f"muon-{os.getpid()}.safetensors"
    if not os.access("/", os.W_OK):
        pytest.skip("may not write there")
    try:
        for path in (name, "/" + name, "//" + name, "./" + name):
            save_and_load(path, muon)
    finally:
        os.unlink(name)


def test_a_pipe_is_not_opened(tmp_path, muon):
    """To open one lets whoever waits to write to it go on, into a pipe that nobody reads."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = subprocess.Popen([sys.executable, "-c", f"open({str(path)!r}, 'wb')"])
    try:
        with pytest.raises(libmuon.errors.FileError, match="is not a file"):
            for _ in range(20):
                try:
                    libmuon.checkpoint.load(path, muon)
                except libmuon.errors.FileError:
                    if writer.poll() is not None:
                        break
                    time.sleep(0.05)
            assert writer.poll() is None
            libmuon.checkpoint.load(path, muon)
    finally:
        writer.kill()
        writer.wait()


# Takes a lease, which the one who opens the file breaks, and gives it up after so many seconds or never.
LEASE = """
import fcntl, os, signal, sys, time
path, seconds = sys.argv[1], float(sys.argv[2])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
file = os.open(path, os.O_RDWR)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("taken", flush=True)
signal.sigwait([signal.SIGIO])
time.sleep(seconds)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
"""


@pytest.mark.parametrize("seconds", [0.1, 100])
def test_a_leased_file(tmp_path, muon, seconds):
    path = tmp_path / "run"
    libmuon.checkpoint.save(path, muon)
    holder = subprocess.Popen(
        [sys.executable, "-c", LEASE, path, str(seconds)], stdout=subprocess.PIPE, text=True)
    try:
        if holder.stdout.readline() != "taken\n":
            pytest.skip("the file system has no leases")
        if seconds < 1:
            libmuon.checkpoint.load(path, muon)
        else:
            with pytest.raises(libmuon.errors.FileError, match="cannot open"):
                libmuon.checkpoint.load(path, muon)
    finally:
        holder.kill()
        holder.wait()
