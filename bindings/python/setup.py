"""What pyproject.toml cannot say: the package carries libmuon.so, so its wheel is for one platform.

A wheel gets its own copy of the library. An editable install gets none: it loads the one in the
build tree (see _library.py), so that `make library` is enough to work with a new one.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.errors import ExecError

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / ".build" / "dist" / "release" / "libmuon.so"


def ensure_library() -> None:
    """Builds the library; where it is up to date, that is soon done."""
    try:
        subprocess.run(["make", "library"], cwd=ROOT, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ExecError(f"`make library` in {ROOT} could not build libmuon.so: {error}") from None
    if not LIBRARY.exists():
        raise ExecError(f"`make library` in {ROOT} did not make {LIBRARY.relative_to(ROOT)}")


class BuildWithLibrary(build_py):
    """Puts the library and the licence beside the modules."""

    def run(self) -> None:
        super().run()
        ensure_library()
        if self.editable_mode:
            return
        for source, target in (LIBRARY, "lib/libmuon.so.0"), (ROOT / "LICENSE", "LICENSE"):
            path = Path(self.build_lib, "libmuon", target)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)


class PlatformWheel(bdist_wheel):
    """Any Python 3, this platform: ctypes needs no particular Python ABI."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


class PlatformDistribution(Distribution):
    def has_ext_modules(self) -> bool:
        return True


setup(
    distclass=PlatformDistribution,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
)
