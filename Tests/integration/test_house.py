"""Which part of the sources may know which: the arrows of docs/ARCHITECTURE.md."""
import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "Sources"
OPTIMIZERS = SOURCES / "MuonOptimizers"


def swift_files(folder):
    files = sorted(folder.rglob("*.swift"))
    assert files
    return files


def imports(file):
    return set(re.findall(r"^(?:@\S+ )*(?:internal |package |public )?import (\w+)", file.read_text(), re.MULTILINE))


def test_the_system_is_known_in_platform_alone():
    """Another system differs there, and in the C beside it, alone."""
    system = {"Glibc", "Darwin", "Musl", "Foundation", "CMuonShims"}
    knowing = [file.relative_to(OPTIMIZERS) for file in swift_files(OPTIMIZERS) if imports(file) & system]
    assert knowing
    assert [file for file in knowing if file.parts[0] != "Platform"] == []


def test_no_swift_names_an_instruction_set():
    """The table of kernels does: Sources/CMuonKernels/products/table.c. (OpenBLAS's cores are the system's.)"""
    names = re.compile(r"(?<![a-z])(avx|sse|amx|vnni|neon)", re.IGNORECASE)
    for file in swift_files(SOURCES):
        if file.parent.name == "Platform":
            continue
        code = re.sub(r"//.*", "", file.read_text())
        assert not names.search(code), file


@pytest.mark.parametrize("folder", ["Orthogonalization", "Optimizers"])
def test_mathematics_is_safe(folder):
    """Memory is reached by types that check their edges: Runtime/Elements.swift, Products/Matrix.swift."""
    unsafe = [line for file in swift_files(OPTIMIZERS / folder) for line in file.read_text().splitlines()
              if re.search(r"\bunsafe\b", line)]
    assert len(unsafe) <= 5, unsafe


def types_of(folder):
    found = set()
    for file in swift_files(OPTIMIZERS / folder):
        found |= set(re.findall(r"^(?:@\w+ |public |package |final |indirect )*(?:struct|class|enum|protocol) (\w+)",
                                file.read_text(), re.MULTILINE))
    return found


@pytest.mark.parametrize("folder, below", [
    ("Platform", ["Products", "Orthogonalization", "Optimizers", "Schedulers", "Builders", "Checkpoint"]),
    ("Products", ["Orthogonalization", "Optimizers", "Schedulers", "Builders", "Checkpoint"]),
    ("Orthogonalization", ["Optimizers", "Schedulers", "Builders", "Checkpoint"]),
    ("Optimizers", ["Schedulers", "Builders", "Checkpoint"]),
    ("Schedulers", ["Builders", "Checkpoint"]),
    ("Builders", ["Checkpoint"]),
])
def test_arrows_point_one_way(folder, below):
    for other in below:
        names = types_of(other)
        for file in swift_files(OPTIMIZERS / folder):
            code = re.sub(r"//.*|\"(?:\\.|[^\"\\])*\"", "", file.read_text())
            assert sorted(names & set(re.findall(r"\b[A-Z]\w+", code))) == [], f"{file.name} knows {other}"
