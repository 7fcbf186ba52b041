"""What pyproject.toml cannot say: the package carries libmuon.so, whose sources are elsewhere, and the
handler of libmuon.jax where XLA's headers are.

A wheel gets its own copy of the library, and is for one platform. An editable install gets none: it
loads the one in the build tree (see _library.py), so that `make library` is enough to work with a
new one. A source archive gets what `make library` reads.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Optional

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist
from setuptools.errors import ExecError

HERE = Path(__file__).resolve().parent
# The tree of the library: in a source archive a folder beside this file, else the repository.
CORE = "core"
ROOT = HERE / CORE if (HERE / CORE).is_dir() else HERE.parents[1]
LIBRARY = ROOT / ".build" / "dist" / "release" / "libmuon.so"
XLA_HANDLER = LIBRARY.with_name("libmuon_xla.so")

# What `make library` reads. Swift wants the folder of every target of Package.swift, tests too.
LIBRARY_SOURCES = (
    "LICENSE",
    "Makefile",
    "Package.swift",
    "Sources",
    "Tests/COpenBLAS",
    "Tests/MuonCTests",
    "Tests/MuonOptimizersTests",
    "bindings/c/install/install.mk",
    "bindings/python/xla",
    "bindings/swift",
    "include",
)


def ensure_library() -> None:
    """Builds the library; where it is up to date, that is soon done.

    It installs nothing on the system, whoever runs it: what is missing is said.
    """
    if not (ROOT / "Package.swift").exists():
        raise ExecError(
            f"the sources of libmuon.so are not in {ROOT}: build in the repository, or from a "
            "source archive"
        )
    make("library", LIBRARY)


def make(target: str, file: Path, *variables: str) -> None:
    """Makes a file by a target of the Makefile."""
    try:
        subprocess.run(["make", target, "INSTALL_PACKAGES=no", *variables], cwd=ROOT, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ExecError(f"`make {target}` in {ROOT} could not build {file.name}: {error}") from None
    if not file.exists():
        raise ExecError(f"`make {target}` in {ROOT} did not make {file.relative_to(ROOT)}")


def xla_include() -> Optional[str]:
    """The folder of XLA's headers: LIBMUON_XLA_INCLUDE in the environment, or that of a jaxlib that is
    installed beside setuptools. Without one, libmuon.jax goes by way of Python."""
    asked_for = os.environ.get("LIBMUON_XLA_INCLUDE")
    if asked_for:
        return asked_for
    found = importlib.util.find_spec("jaxlib")
    folders = [] if found is None else found.submodule_search_locations or []
    includes = [Path(folder, "include") for folder in folders]
    return next((str(path) for path in includes if (path / "xla/ffi/api/ffi.h").exists()), None)


class BuildWithLibrary(build_py):
    """Puts the library beside the modules."""

    def run(self) -> None:
        package = Path(self.build_lib, "libmuon")
        if not self.editable_mode:
            # What an earlier build left there would go into the wheel.
            shutil.rmtree(package, ignore_errors=True)
        super().run()
        ensure_library()
        if not self.editable_mode:
            (package / "lib").mkdir()
            shutil.copyfile(LIBRARY, package / "lib" / "libmuon.so.0")
            include = xla_include()
            if include:
                make("xla-handler", XLA_HANDLER, f"XLA_INCLUDE={include}")
                shutil.copyfile(XLA_HANDLER, package / "lib" / XLA_HANDLER.name)


class PlatformWheel(bdist_wheel):
    """Any Python 3, this platform: ctypes needs no particular Python ABI."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


class SourceArchive(sdist):
    """Puts the sources of the library beside the Python project."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        for name in LIBRARY_SOURCES:
            source, target = ROOT / name, Path(base_dir, CORE, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copyfile(source, target)


class PlatformDistribution(Distribution):
    def has_ext_modules(self) -> bool:
        return True


setup(
    distclass=PlatformDistribution,
    cmdclass={
        "bdist_wheel": PlatformWheel,
        "build_py": BuildWithLibrary,
        "sdist": SourceArchive,
    },
)
