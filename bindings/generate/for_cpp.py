"""C++'s enums: include/muon/enums.hpp."""

from __future__ import annotations

import re
import textwrap

from model import Enum, Function, Header
from names import CPP_KEYWORDS, WIDTH, about, class_name, summary, takes_name

FILE = """\
/// The enums of muon.h as scoped ones. muon.h says what each value means.
#ifndef MUON_ENUMS_HPP
#define MUON_ENUMS_HPP

#include <muon.h>

namespace muon {{

{declarations}

}}  // namespace muon

#endif  // MUON_ENUMS_HPP
"""


def enums(header: Header) -> str:
    declarations = [enum(each) for each in header.enums.values()]
    functions = header.functions.values()
    declarations += [text(each) for each in functions if describes_enum(each, header)]
    back = [from_name(each) for each in functions if takes_name(each, header)]
    declarations += ["namespace detail {", *back, "}  // namespace detail"]
    return FILE.format(declarations="\n\n".join(declarations))


def comment(words: str) -> str:
    return textwrap.fill(words, WIDTH, initial_indent="/// ", subsequent_indent="/// ")


def enum(each: Enum) -> str:
    rows = "".join(
        f"  {CPP_KEYWORDS[value.label]} = {value.name},  // {value.label} is a keyword\n"
        if value.label in CPP_KEYWORDS else f"  {value.label} = {value.name},\n"
        for value in each.values)
    name = class_name(each.name)
    return f"{comment(about(each.name, each.comment))}\nenum class {name} : int {{\n{rows}}};"


def describes_enum(function: Function, header: Header) -> bool:
    """Whether it takes an enum and gives text, such as muon_status_name."""
    types = [each.type.text for each in function.arguments]
    return function.result.text == "const char *" and len(types) == 1 and types[0] in header.enums


def text(function: Function) -> str:
    """name(Status) for muon_status_name."""
    [argument] = function.arguments
    enum_name = argument.type.base
    return (
        f"{comment(summary(function.comment) or f'As {function.name}.')}\n"
        f"inline const char *{re.sub(f'^{enum_name}_', '', function.name)}"
        f"({class_name(enum_name)} {argument.name}) noexcept {{\n"
        f"  return {function.name}(static_cast<{enum_name}>({argument.name}));\n}}")


def from_name(function: Function) -> str:
    """An overload of from_name for each enum."""
    text_argument, out = function.arguments
    scoped = class_name(out.type.base)
    return (
        f"inline muon_status from_name(const char *{text_argument.name}, {scoped} *{out.name}) noexcept {{\n"
        f"  {out.type.base} value{{}};\n"
        f"  const muon_status status = {function.name}({text_argument.name}, &value);\n"
        f"  if (status == MUON_OK) *{out.name} = static_cast<{scoped}>(value);\n"
        f"  return status;\n}}")
