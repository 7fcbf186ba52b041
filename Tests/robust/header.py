"""include/muon.h, taken apart: its functions, structs and enums."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Function(NamedTuple):
    result: str
    name: str
    arguments: list[tuple[str, str]]  # type and name


def code(header: Path) -> str:
    """The header without comments and preprocessor lines."""
    text = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.S)
    return re.sub(r"^#(?:.*\\\n)*.*$", "", text, flags=re.M)


def normal(declaration: str) -> str:
    """A type in one spelling: "const float *"."""
    return re.sub(r"\s*\*\s*", " *", " ".join(declaration.split())).replace("* ", "*").strip()


def functions(header: Path) -> list[Function]:
    found = []
    for result, name, arguments in re.findall(
        r"([\w ]+?[\s*]+)(muon_\w+)\(([^()]*)\)\s*;", code(header)
    ):
        pairs = []
        for argument in [] if arguments.strip() == "void" else arguments.split(","):
            match = re.fullmatch(r"\s*(.*?)(\w+)\s*", argument, flags=re.S)
            assert match, f"{name}: {argument}"
            pairs.append((normal(match[1]), match[2]))
        found.append(Function(normal(result), name, pairs))
    assert len(found) > 50
    return found


def enums(header: Path) -> dict[str, dict[str, int]]:
    return {
        name: {key: int(value) for key, value in re.findall(r"(MUON_\w+) = (-?\d+)", body)}
        for name, body in re.findall(r"typedef enum (\w+) \{(.*?)\}", code(header), flags=re.S)
    }


def structs(header: Path) -> dict[str, list[str]]:
    """The names of the fields of each struct."""
    found = {}
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\}", code(header), flags=re.S):
        fields = []
        for line in filter(None, (line.strip() for line in body.split(";"))):
            # "double a, b, c" and "void *state[2]".
            for part in line.split(","):
                match = re.search(r"(\w+)(?:\[\d+\])?$", part.strip())
                assert match, line
                fields.append(match[1])
        found[name] = fields
    return found
