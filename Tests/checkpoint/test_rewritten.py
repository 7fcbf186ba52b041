"""Checkpoints that another program of safetensors has rewritten: loaded with allow_rewritten alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import safetensors.numpy
from safetensors import safe_open
from training_run import Run, split

import libmuon

# Names with all that writers of JSON spell in different ways.
NAMES = {"names": ("größe \U0001d56b\ue000", 'a "quoted" \\ name/', "tab\tline\nreturn\rbell\x07 \x7f")}


@pytest.fixture(scope="module")
def run():
    run = Run(**NAMES)
    for number in range(5):
        run.step(number)
    return run


def by_the_package(saved: bytes, folder, change=lambda metadata: None) -> bytes:
    """Loaded and saved by the safetensors package, with the metadata."""
    path = folder / "package.safetensors"
    path.write_bytes(saved)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    change(metadata)
    safetensors.numpy.save_file(safetensors.numpy.load_file(path), path, metadata)
    return path.read_bytes()


def by_json(saved: bytes, change=lambda header: None, **spelling) -> bytes:
    """The same tensors under a header by Python's json."""
    text, tensors = split(saved)
    header = json.loads(text)
    header = change(header) or header
    written = json.dumps(header, **spelling).encode()
    return len(written).to_bytes(8, "little") + written + tensors


def metadata_last(header):
    """Everything in another order: the metadata, the tensors, and what is said of each."""
    last = header.pop("__metadata__")
    tensors = {name: dict(reversed(each.items())) for name, each in reversed(header.items())}
    return {**tensors, "__metadata__": dict(reversed(last.items()))}


WRITERS = {
    "the package": by_the_package,
    "json": lambda saved, _: by_json(saved),
    "json, indented": lambda saved, _: by_json(saved, indent=3),
    "json, in UTF-8": lambda saved, _: by_json(saved, ensure_ascii=False),
    "json, in another order": lambda saved, _: by_json(saved, metadata_last),
    "json, sorted": lambda saved, _: by_json(saved, sort_keys=True),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_rewritten_checkpoint_goes_on_to_the_bit(run, writer, tmp_path):
    saved = run.dumps()
    changed = WRITERS[writer](saved, tmp_path)
    assert changed != saved
    other = Run(seed=9, **NAMES)
    before = other.state()
    with pytest.raises(libmuon.CorruptError, match="allow_rewritten"):
        other.loads(changed)
    assert other.state() == before != run.state()
    other.loads(changed, allow_rewritten=True)
    assert other.state() == run.state()
    assert other.dumps() == saved
    path = tmp_path / "run.safetensors"
    path.write_bytes(changed)
    third = Run(seed=8, **NAMES)
    third.load(path, allow_rewritten=True)
    assert third.dumps() == saved


def test_one_that_was_not_rewritten_loads_as_ever(run):
    other = Run(seed=9, **NAMES)
    other.loads(run.dumps(), allow_rewritten=True)
    assert other.state() == run.state()


def test_checksums_of_tensors_count_where_they_are_there(run, tmp_path):
    def without_checksums(metadata):
        for key in [key for key in metadata if key.startswith("checksum")]:
            del metadata[key]
        metadata["added by"] = "another program"

    def damaged(data):
        return data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]

    other = Run(seed=9, **NAMES)
    with pytest.raises(libmuon.CorruptError, match="the tensor .* is damaged"):
        other.loads(damaged(by_the_package(run.dumps(), tmp_path)), allow_rewritten=True)
    bare = by_the_package(run.dumps(), tmp_path, without_checksums)
    other.loads(bare, allow_rewritten=True)
    assert other.state() == run.state()
    other.loads(damaged(bare), allow_rewritten=True)
    assert other.state() != run.state()


BAD = {
    "no metadata": lambda header: header.pop("__metadata__") and None,
    "other metadata": lambda header: header["__metadata__"].update(format="pt"),
    "a number in the metadata": lambda header: header["__metadata__"].update(seed=1),
    "a hole": lambda header: first(header).update(data_offsets=[4, first(header)["data_offsets"][1]]),
    "a negative extent": lambda header: first(header).update(shape=[-5, -7]),
    "a fraction": lambda header: first(header).update(shape=[5.0, 7]),
    "an extent too many": lambda header: first(header).update(shape=[1] * 9),
    "another dtype": lambda header: first(header).update(dtype="F12"),
    "no dtype": lambda header: first(header).pop("dtype") and None,
    "one offset": lambda header: first(header).update(data_offsets=[0]),
    "another key": lambda header: first(header).update(strides=[1, 2]),
    "a list": lambda header: [header],
    "nothing": lambda header: {"__metadata__": {}, " " * 100: first(header)},
}


def first(header):
    return next(each for name, each in header.items() if name != "__metadata__")


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_checkpoint_is_refused(run, bad):
    changed = by_json(run.dumps(), BAD[bad])
    before = run.state()
    with pytest.raises(libmuon.CorruptError) as error:
        run.loads(changed, allow_rewritten=True)
    assert len(str(error.value)) > 20 and run.state() == before


@pytest.mark.parametrize("old, new", [
    (b"}", b"}}"), (b'{"__metadata__"', b'{,"__metadata__"'), (b'"format"', b'"format",'),
    (b'"format"', b'"\\ud800"'), (b'"format"', b'"\\udc00"'), (b'"format"', b'"\\ud800\\u0041"'),
    (b'"format"', b'"\\q"'), (b'"format"', b'"\\u00g0"'), (b'"format"', b'"\n"'), (b'"format"', b'"\xff"'),
    (b'"format":', b'"format":"libmuon.checkpoint","format":'), (b'"dtype":"F32"', b'"dtype":"F32","dtype":"F32"'),
    (b'"shape":[', b'"shape":[01,'), (b'"shape":[', b'"shape":[99999999999999999999,'),
])
def test_what_is_no_json_is_refused(run, old, new):
    text, tensors = split(run.dumps())
    text = b" " + (text[::-1].replace(old[::-1], new[::-1], 1)[::-1] if old == b"}" else text.replace(old, new, 1))
    with pytest.raises(libmuon.CorruptError):
        run.loads(len(text).to_bytes(8, "little") + text + tensors, allow_rewritten=True)


def inspected(path):
    command = [sys.executable, "-m", "libmuon", "inspect", path]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def words(lines):
    return sorted(word.strip(",") for line in lines for word in line.split())


def test_inspect_says_so(run, tmp_path):
    path = tmp_path / "run.safetensors"
    run.save(path)
    as_written = inspected(path)
    assert not any("rewritten" in line for line in as_written)
    path.write_bytes(by_the_package(run.dumps(), tmp_path))
    rewritten = inspected(path)
    assert rewritten[1] == ("rewritten by another program, or damaged: loads with allow_rewritten=True alone; "
                            "12 of 12 tensors have a checksum")
    del rewritten[1]  # the rest, but for its order, is the same
    assert words(rewritten) == words(as_written)
