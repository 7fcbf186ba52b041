"""The wheel in a virtual environment of its own, and a system without OpenBLAS to run it in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import LIBRARY, output, the_archive, the_wheel


@pytest.fixture(scope="session")
def wheel() -> Path:
    return the_wheel()


@pytest.fixture(scope="session")
def archive() -> Path:
    return the_archive()


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python in a fresh virtual environment with the wheel and what it depends on: numpy."""
    environment = tmp_path_factory.mktemp("wheel") / "venv"
    output([sys.executable, "-m", "venv", environment])
    python = environment / "bin" / "python"
    output([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel])
    return python


@pytest.fixture(scope="session")
def system_libraries() -> list[Path]:
    """The system's OpenBLAS and what it needs, which the library of this tree loads for backend svd."""
    script = (
        f"import ctypes; library = ctypes.CDLL({str(LIBRARY)!r}); library.muon_build_info()\n"
        "print(*{line.split()[-1] for line in open('/proc/self/maps') if '/lib' in line}, sep='\\n')"
    )
    found = re.findall(r"(?m)^\S*/lib(?:openblas|gfortran|quadmath)\S*$", output([sys.executable, "-c", script]))
    libraries = [Path(path).resolve() for path in found]
    assert any("openblas" in path.name for path in libraries)
    return libraries


@pytest.fixture(scope="session")
def without_openblas(system_libraries: list[Path]) -> list[str]:
    """The beginning of a command that runs the rest of it where the system has no OpenBLAS.

    In a mount namespace, an empty file covers each library. Empty where that is not permitted.
    """
    if shutil.which("unshare") is None:
        return []
    mounts = " && ".join(f"mount --bind /dev/null '{path}'" for path in system_libraries)
    for options in (["--mount"], ["--mount", "--map-root-user"]):
        prefix = ["unshare", *options, "sh", "-c", f'{mounts} && exec "$@"', "sh"]
        if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
            return prefix
    return []


@pytest.fixture
def run(python: Path, without_openblas: list[str]) -> Callable[..., str]:
    """Runs Python with the wheel, without the system's OpenBLAS where it can be hidden."""

    def run(*arguments: object, **environment: object) -> str:
        return output([*without_openblas, python, *arguments], **environment)

    return run
