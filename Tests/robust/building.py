"""The libraries to test, and how the C programs of this folder are built and run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Where the model of muon.h is: header.py.
sys.path.insert(0, str(ROOT / "bindings" / "generate"))
RELEASE = ROOT / ".build" / "dist" / "release"
SOAK = os.environ.get("LIBMUON_SOAK") == "1"
SEED = int(os.environ.get("LIBMUON_SEED", "1"))
SANITIZED = {"address": "asan", "thread": "tsan"}


def long_or_short(long: int, short: int) -> int:
    """How often: in the soak, and in `make test`."""
    return long if SOAK else short


def run(command: list[object], fine: tuple[int, ...] = (0,), **environment: str) -> str:
    """What a command prints; its whole output where it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=3600,
        # One thread of OpenBLAS: these tests fork often.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment})
    assert done.returncode in fine, f"exit {done.returncode}\n{done.stdout[-20_000:]}"
    return done.stdout


@cache
def toolchain() -> tuple[Path, Path]:
    """Swift's clang, and the folder with its dispatch library, which its sanitizers call."""
    info = json.loads(run(["swiftc", "-print-target-info"]))
    libraries = Path(info["paths"]["runtimeLibraryPaths"][0])
    return libraries.parents[2] / "bin" / "clang", libraries


@cache
def library(sanitizer: str = "") -> Path:
    """The shared library; with a sanitizer, it is built for it."""
    if not sanitizer:
        return RELEASE / "libmuon.so.0"
    scratch = ROOT / ".build" / SANITIZED[sanitizer]
    run(["swift", "build", "-c", "release", f"--sanitize={sanitizer}", "--product", "muon",
         "--scratch-path", scratch, "-Xswiftc", "-static-stdlib"])
    link = scratch / "release" / "libmuon.so.0"
    if not link.exists():
        link.symlink_to("libmuon.so")
    return link


def program(
    source: str, out: Path, *, sanitizer: str = "", include: Path = ROOT / "include",
    extra: tuple[object, ...] = ()
) -> Path:
    """Compiles a C program of this folder against the shared library."""
    built = library(sanitizer)
    compiler: list[object] = ["gcc"]
    if sanitizer:
        clang, libraries = toolchain()
        compiler = [clang, "-fuse-ld=lld", f"-fsanitize={sanitizer}", "-L", libraries, "-ldispatch",
                    "-lBlocksRuntime", f"-Wl,-rpath,{libraries}"]
    run([*compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-O1", "-g",
         "-I", include, *extra, HERE / source, built, f"-Wl,-rpath,{built.parent}", "-lm", "-pthread",
         "-o", out])
    return out
