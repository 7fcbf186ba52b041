"""Writes the part of fuzz.c that follows include/muon.h: one random call of each function.

    python make_fuzzer.py OUT.inc

Each argument gets a generator by its type and name. A function with an argument that has none is an
error: it says what to add to ARGUMENTS or PAIRS, and to fuzz.c.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from header import Function, read

HANDLES = {"muon_optimizer": "OPTIMIZER", "muon_schedule": "SCHEDULE",
           "muon_scheduler": "SCHEDULER"}

ENUMS = read().enums

# A pointer and the count behind it: (type, name of the count) -> function of fuzz.c that makes both.
PAIRS = [
    (r"const (float|void) \*", r"count|\w+_count", "floats_in"),
    (r"float \*", r"count|\w+_count", "floats_out"),
    (r"const void \*", r"count", "floats_in"),
    (r"void \*", r"count", "floats_bound"),
    (r"const muon_param \*", r"count", "params"),
    (r"muon_optimizer \*const \*", r"count", "optimizer_list"),
    (r"muon_optimizer \*const \*", r"optimizer_count", "optimizer_list"),
    (r"const muon_schedule \*const \*", r"count", "schedule_list"),
    (r"muon_scheduler \*const \*", r"scheduler_count", "scheduler_list"),
    (r"const void \*", r"size", "checkpoint_in"),
    (r"void \*", r"capacity", "bytes_out"),
    (r"const int64_t \*", r"count|\w+_count", "whole_numbers"),
    (r"(const )?\w+ \*\*?", r"capacity", "list_out"),
    (r"muon_\w+ \*", r"struct_size", "struct_out"),
]

# An argument alone: (type, name) -> expression.
ARGUMENTS = [
    (r"int32_t", r".*", "int32()"),
    (r"int64_t", r"rows|cols", "extent(&{hint})"),
    (r"int64_t", r"batch", "below(4) == 0 ? int64() : 1"),
    (r"int64_t", r"group|param", "index_of()"),
    (r"int64_t", r".*", "int64()"),
    (r"double", r".*", "number()"),
    (r"const char \*", r"config", "config()"),
    (r"const char \*", r"path", "path()"),
    (r"const char \*", r"buffer", "buffer_name()"),
    (r"const char \*", r"name", "name()"),
    (r"const char \*", r"option", "name()"),
    (r"muon_log_callback", r"callback", "log_callback()"),
    (r"void \*", r"context", "NULL"),
    (r"const muon_checkpoint_options \*", r".*", "checkpoint_options()"),
    (r"muon_param_statistics \*", r"out\w*", "options_out(sizeof(muon_param_statistics))"),
    (r"const muon_param \*", r"param", "one_param()"),
    (r"const muon_exchange \*", r".*", "exchange()"),
    (r"const muon_orthogonalize_options \*", r".*", "orthogonalize_options()"),
    (r"const muon_muon_options \*", r".*", "muon_options()"),
    (r"const muon_adamw_options \*", r".*", "adamw_options()"),
    (r"muon_muon_options \*", r"out\w*", "options_out(sizeof(muon_muon_options))"),
    (r"muon_adamw_options \*", r"out\w*", "options_out(sizeof(muon_adamw_options))"),
    (r"\w+ \*\*?", r"out\w*", "result_out()"),
]


def call(function: Function, number: int) -> str:
    lines: list[str] = []
    arguments = [(each.type.text, each.name) for each in function.arguments]
    skip = False
    for index, (kind, name) in enumerate(arguments):
        variable = f"a{index}"
        if skip:
            skip = False
            continue
        follower = arguments[index + 1] if index + 1 < len(arguments) else ("", "")
        pair = next(
            (maker for kinds_, count, maker in PAIRS
             if re.fullmatch(kinds_, kind) and follower[0] == "size_t"
             and re.fullmatch(count, follower[1])), None)
        base = re.sub(r"const |\W", "", kind)
        if pair:
            lines.append(f"size_t a{index + 1};")
            lines.append(f"{kind} {variable} = ({kind}){pair}(&a{index + 1});")
            skip = True
            if pair == "struct_out":
                lines.append(f"a{index + 1} = struct_size(sizeof({base}));")
        elif base in HANDLES and kind.count("*") == 1:
            lines.append(f"{kind} {variable} = ({kind})handle({HANDLES[base]});")
        elif kind in ENUMS:
            lines.append(f"{kind} {variable} = ({kind})enumerator();")
        else:
            maker = next(
                (text for kinds_, names, text in ARGUMENTS
                 if re.fullmatch(kinds_, kind) and re.fullmatch(names, name)), None)
            if maker is None:
                sys.exit(
                    f"{function.name}: no generator for the argument `{kind} {name}`; add one to "
                    f"Tests/robust/make_fuzzer.py and fuzz.c")
            lines.append(f"{kind} {variable} = ({kind}){maker.format(hint='hint')};")
    made = [f"a{i}" for i in range(len(arguments))]
    expression = f"{function.name}({', '.join(made)})"
    # Handles that came out are used by later calls.
    produced = next((HANDLES[re.sub(r"\W", "", kind)] for kind, name in arguments
                     if kind.endswith("**") and re.sub(r"\W", "", kind) in HANDLES), None)
    match function.result.text:
        case "muon_status":
            lines.append(f'judge("{function.name}", {expression});')
        case "const char *":
            lines.append(f'if (!{expression}) fail("{function.name}", "NULL");')
        case _:
            lines.append(f"(void){expression};")
    if produced:
        lines.append(f"keep({produced});")
    body = "\n    ".join(lines)
    return f"  case {number}: {{\n    {body}\n    break;\n  }}"


def main() -> None:
    all_of_them = read().functions.values()
    text = [f"enum {{ FUNCTIONS = {len(all_of_them)} }};",
            "static void random_call(int which) {", "  switch (which) {"]
    text += [call(function, number) for number, function in enumerate(all_of_them)]
    text += ["  }", "}", ""]
    Path(sys.argv[1]).write_text("\n".join(text))


if __name__ == "__main__":
    main()
