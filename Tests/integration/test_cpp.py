"""muon.hpp: every wrapper, from g++ and, where there is one, clang++; and the example."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap

import pytest
from building import ROOT, STRICT, compile_c, run
from documents import accuracy, readme_blocks
from header import read

INCLUDE = ROOT / "include"
UMBRELLA = INCLUDE / "muon.hpp"
PARTS = sorted((INCLUDE / "muon").glob("*.hpp"))
TESTS = sorted((ROOT / "Tests/integration/cpp").glob("*.cpp"))
EXAMPLE = sorted((ROOT / "bindings/cpp").glob("*.cpp"))
# Headers are compiled with their user's warnings, which are often more than ours.
EXACTING = ["-Wshadow", "-Wconversion", "-Wsign-conversion", "-Wold-style-cast"]


def code(path) -> str:
    """A source without its comments."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(), flags=re.S)


FUNCTIONS = set(read().functions)


@pytest.fixture(scope="session", params=["g++", "clang++"])
def cxx(request, tmp_path_factory) -> str:
    """A C++ compiler that finds its standard library."""
    if request.param == "clang++":
        if not shutil.which("clang++"):
            pytest.skip("there is no clang++ here")
        source = tmp_path_factory.mktemp("clang") / "vector.cpp"
        source.write_text("#include <vector>\n")
        if subprocess.run(["clang++", "-fsyntax-only", source], capture_output=True).returncode:
            pytest.skip("the clang++ here has no standard library")
    return request.param


@pytest.mark.parametrize("standard", ["-std=c++17", "-std=c++20"])
def test_every_wrapper(cxx, standard, tmp_path):
    # One of them optimizes, which finds more to warn of, and takes long.
    optimized = "-O2" if (cxx, standard) == ("g++", "-std=c++17") else "-O0"
    program = compile_c([cxx, standard, optimized, *EXACTING], TESTS, tmp_path / "wrappers")
    assert run([program]) == "passed\n"
    # The tests of the wrappers call no function of muon.h, and so they need those that wrappers do.
    assert FUNCTIONS == set(re.findall(r"\b(muon_\w+)", run(["nm", "--undefined-only", program])))


def test_no_wrapper_misuses_memory(tmp_path):
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-D_GLIBCXX_ASSERTIONS"]
    program = compile_c(["g++", "-std=c++17", "-O0", *checks], TESTS, tmp_path / "wrappers")
    assert run([program]) == "passed\n"


def test_only_the_wrappers_call_the_c_functions():
    assert len(FUNCTIONS) > 50
    for path in TESTS:
        assert not FUNCTIONS & set(re.findall(r"\bmuon_\w+", code(path))), path


@pytest.fixture(scope="module")
def printed_by_c(tmp_path_factory) -> str:
    sources = sorted((ROOT / "bindings/c").glob("*.c"))
    return run([compile_c(["gcc", "-std=c11"], sources, tmp_path_factory.mktemp("c") / "digits")])


@pytest.mark.parametrize("standard", ["-std=c++17", "-std=c++20"])
def test_the_example_trains_as_the_one_in_c(cxx, standard, printed_by_c, tmp_path):
    """It does the same arithmetic in the same order, so that it prints the same numbers."""
    printed = run([compile_c([cxx, standard, *EXACTING], EXAMPLE, tmp_path / "digits")])
    epochs = re.findall("^epoch.*", printed, re.MULTILINE)
    assert len(epochs) == 15 and epochs == re.findall("^epoch.*", printed_by_c, re.MULTILINE)
    assert accuracy(printed) == accuracy(printed_by_c) >= 0.92


def test_readme_and_manual(cxx, tmp_path):
    manual = UMBRELLA.read_text()
    [example] = re.findall(r"^///     #include <muon.hpp>\n(?:///     .*\n)+", manual, re.MULTILINE)
    examples = [*readme_blocks("cpp", "bindings/cpp"),
                textwrap.dedent(re.sub("^///", "", example, flags=re.MULTILINE))]
    assert len(examples) == 2
    for number, text in enumerate(examples):
        source = tmp_path / f"example{number}.cpp"
        source.write_text(text)
        assert run([compile_c([cxx, "-std=c++17"], [source], tmp_path / f"example{number}")])


@pytest.mark.parametrize("header", PARTS, ids=lambda path: path.name)
def test_each_header_stands_alone(header, tmp_path):
    source = tmp_path / "alone.cpp"
    source.write_text(f"#include <muon/{header.name}>\n")
    run(["g++", "-std=c++17", *STRICT, "-fsyntax-only", "-I", INCLUDE, source])
    assert f"#include <muon/{header.name}>" in UMBRELLA.read_text()


def test_swift_sees_the_c_header_alone():
    headers = re.findall(r'header "(.*?)"', (INCLUDE / "module.modulemap").read_text())
    assert headers == ["muon.h"]
