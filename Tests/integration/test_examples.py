"""The examples train, and the code in the README, in docs/ and in muon.h's manual runs."""

from __future__ import annotations

import re
import sys
import textwrap

import pytest
from building import ROOT, compile_c, run
from documents import accuracy, code_blocks

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
C_SOURCES = [ROOT / "bindings/c/digits.c", ROOT / "bindings/c/mlp.c"]


@pytest.mark.parametrize("compiler", [["gcc", "-std=c11"], ["g++", "-std=c++17"]], ids=" ".join)
def test_c_example_trains(compiler, tmp_path):
    sources = C_SOURCES if compiler[0] == "gcc" else ["-x", "c++", *C_SOURCES, "-x", "none"]
    digits = compile_c(compiler, sources, tmp_path / "digits")
    assert accuracy(run([digits, ROOT / "bindings/data/digits.bin"])) >= 0.92


def test_swift_example_trains():
    # Beside the library, whose objects it shares.
    run(["swift", "build", "-c", "release", "--product", "digits-swift",
         "--scratch-path", ".build/dist", "-Xswiftc", "-static-stdlib"])
    assert accuracy(run([".build/dist/release/digits-swift"])) >= 0.92


def test_python_demo_runs(tmp_path):
    picture = tmp_path / "digits.png"
    output = run(
        [sys.executable, "bindings/python/examples/digits.py", "--quick", "--out", picture])
    assert str(picture) in output
    assert picture.read_bytes().startswith(b"\x89PNG")


def blocks_of_documents(language):
    return [block for document in DOCUMENTS for block in code_blocks(document, language)]


def test_python_of_the_documents(tmp_path):
    # Those with jax run in Tests/jax.
    blocks = [block for block in blocks_of_documents("python") if "jax" not in block]
    assert len(blocks) == 11
    for block in blocks:
        (tmp_path / "example.py").write_text(block)
        run([sys.executable, tmp_path / "example.py"], cwd=tmp_path)


@pytest.mark.parametrize("compiler", [["gcc", "-std=c11"], ["g++", "-std=c++17"]], ids=" ".join)
def test_c_of_the_documents_and_the_manual(compiler, tmp_path):
    manual = (ROOT / "include/muon.h").read_text().split("*/")[0]
    [example] = re.findall(r"^ \*     #include <muon.h>\n(?: \*     .*\n)+", manual, re.MULTILINE)
    examples = [*blocks_of_documents("c"), textwrap.dedent(re.sub(r"^ \*", "", example, flags=re.M))]
    assert len(examples) == 7
    for number, text in enumerate(examples):
        language = "c" if compiler[0] == "gcc" else "c++"
        source = tmp_path / f"example{number}.c"
        source.write_text(text)
        program = compile_c(
            compiler, ["-x", language, source, "-x", "none"], tmp_path / f"example{number}")
        run([program], cwd=tmp_path)
