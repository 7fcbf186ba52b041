"""The source archive: it has what the library and the package are built from, and builds a wheel.

The Swift build itself is left to `make test-sdist`, since it takes as long as the first one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest
from commands import ENVIRONMENT, LIBRARY, ROOT, output

# Takes the place of make, with a library that is there already.
MAKE = f"""#!/bin/sh
test "$1" = library && test -f Package.swift || exit 1
mkdir -p .build/dist/release && cp '{LIBRARY}' .build/dist/release/libmuon.so
"""


@pytest.fixture
def tree(archive, tmp_path):
    """The archive, unpacked."""
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "archive")
    (tree,) = (tmp_path / "archive").iterdir()
    assert tree.name == archive.name.removesuffix(".tar.gz")
    return tree


@pytest.fixture
def instead_of_make(tmp_path):
    """An environment with MAKE in it."""
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.write_text(MAKE)
    make.chmod(0o755)
    return {"PATH": f"{make.parent}{os.pathsep}{ENVIRONMENT['PATH']}"}


def build_wheel(tree, folder):
    """The command that makes a wheel from a tree."""
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check"]
    return [*pip, "--no-deps", "--wheel-dir", folder, tree]


def targets(package, scratch):
    """The targets of a Swift package: the folder and the sources of each. All must be there."""
    command = ["swift", "package", "--package-path", package, "--scratch-path", scratch]
    described = json.loads(output([*command, "describe", "--type", "json"]))
    return {each["name"]: (each["path"], each["sources"]) for each in described["targets"]}


def test_every_target_of_the_library_is_there(tree, tmp_path):
    found = targets(tree / "core", tmp_path / "scratch")
    assert found["MuonC"][1]
    assert found == targets(ROOT, tmp_path / "scratch2")


def test_its_files_are_those_of_the_repository(tree):
    for path in (path for path in tree.rglob("*") if path.is_file()):
        name = path.relative_to(tree)
        if name.parts[0] == "core":
            original = ROOT / name.relative_to("core")
        elif name.name in ("PKG-INFO", "setup.cfg") or "libmuon.egg-info" in name.parts:
            continue  # made by setuptools
        else:
            original = ROOT / "bindings" / "python" / name
        assert path.read_bytes() == original.read_bytes(), name
    for name in "Makefile", "include/muon.h", "Sources/MuonC/exports.map":
        assert (tree / "core" / name).is_file()


def test_a_wheel_can_be_built_from_it(tree, wheel, instead_of_make, tmp_path):
    output(build_wheel(tree, tmp_path), **instead_of_make)
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as packed, zipfile.ZipFile(wheel) as repaired:
        names = set(packed.namelist())
        assert "libmuon/lib/libmuon.so.0" in names
        # auditwheel adds folders, libraries and their bill of materials; our own wheel was built where
        # there are XLA's headers.
        added = re.compile(r"libmuon\.libs/|.*/sboms/|.*/$|libmuon/lib/libmuon_xla\.so")
        assert names == {name for name in repaired.namelist() if not added.match(name)}


def test_a_build_installs_no_packages(tree, tmp_path):
    """Not even as root, on a system that lacks all of them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    called = tmp_path / "called"
    for name, script in {
        "apt-get": f"echo \"$@\" >> '{called}'",
        "dpkg-query": "exit 1",
        "id": "echo 0",
        "swift": "exit 1",
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    path = f"{folder}{os.pathsep}{ENVIRONMENT['PATH']}"
    failed = subprocess.run(
        build_wheel(tree, tmp_path),
        env={**ENVIRONMENT, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert not called.exists(), called.read_text()
    assert failed.returncode != 0
    said = failed.stdout + failed.stderr
    assert "libmuon needs these packages (names as in Debian): libopenblas0" in said
    assert "install them, for instance with: sudo apt-get install libopenblas0" in said


def test_a_missing_library_source_is_an_error(tree, tmp_path):
    shutil.rmtree(tree / "core")
    failed = subprocess.run(
        build_wheel(tree, tmp_path), env=ENVIRONMENT, capture_output=True, text=True
    )
    assert failed.returncode != 0
    assert "the sources of libmuon.so are not in" in failed.stdout + failed.stderr
