"""What a checkpoint says of itself. Nothing of it is loaded, and no checksum of a tensor is looked at."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

# Of the format, safetensors: the length of the header, 8 bytes, little-endian; and the most it may be.
LENGTH, MOST = 8, 100_000_000
# Before the checksum of length and header, with its own digits as zeros, in one that the library has written.
OPENING, DIGITS = b'{"__metadata__":{"checksum":"', 16


def table(file: Path) -> str:
    """The optimizers, groups, parameters and schedulers of a checkpoint. Raises ValueError for another file."""
    length, text = header_text(file)
    header = parsed(file, text)
    said = header.pop("__metadata__", None)
    if not isinstance(said, dict) or said.get("format") != "libmuon.checkpoint":
        raise ValueError(f"{file} is a safetensors file, but no checkpoint of libmuon")
    lines = [f"written by libmuon {said.get('library_version')}, format {said.get('format_version')}"]
    if not is_as_written(length, text):
        kept = sum(f"checksum.{name}" in said for name in header)
        lines.append("rewritten by another program, or damaged: loads with allow_rewritten=True alone; "
                     f"{kept} of {len(header)} tensors have a checksum")
    for number in range(int(said["optimizers"])):
        lines += optimizer(f"optimizers.{number}.", said, header)
    for number in range(int(said["schedulers"])):
        start = f"schedulers.{number}."
        lines += ["", f"scheduler {number}: step {said[start + 'step']} of {said[start + 'schedule']}, "
                      f"for optimizers {said[start + 'optimizers']}"]
    return "\n".join(lines)


def header_text(file: Path) -> tuple[bytes, bytes]:
    """The length and the header of a safetensors file, as they are in it."""
    with file.open("rb") as stream:
        length = stream.read(LENGTH)
        count = int.from_bytes(length, "little")
        text = stream.read(count) if count <= MOST else b""
    if len(text) != count:
        raise ValueError(f"{file} is no safetensors file")
    return length, text


def parsed(file: Path, text: bytes) -> dict[str, Any]:
    """The JSON of its header."""
    try:
        header = json.loads(text)
        if isinstance(header, dict):
            return header
    except ValueError:
        pass
    raise ValueError(f"{file} is no safetensors file")


def is_as_written(length: bytes, text: bytes) -> bool:
    """Whether length and header have the checksum that the library has given them."""
    start = len(OPENING)
    digits = text[start : start + DIGITS]
    zeroed = length + text[:start] + b"0" * DIGITS + text[start + DIGITS :]
    return text.startswith(OPENING) and digits == b"%016x" % xxh64(zeroed)


def xxh64(data: bytes) -> int:
    """XXH64 with seed 0, as the library has it in Checksum.swift."""
    mask = (1 << 64) - 1
    p1, p2, p3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
    p4, p5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

    def rotated(value: int, count: int) -> int:
        return (value << count | value >> 64 - count) & mask

    def mixed(lane: int, word: int) -> int:
        return rotated((lane + word * p2) & mask, 31) * p1 & mask

    whole, result = len(data) // 32 * 32, p5
    if whole:
        lanes = [(p1 + p2) & mask, p2, 0, -p1 & mask]
        for number, (word,) in enumerate(struct.iter_unpack("<Q", data[:whole])):
            lanes[number % 4] = mixed(lanes[number % 4], word)
        result = sum(map(rotated, lanes, (1, 7, 12, 18))) & mask
        for lane in lanes:
            result = ((result ^ mixed(0, lane)) * p1 + p4) & mask
    result = (result + len(data)) & mask
    rest = data[whole:]
    words = len(rest) // 8 * 8
    for (word,) in struct.iter_unpack("<Q", rest[:words]):
        result = (rotated(result ^ mixed(0, word), 27) * p1 + p4) & mask
    rest = rest[words:]
    if len(rest) >= 4:
        result = (rotated(result ^ int.from_bytes(rest[:4], "little") * p1 & mask, 23) * p2 + p3) & mask
        rest = rest[4:]
    for byte in rest:
        result = rotated(result ^ byte * p5 & mask, 11) * p1 & mask
    result = (result ^ result >> 33) * p2 & mask
    result = (result ^ result >> 29) * p3 & mask
    return result ^ result >> 32


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
