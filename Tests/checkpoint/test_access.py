"""Who may read a checkpoint that replaces another one: never more than could read that one."""

from __future__ import annotations

import os
import stat
import struct

import numpy as np
import pytest

import libmuon

ACL, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others")
USER, OWNER, GROUP, OTHERS_GROUP = 4321, 12345, 23456, 34567


def acl(*entries: tuple[int, int, int]) -> bytes:
    """As Linux keeps it: version 2; tag, permissions and number of each entry."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xFFFFFFFF
# The owner, a user, the owning group, the mask, all others.
PRIVATE = acl((1, 6, NOBODY), (2, 6, 4242), (4, 0, NOBODY), (16, 6, NOBODY), (32, 0, NOBODY))
WIDE = acl((1, 7, NOBODY), (2, 7, 777), (4, 7, NOBODY), (16, 7, NOBODY), (32, 7, NOBODY))


@pytest.fixture
def muon() -> libmuon.Muon:
    return libmuon.Muon([libmuon.Parameter(np.eye(2, dtype=np.float32), "w")])


def set_list(path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"no access control lists here: {error}")


def lists(path) -> bytes | None:
    return os.getxattr(path, ACL) if ACL in os.listxattr(path) else None


def access(path):
    status = os.stat(path)
    return status.st_uid, status.st_gid, oct(stat.S_IMODE(status.st_mode))


def watched_save(path, muon) -> list[tuple[int, int, str]]:
    """Saves, and returns what the unfinished file was like for others meanwhile."""
    seen = []

    def progress(done: int, total: int) -> bool:
        temporary, = (each for each in path.parent.iterdir() if ".tmp-" in each.name)
        seen.append(access(temporary))
        # What the mask of a list leaves of it is what the group's bits say.
        return True

    libmuon.checkpoint.save(path, muon, progress=progress)
    assert seen
    return seen


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o666, 0o400, 0o606, 0o000])
def test_the_mode_is_kept_and_nobody_reads_the_unfinished_file(tmp_path, muon, mode):
    path = tmp_path / "run.safetensors"
    path.write_bytes(b"old")
    path.chmod(mode)
    for _, _, meanwhile in watched_save(path, muon):
        assert meanwhile == "0o600"
    assert access(path)[2] == oct(mode)


def test_a_new_file_is_as_any_new_file(tmp_path, muon):
    before = os.umask(0o027)
    try:
        watched_save(tmp_path / "run.safetensors", muon)
    finally:
        os.umask(before)
    assert access(tmp_path / "run.safetensors")[2] == "0o640"


@needs_root
def test_owner_and_group_are_kept(tmp_path, muon):
    path = tmp_path / "run.safetensors"
    path.write_bytes(b"old")
    os.chown(path, OWNER, GROUP)
    path.chmod(0o660)
    watched_save(path, muon)
    assert access(path) == (OWNER, GROUP, "0o660")


def as_user(groups: list[int], path, muon) -> None:
    """Saves as a user who is in these groups."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setgid(groups[0])
            os.setuid(USER)
            libmuon.checkpoint.save(path, muon)
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def shared(tmp_path):
    """A folder that every user may write to."""
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o777)
    return tmp_path


@needs_root
@pytest.mark.parametrize("mode, kept, lost", [
    (0o660, 0o660, 0o600), (0o640, 0o640, 0o600), (0o644, 0o644, 0o644), (0o604, 0o604, 0o600),
    (0o664, 0o664, 0o644), (0o606, 0o606, 0o600), (0o666, 0o666, 0o666)])
def test_the_bits_of_a_group_that_cannot_be_kept(shared, muon, mode, kept, lost):
    """Group bits are for the group they were for. Who was in it is among the others now."""
    path = shared / "run.safetensors"
    for groups, expected in (([OTHERS_GROUP, GROUP], (USER, GROUP, oct(kept))),
                             ([OTHERS_GROUP], (USER, OTHERS_GROUP, oct(lost)))):
        path.unlink(missing_ok=True)
        path.write_bytes(b"old")
        os.chown(path, USER, GROUP)
        path.chmod(mode)
        as_user(groups, path, muon)
        assert access(path) == expected


@needs_root
def test_the_bits_where_the_owner_cannot_be_kept(shared, muon):
    path = shared / "run.safetensors"
    path.write_bytes(b"old")
    os.chown(path, OWNER, GROUP)
    path.chmod(0o664)
    as_user([OTHERS_GROUP], path, muon)
    assert access(path) == (USER, OTHERS_GROUP, "0o644")


@needs_root
@pytest.mark.parametrize("mode", [0o660, 0o640, 0o664])
def test_a_group_that_shares_a_file_keeps_it(shared, muon, mode):
    """Whoever of the group saves becomes the owner."""
    path = shared / "run.safetensors"
    path.write_bytes(b"old")
    os.chown(path, OWNER, GROUP)
    path.chmod(mode)
    as_user([OTHERS_GROUP, GROUP], path, muon)
    assert access(path) == (USER, GROUP, oct(mode))


def test_an_access_control_list_is_kept(tmp_path, muon):
    path = tmp_path / "run.safetensors"
    path.write_bytes(b"old")
    set_list(path, ACL, PRIVATE)
    before = access(path)
    for _, _, meanwhile in watched_save(path, muon):
        assert meanwhile == "0o600"
    assert lists(path) == PRIVATE and access(path) == before


def test_the_list_of_the_folder_does_not_widen_it(tmp_path, muon):
    """A default list is for new files; one that replaces another is not new."""
    path = tmp_path / "run.safetensors"
    path.write_bytes(b"old")
    path.chmod(0o640)
    set_list(tmp_path, DEFAULT, WIDE)
    for _, _, meanwhile in watched_save(path, muon):
        assert meanwhile == "0o600"
    assert lists(path) is None and access(path)[2] == "0o640"
    # As any new file.
    libmuon.checkpoint.save(tmp_path / "new", muon)
    (tmp_path / "other").write_bytes(b"")
    assert lists(tmp_path / "new") == lists(tmp_path / "other") is not None
    assert access(tmp_path / "new") == access(tmp_path / "other")


@needs_root
def test_a_list_whose_group_cannot_be_kept(shared, muon):
    path = shared / "run.safetensors"
    path.write_bytes(b"old")
    set_list(path, ACL, PRIVATE)
    os.chown(path, USER, GROUP)
    as_user([OTHERS_GROUP], path, muon)
    assert lists(path) is None and access(path) == (USER, OTHERS_GROUP, "0o600")
