"""The libraries to test, and how the tests compile programs against them and run commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RELEASE = ROOT / ".build" / "dist" / "release"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
SANITIZED = {"address": "asan", "thread": "tsan"}


def run(
    command: list[object], fine: tuple[int, ...] = (0,), *, cwd: Path = ROOT, timeout: float = 3600,
    env: dict[str, str] | None = None, **environment: str
) -> str:
    """What a command prints; its whole output where it fails. `env` is all of the environment,
    `environment` what is added to this process's."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, timeout=timeout,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        # One thread of OpenBLAS: tests fork often.
        env=env or {**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment})
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
    run(["ln", "-sf", "libmuon.so", link])
    return link


def compile_c(
    compiler: list[object], sources: list[object], out: Path, *, sanitizer: str = "",
    include: Path = ROOT / "include"
) -> Path:
    """Compiles against the header and the shared library, warnings being errors; with a sanitizer, by
    Swift's clang."""
    built = library(sanitizer)
    if sanitizer:
        clang, libraries = toolchain()
        compiler = [clang, *compiler[1:], "-fuse-ld=lld", f"-fsanitize={sanitizer}", "-L", libraries,
                    "-ldispatch", "-lBlocksRuntime", f"-Wl,-rpath,{libraries}"]
    if not any(str(option).startswith("-O") for option in compiler):
        compiler = [*compiler, "-O2"]
    # What the compiler is given turns off what is strict, so it comes behind that.
    run([compiler[0], *STRICT, *compiler[1:], "-I", include, *sources, built, f"-Wl,-rpath,{built.parent}", "-lm",
         "-pthread", "-o", out])
    return out


def program(source: str, out: Path, *, extra: tuple[object, ...] = (), **options: object) -> Path:
    """Compiles a C program of the folder Tests against the shared library."""
    # What a program shares in a header it need not use.
    compiler = ["gcc", "-std=gnu11", "-O1", "-g", "-Wno-unused-function", "-Wno-pedantic"]
    return compile_c(compiler, [*extra, ROOT / "Tests" / source], out, **options)


if __name__ == "__main__":
    library(*sys.argv[1:])
