"""The binary interface does not drift: recorded, compared, and used by an older program."""

from __future__ import annotations

import ctypes
import re

import pytest
from abi import RECORDS, compiled, describe, differences
from building import library, program, run
from header import HEADER, read
from names import class_name

RECORD = RECORDS / f"libmuon-{read().version.split('.')[0]}.abi"


def test_nothing_is_gone_or_changed():
    assert differences(RECORD.read_text(), describe(HEADER)) == []


def test_the_record_has_everything():
    """So that what is added is recorded with its first release: `make abi`."""
    assert RECORD.read_text() == describe(HEADER), "something is new: record it with `make abi`"


def test_the_functions_are_exported_and_nothing_else():
    printed = run(["nm", "-D", "--defined-only", library()])
    symbols = [line.split() for line in printed.splitlines()]
    # Type A is the version node itself.
    assert {name.split("@")[0] for *_, kind, name in symbols if kind != "A"} == set(read().functions)


def test_python_has_what_the_compiler_has():
    from libmuon import _abi, _enums

    lines = [
        f"enum {enum.name} {value.name} = {getattr(_enums, class_name(enum.name))[value.label]}"
        for enum in read().enums.values() for value in enum.values]
    for name in read().structs:
        struct = getattr(_abi, class_name(name))
        lines.append(f"struct {name} of {ctypes.sizeof(struct)} bytes")
        for field, *_ in struct._fields_:
            place = getattr(struct, field)
            lines.append(f"field {name} {field} at {place.offset} of {place.size} bytes")
    assert lines == compiled(HEADER)


OLDER = pytest.mark.parametrize(
    "folder", sorted(RECORDS.glob("v*")), ids=lambda folder: folder.name)


@OLDER
def test_an_older_header_is_still_true(folder):
    assert differences(describe(folder / "muon.h"), describe(HEADER)) == []


@OLDER
def test_a_program_built_against_an_older_header_runs(folder, tmp_path):
    client = program("robust/old_client.c", tmp_path / "client", include=folder)
    assert run([client]) == "runs\n"


def test_structs_may_grow(tmp_path):
    assert run([program("robust/structs.c", tmp_path / "structs")]) == "as it should\n"


CHANGES = {
    "a function is gone": (r"muon_status muon_optimizer_zero_grad\(.*?;", "", "zero_grad"),
    "an argument has another type": (r"int32_t count\)", "int64_t count)", "set_num_threads"),
    "a value is another one": (r"MUON_ERR_SHAPE = 3", "MUON_ERR_SHAPE = 12", "MUON_ERR_SHAPE"),
    "a value is taken": (r"MUON_BACKEND_SVD = 2,", "MUON_BACKEND_SVD = 2, MUON_BACKEND_X = 3,",
                         "MUON_BACKEND_X"),
    "a field is gone": (r"double beta1;.*\n", "\n", "muon_adamw_options"),
    "a field comes between": (r"double beta1;", "double x; double beta1;", "muon_adamw_options"),
    "a field in the padding": (r"(int32_t ndim;)(?= +/\* 0 to 8)", r"\1 int32_t x;", "muon_param x"),
    "a struct without struct_size grows": (r"double a, b, c;", "double a, b, c, d;",
                                           "muon_coefficients"),
}
ADDITIONS = {
    "a function": (r"(muon_status muon_optimizer_zero_grad)", r"muon_status muon_x(int32_t y);\n\1"),
    "a value": (r"(MUON_ERR_INTERNAL = 10)", r"\1, MUON_ERR_X = 90"),
    "a field at the end": (r"( m are not decayed \(arXiv 2510.12402\). 0 \*/)", r"\1 double x;"),
}


def changed(tmp_path, pattern: str, replacement: str) -> str:
    text, count = re.subn(pattern, replacement, HEADER.read_text(), count=1, flags=re.S
                          if "zero_grad" in pattern else 0)
    assert count == 1
    header = tmp_path / "muon.h"
    header.write_text(text)
    return describe(header)


@pytest.mark.parametrize("change", CHANGES)
def test_what_breaks_programs_is_noticed(change, tmp_path):
    pattern, replacement, culprit = CHANGES[change]
    found = differences(describe(HEADER), changed(tmp_path, pattern, replacement))
    assert found and any(culprit in line for line in found)


@pytest.mark.parametrize("addition", ADDITIONS)
def test_what_is_added_breaks_nothing(addition, tmp_path):
    assert differences(describe(HEADER), changed(tmp_path, *ADDITIONS[addition])) == []
