"""The shared library is linked and its C compiled as distributions do it, read off the binary."""

from __future__ import annotations

import re

from building import library, run


def read(*options):
    return run(["readelf", "-W", *options, library()])


def segments():
    """The program headers, as (type, flags)."""
    pattern = r"(?m)^  ([A-Z_]+)(?: +0x[0-9a-f]+){5} ([R ][W ][E ])"
    return [(kind, flags.replace(" ", "")) for kind, flags in re.findall(pattern, read("-l"))]


def test_all_symbols_are_bound_at_start_and_their_table_is_read_only_then():
    assert "BIND_NOW" in read("-d") and re.search(r"FLAGS_1.*\bNOW\b", read("-d"))
    assert ("GNU_RELRO", "R") in segments()


def test_nothing_can_be_written_and_run():
    assert ("GNU_STACK", "RW") in segments()
    assert not [each for each in segments() if "W" in each[1] and "E" in each[1]]
    assert "TEXTREL" not in read("-d")


def test_code_has_pages_of_its_own():
    """Each segment begins on a page that the one before it does not reach."""
    rows = re.findall(r"(?m)^  LOAD +0x\w+ +0x(\w+) 0x\w+ 0x(\w+) 0x(\w+) ([R ][W ][E ])", read("-l"))
    offsets = [int(row, 16) for row in re.findall(r"(?m)^  LOAD +0x(\w+)", read("-l"))]
    code = [index for index, row in enumerate(rows) if row[3] == "R E"]
    assert len(code) == 1 and code[0] > 0
    (index,) = code
    before, after = offsets[index - 1] + int(rows[index - 1][1], 16), offsets[index + 1]
    assert before <= offsets[index] and offsets[index] % 4096 == 0
    assert offsets[index] + int(rows[index][1], 16) <= after and after % 4096 == 0


def test_the_c_parts_check_their_stack_and_their_buffers():
    """snprintf is theirs alone; what Swift's runtime has been compiled with is not ours to say."""
    imported = set(re.findall(r"UND (\w+)", read("--dyn-syms")))
    assert "__stack_chk_fail" in imported
    assert "__snprintf_chk" in imported
