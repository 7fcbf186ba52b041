"""The wheel, installed with numpy alone, where the system has no OpenBLAS."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from commands import LIBRARY, ROOT, output

BUNDLED = ("libmuon.so", "libopenblas", "libgfortran", "libquadmath")
LOADED = """
import libmuon, numpy
numpy.linalg.svd(numpy.eye(3))
libmuon.orthogonalize(numpy.eye(3, dtype=numpy.float32), backend="svd")
print(*{line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}, sep="\\n")
"""


def test_the_systems_openblas_is_hidden(without_openblas):
    """The library of this tree, which loads the system's, finds it as it is and not when hidden."""
    if not without_openblas:
        pytest.skip("mount namespaces are not permitted here: OpenBLAS stays visible")
    script = (
        f"import ctypes; library = ctypes.CDLL({str(LIBRARY)!r})\n"
        "library.muon_build_info.restype = ctypes.c_char_p; print(library.muon_build_info())"
    )
    found = [sys.executable, "-c", script]
    assert "; core " in output(found)
    assert "OpenBLAS could not be loaded" in output([*without_openblas, *found])


def test_numpy_is_all_it_brings(run):
    packages = json.loads(run("-m", "pip", "list", "--format=json", "--disable-pip-version-check"))
    assert {each["name"] for each in packages} - {"pip", "setuptools"} == {"libmuon", "numpy"}


def test_openblas_is_the_wheels_own(run, python):
    """Of what is in the wheel, nothing comes from elsewhere; numpy has its own of some of it."""
    loaded = [Path(line).resolve() for line in run("-c", LOADED).splitlines()]
    packages = {path.parent for path in loaded if path.parent.name == "libmuon.libs"}
    assert len(packages) == 1 and python.parents[1] in packages.pop().parents
    bundled = {name: set() for name in BUNDLED}
    for path in loaded:
        for name in bundled:
            if path.name.startswith(name) and path.parent.name != "numpy.libs":
                bundled[name].add("/".join(path.parts[-3:-1]))
    assert bundled == {
        "libmuon.so": {"libmuon/lib"},
        "libopenblas": {"site-packages/libmuon.libs"},
        "libgfortran": {"site-packages/libmuon.libs"},
        "libquadmath": {"site-packages/libmuon.libs"},
    }


def test_the_digits_are_learnt(run, tmp_path):
    """The demo, which draws no picture without matplotlib."""
    digits = ROOT / "bindings" / "python" / "examples" / "digits.py"
    text = run(digits, "--quick", "--out", tmp_path / "digits.png")
    assert "no picture: matplotlib is not installed" in text
    assert "Muon + AdamW, lr 0.05\nAdamW, lr 0.01\n" in text
    assert [path.name for path in tmp_path.iterdir()] == ["digits.json"]
    runs = json.loads((tmp_path / "digits.json").read_text())["runs"]
    assert len(runs) == 6 and all(each["test_accuracy"] > 0.85 for each in runs)


# Of Tests/python, what another library or another OpenBLAS could break.
SMOKE = ["test_library", "test_muon", "test_adamw", "test_low_rank", "test_host_process", "test_log", "test_state"]


def test_the_tests_of_the_package_pass(run, tmp_path):
    """With the installed package in place of this tree's."""
    target = tmp_path / "pytest"
    output([sys.executable, "-m", "pip", "install", "-q", "--target", target, "pytest"])
    run(
        # Of Tests too is the conftest.py, which it looks for in the root alone and below.
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ROOT / "Tests",
        *(ROOT / "Tests" / "python" / f"{name}.py" for name in SMOKE),
        PYTHONPATH=target, PYTHONDONTWRITEBYTECODE=1, LIBMUON_TEST_INSTALLED=1,
    )
