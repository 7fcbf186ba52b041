"""What muon.h has in itself, in each language and for each compiler that reads it."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from building import ROOT, compile_c, run
from header import HEADER, read

COMPILERS = [
    ("gcc", "c", "c11"), ("gcc", "c", "c2x"), ("g++", "c++", "c++17"), ("g++", "c++", "c++11"),
    ("clang", "c", "c11"), ("clang", "c", "c2x"), ("clang", "c++", "c++17"),
]
EXACTING = ["-Wshadow", "-Wconversion", "-Wsign-conversion"]


@pytest.fixture(params=COMPILERS, ids=" ".join)
def compiler(request) -> list[str]:
    name, language, standard = request.param
    if not shutil.which(name):
        pytest.skip(f"there is no {name} here")
    return [name, "-x", language, f"-std={standard}"]


def warnings(compiler: list[str], code: str, *options: str) -> str:
    done = subprocess.run(
        [*compiler, "-Wall", "-Wextra", "-Wpedantic", *options, "-I", ROOT / "include", "-O1", "-c",
         "-o", "/dev/null", "-"],
        input="#include <muon.h>\n" + code, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_status_that_is_not_looked_at(compiler):
    ignored = "void f(muon_optimizer *o) { muon_optimizer_step(o); }\n"
    assert "muon_optimizer_step" in warnings(compiler, ignored)
    assert warnings(compiler, ignored, "-DMUON_CHECK=") == ""
    assert warnings(compiler, "void f(muon_optimizer *o) { muon_optimizer_destroy(o); }\n") == ""


def test_it_stands_on_every_function():
    """Each has MUON_API, and MUON_CHECK where it returns a status and does not destroy."""
    code = re.sub(r"/\*.*?\*/", " ", HEADER.read_text(), flags=re.DOTALL)
    for name, function in read().functions.items():
        [words] = re.findall(rf"^([\w* ]+?)\b{name}\(", code, re.MULTILINE)
        checked = function.result.text == "muon_status" and not name.endswith("_destroy")
        assert words.split()[:-1 if checked else 1] == ["MUON_CHECK"] * checked + ["MUON_API"], name


def test_it_can_be_linked_to_where_all_is_hidden(tmp_path):
    """A program that hides what it does not name still finds the functions."""
    source = ROOT / "Tests/integration/header.c"
    program = compile_c(
        ["gcc", "-std=c11", "-fvisibility=hidden", *EXACTING], [source], tmp_path / "program")
    assert run([program]) == "right\n"


@pytest.mark.parametrize("command", [["gcc", "-std=c2x"], ["g++", "-x", "c++", "-std=c++17"]], ids=" ".join)
def test_parameters_are_filled_in(command, tmp_path):
    cast = ["-Wold-style-cast"] if "c++" in command else []
    source = tmp_path / "header.c"
    shutil.copyfile(ROOT / "Tests/integration/header.c", source)
    # The library is no C++ source.
    objects = tmp_path / "header.o"
    run([*command, "-Wall", "-Wextra", "-Wpedantic", "-Werror", *EXACTING, *cast, "-I", ROOT / "include",
         "-c", source, "-o", objects])
    assert run([compile_c(["gcc"], [objects], tmp_path / "program")]) == "right\n"
