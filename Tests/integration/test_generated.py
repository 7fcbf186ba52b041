"""What is made from muon.h: how the header is read, and that a stale file is named."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from building import ROOT, run
from generate import OUTPUTS
from header import HEADER, HeaderError, parse, read

GENERATE = ROOT / "bindings/generate/generate.py"

UNUSUAL = """
#define MUON_API __attribute__((visibility("default"))) /* with; marks { */
#define MUON_LONG \\
    (1 + \\
     2)
#ifdef __cplusplus
extern "C" {
#endif
/* ---- A part --------- */

/* Not of the enum: a line is between. */

typedef enum muon_a
{ MUON_A_X=-1 /* before the comma; */, MUON_A_LONG_NAME = 0x10 } muon_a;
// What is
// not read: muon_nothing(int x);
typedef
    struct muon_b muon_b;
struct muon_c;
/* Of the struct. In
 * two lines. */
typedef struct muon_c { double p, *q; /* of both */
  /* above it */
  const muon_b*const*list; void *state [ 2 ];
} muon_c;
typedef void(*muon_d)(muon_a a,const char*text);
/* Of the function. */
MUON_API MUON_DEPRECATED("use (other)") const char
  *muon_e_get (const struct muon_c * c, muon_a
               a) ;
/* ---- Another -------- */
muon_a muon_f(void); int32_t muon_g();
/* In the header. */
static inline int32_t muon_h(int32_t x) { if (x) { return 1; } return 0; /* ; */ }
#ifdef __cplusplus
}
#endif
"""


def test_an_unusual_layout_is_read():
    header = parse(UNUSUAL)
    assert header.defines["MUON_LONG"] == "(1 + 2)"
    enum = header.enums["muon_a"]
    assert [(each.name, each.label, each.value) for each in enum.values] == [
        ("MUON_A_X", "x", -1), ("MUON_A_LONG_NAME", "long_name", 16)]
    assert (enum.prefix, enum.comment) == ("MUON_A_", "")
    assert enum.values[0].comment == "before the comma;"
    assert list(header.handles) == ["muon_b"]
    struct = header.structs["muon_c"]
    assert struct.comment == "Of the struct. In\ntwo lines."
    assert [(each.text, each.comment) for each in struct.fields] == [
        ("double p", "of both"), ("double *q", "of both"),
        ("const muon_b *const *list", "above it"), ("void *state[2]", "")]
    assert header.callbacks["muon_d"].text == "typedef void (*muon_d)(muon_a a, const char *text);"
    assert [each.text for each in header.functions.values()] == [
        "const char *muon_e_get(const muon_c *c, muon_a a);", "muon_a muon_f(void);",
        "int32_t muon_g(void);"]
    function = header.functions["muon_e_get"]
    assert (function.comment, function.section) == ("Of the function.", "A part")
    [function] = header.inlines.values()
    assert (function.text, function.comment) == ("int32_t muon_h(int32_t x);", "In the header.")
    function = header.functions["muon_f"]
    assert (function.comment, function.section) == ("", "Another")
    assert [each if isinstance(each, str) else each.name for each in header.sections["A part"]] == [
        "Not of the enum: a line is between.", "muon_a", "What is", "muon_b",
        "muon_c", "muon_d", "muon_e_get"]
    kind = header.functions["muon_e_get"].arguments[0].type
    assert (kind.base, kind.pointers, kind.const) == ("muon_c", 1, True)


@pytest.mark.parametrize("strange", [
    "typedef enum muon_a { MUON_A_X } muon_a;",
    "typedef union muon_a { int x; } muon_a;",
    "typedef struct muon_a { int (*call)(void); } muon_a;",
    "int muon_a(int (*call)(void));",
    "int muon_a(int);",
    "extern int muon_a;",
    "union muon_a;",
    "int muon_a(void)",
])
def test_what_is_not_understood_is_refused(strange):
    with pytest.raises(HeaderError, match="line 2 is not understood"):
        parse(f"\n{strange}\n")


def test_every_name_in_the_header_is_in_the_model():
    """By another reading of it: words, wherever they stand outside comments."""
    code = re.sub(r"/\*.*?\*/|^#.*?(?<!\\)$", " ", HEADER.read_text(), flags=re.DOTALL | re.MULTILINE)
    header = read()
    known = {*header.types, *header.functions, *header.inlines, "MUON_API", "MUON_CHECK", "MUON_TO_SIZE"}
    known |= {each.name for enum in header.enums.values() for each in enum.values}
    assert set(re.findall(r"\b(?i:muon_)\w+", code)) == known and len(header.functions) > 50


# A change of the header, and the files that it makes stale.
CHANGES = {
    "the value of an enum": ("MUON_BACKEND_CANS = 5", "MUON_BACKEND_CANS = 55", ["_enums.py", "reference.md"]),
    "the name of a value": (
        "MUON_BACKEND_CANS = 5", "MUON_BACKEND_CAN = 5",
        ["_enums.py", "_option_table.py", "enums.hpp", "EnumNames.swift", "Names.swift", "reference.md"]),
    "a status": (
        "MUON_ERR_CANCELLED = 14", "MUON_ERR_CANCELLED = 14, MUON_ERR_X = 15",
        ["_enums.py", "enums.hpp", "EnumNames.swift", "Names.swift", "reference.md"]),
    "a field": (
        "double weight_decay; /* finite, >= 0. 0.01 */", "double weight_decay, x; /* 0.01 */",
        ["_abi.py", "_option_table.py", "_signatures.py", "option_types.hpp", "OptionFields.swift",
         "reference.md"]),
    "a function": (
        "int32_t muon_get_num_threads(void);", "int32_t muon_get_num_threads(void); int32_t muon_x(void);",
        ["_abi.py", "exports.map", "reference.md"]),
    "the version": (
        "MUON_VERSION_PATCH 0", "MUON_VERSION_PATCH 7",
        ["Names.swift", "_version.py", "Version.swift"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_stale_file_is_named(change, tmp_path):
    old, new, stale = CHANGES[change]
    for name in ["include/muon.h", *OUTPUTS]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    command = [sys.executable, GENERATE, "--root", tmp_path]
    run([*command, "--check"])
    header = tmp_path / "include/muon.h"
    assert header.read_text().count(old) == 1
    header.write_text(header.read_text().replace(old, new))
    checked = subprocess.run([*command, "--check"], capture_output=True, text=True)
    named = re.findall(r"^(\S+) is not as include/muon\.h has it: run `make generate`$",
                       checked.stderr, re.MULTILINE)
    assert checked.returncode == 1
    assert sorted(name.rsplit("/")[-1] for name in named) == sorted(stale)
    run(command)
    run([*command, "--check"])


def test_the_reference_has_every_name_and_leads_nowhere_else():
    text = (ROOT / "docs/c/reference.md").read_text()
    anchors = re.findall(r'<a id="(\w+)"></a>', text)
    header = read()
    assert sorted(anchors) == sorted({*header.types, *header.functions, *header.inlines})
    headings = {re.sub(r"\W", "-", each.lower()) for each in re.findall(r"^## (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\(#([\w-]+)\)", text)) <= {*anchors, *headings}


def test_the_reference_has_every_word():
    """Of all comments in the header but those of its macros and in a function's body, and of what follows below."""
    words = re.compile(r"[A-Za-z]{3,}")
    text = re.sub(r"^static inline .*?^}", "", HEADER.read_text(), flags=re.DOTALL | re.MULTILINE)
    comments = re.findall(r"/\*(.*?)\*/", text.split("#define MUON_VERSION_NUMBER", 1)[1], re.DOTALL)
    said = [word for comment in comments if "follow below" not in comment for word in words.findall(comment)]
    shown = words.findall((ROOT / "docs/c/reference.md").read_text())
    assert len(said) > 3000
    for word in set(said):
        assert shown.count(word) >= said.count(word), word
