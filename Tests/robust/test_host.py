"""The host is untouched, nothing leaks, and sizes past 32 bits."""

from __future__ import annotations

import ctypes
import re
import shutil

import pytest
from building import ROOT, library, program, run
from soak import long_or_short

import libmuon


def test_the_host_is_untouched(tmp_path):
    """Its signal handlers and mask, floating-point mode, environment, folder, open files, threads,
    OpenBLAS's threads: before load, after load, after steps and after dlclose."""
    assert run([program("robust/host.c", tmp_path / "host", extra=("-ldl",)), library()]) == "untouched\n"


def test_memory_is_flat(tmp_path, figures):
    cycles = long_or_short(100_000, 10_000)
    printed = run([program("robust/cycles.c", tmp_path / "cycles"), cycles])
    figures(printed)
    [grown] = re.findall(r"(-?\d+) KiB more", printed)
    assert int(grown) < 512


# valgrind knows no AVX-512.
PLAIN = {"MUON_MAX_CPU": "avx2", "OPENBLAS_CORETYPE": "Haswell", "MUON_NUM_THREADS": "2"}


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_valgrind_finds_nothing_in_the_c_example(tmp_path, figures):
    """No error, and nothing lost by its steps, of which an epoch has 48 of two optimizers. (Swift's
    runtime keeps tagged pointers to some of its caches; valgrind cannot follow those.)"""
    source = (ROOT / "bindings/c/digits.c").read_text()
    epochs = long_or_short(15, 1)
    source, count = re.subn(r"#define EPOCHS \d+", f"#define EPOCHS {epochs}", source)
    assert count == 1
    (tmp_path / "digits.c").write_text(source)
    digits = program(
        str(tmp_path / "digits.c"), tmp_path / "digits",
        extra=("-I", ROOT / "bindings/c", ROOT / "bindings/c/mlp.c"))
    # It says 1 where it has not learnt enough, and where it failed.
    printed = run(
        ["valgrind", "--leak-check=full", "--errors-for-leak-kinds=none", "--error-exitcode=9",
         digits, ROOT / "bindings/data/digits.bin"], fine=(0, 1), **PLAIN)
    assert printed.count("\nepoch ") + printed.startswith("epoch ") == epochs, printed[-10_000:]
    assert "ERROR SUMMARY: 0 errors" in printed, printed[-10_000:]
    lost = re.findall(r"(?:definitely|indirectly) lost: ([\d,]+) bytes", printed)
    figures(f"{lost} bytes lost, definitely and indirectly")
    assert sum(int(each.replace(",", "")) for each in lost) < 512, printed[-10_000:]


def test_more_than_two_to_the_31_elements(tmp_path):
    assert run([program("robust/large.c", tmp_path / "large")]) == "fits\n"


@pytest.mark.parametrize("shape", [(2**31, 1), (46341, 46341), (23001, 23001)])
def test_a_matrix_too_large_for_lapack_is_an_error(shape):
    options = libmuon._abi.OrthogonalizeOptions()
    library_ = libmuon._library.lib
    library_.muon_orthogonalize_options_init(ctypes.byref(options), ctypes.sizeof(options))
    options.backend = 2
    # Refused by its shape: the address is one that cannot be read.
    count = shape[0] * shape[1]
    status = library_.muon_orthogonalize(64, count, *shape, ctypes.byref(options), 64, count)
    assert library_.muon_status_name(status) == b"MUON_ERR_UNSUPPORTED"


def test_a_small_alternate_stack_costs_the_tiles(tmp_path):
    with open("/proc/cpuinfo") as file:
        if "amx_tile" not in file.read():
            pytest.skip("the processor has no AMX")
    printed = run([program("robust/alternate_stack.c", tmp_path / "alternate_stack")])
    left_out = re.findall(r"AMX (\w+) is left out: the system does not let this process use it", printed)
    assert sorted(left_out) == ["bf16", "int16", "int8"]
    assert "kernels AVX-512 f32, AVX512-BF16, AVX512-VNNI int16, AVX512-VNNI int8;" in printed
