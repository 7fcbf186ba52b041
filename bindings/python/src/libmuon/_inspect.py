"""What a checkpoint says of itself. Nothing of it is loaded, and no checksum is looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# Of the format, safetensors: the length of the header, 8 bytes, little-endian; and the most it may be.
LENGTH, MOST = 8, 100_000_000


def table(file: Path) -> str:
    """The optimizers, groups, parameters and schedulers of a checkpoint. Raises ValueError for another file."""
    header = header_of(file)
    said = header.pop("__metadata__", None)
    if not isinstance(said, dict) or said.get("format") != "libmuon.checkpoint":
        raise ValueError(f"{file} is a safetensors file, but no checkpoint of libmuon")
    lines = [f"written by libmuon {said.get('library_version')}, format {said.get('format_version')}"]
    for number in range(int(said["optimizers"])):
        lines += optimizer(f"optimizers.{number}.", said, header)
    for number in range(int(said["schedulers"])):
        start = f"schedulers.{number}."
        lines += ["", f"scheduler {number}: step {said[start + 'step']} of {said[start + 'schedule']}, "
                      f"for optimizers {said[start + 'optimizers']}"]
    return "\n".join(lines)


def header_of(file: Path) -> dict[str, Any]:
    """The JSON of a safetensors file."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(LENGTH), "little")
        text = stream.read(length) if length <= MOST else b""
    try:
        header = json.loads(text)
        if len(text) == length and isinstance(header, dict):
            return header
    except ValueError:
        pass
    raise ValueError(f"{file} is no safetensors file")


def optimizer(start: str, said: dict[str, str], tensors: dict[str, Any]) -> list[str]:
    """One optimizer: a line for each group, and a table of its parameters."""
    number = start.split(".")[1]
    lines = ["", f"optimizer {number}: {said[start + 'kind']}, {said[start + 'skipped_steps']} skipped steps"]
    for group in range(int(said[start + "groups"])):
        own = f"{start}groups.{group}."
        options = {key.removeprefix(own): plain(each) for key, each in said.items() if key.startswith(own)}
        lines.append(f"  group {group}: " + ", ".join(f"{key} {each}" for key, each in options.items()))
    rows = [("parameter", "shape", "group", "steps", "buffers")]
    for key, group_number in said.items():
        name = key.removeprefix(f"{start}group.")
        if name == key:
            continue
        buffers = [tensor.split(".")[2] for tensor in tensors if tensor.split(".", 3)[3:] == [name]
                   and tensor.startswith(start)]
        shape = next((tensors[f"{start}{each}.{name}"]["shape"] for each in buffers), "")
        rows.append((name, str(shape), group_number, said[f"{start}steps.{name}"], ", ".join(buffers)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return lines + ["  " + "  ".join(
        [*(f"{cell:<{width}}" for cell, width in zip(row, widths)), row[-1]]) for row in rows]


def plain(text: str) -> str:
    """Numbers are hexadecimal in the file, to be exact."""
    try:
        return f"{float.fromhex(text):g}" if text.startswith(("0x", "-0x")) else text
    except ValueError:
        return text
