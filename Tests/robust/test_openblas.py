"""OpenBLAS is loaded when backend svd first needs it; without it the rest works, and small stacks do."""

from __future__ import annotations

import pytest
from building import library, program, run


def test_the_library_is_linked_with_the_c_and_cpp_libraries_alone():
    """With OpenBLAS, its thread-local storage would be on every stack of a program that is linked."""
    needed = {line.split("[")[1].rstrip("]").split(".so")[0]
              for line in run(["readelf", "-dW", library()]).splitlines() if "(NEEDED)" in line}
    assert needed <= {"libc", "libm", "libstdc++", "libgcc_s", "ld-linux-x86-64", "libdl", "libpthread"}


def test_small_stacks_will_do(tmp_path):
    """muon.h says how small: 64 KiB, 256 for svd, and any for a thread that makes no calls."""
    assert run([program("robust/stacks.c", tmp_path / "stacks"), 64, 256]) == "fits\n"


@pytest.fixture(scope="module")
def loader(tmp_path_factory):
    return program("robust/openblas.c", tmp_path_factory.mktemp("openblas") / "openblas", extra=("-rdynamic",))


@pytest.mark.parametrize(
    "case",
    ["when needed", "no threads", "no room", "no room for data", "at once", "forks", "the host's before",
     "the host's after", "refused", "forks while described", "at exit", "at exit, inside"])
def test_it_is_loaded(loader, case):
    # As many threads as it likes: not those that run() would leave it.
    assert run(["env", "-u", "OPENBLAS_NUM_THREADS", loader, case]) == "fine\n"


def test_without_it_there_is_a_status(loader, tmp_path):
    for name in "libopenblas.so.0", "libopenblas.so":
        (tmp_path / name).write_text("no library")
    assert run([loader, "missing"], LD_LIBRARY_PATH=str(tmp_path)) == "fine\n"
