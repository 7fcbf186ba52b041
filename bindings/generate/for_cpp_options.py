"""C++'s options, include/muon/option_types.hpp: the structs of muon.h with functions for their fields."""

from __future__ import annotations

import re

from for_cpp import comment
from model import Enum, Field, Header, Struct
from names import OPTION_STRUCTS, class_name

FILE = """\
/// The option structs of muon.h, with functions for their fields. muon.h says more.
#ifndef MUON_OPTION_TYPES_HPP
#define MUON_OPTION_TYPES_HPP

#include <muon/defaults.hpp>
#include <muon/enums.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace muon {{

/// One step's polynomial a x + b x^3 + c x^5.
using Coefficients = muon_coefficients;

{structs}

}}  // namespace muon

#endif  // MUON_OPTION_TYPES_HPP
"""

STRUCT = """\
{about}
struct {name} : {c} {{
  /// The defaults.
  {name}()
      : {c}(
            detail::defaults<{c}, {c}_init>()) {{}}

{functions}
{extra}}};"""

# Where a struct points to rows, it keeps them itself.
ROWS = """
  /// For functions of muon.h, with the rows of set_{name}. It points into this object.
  {c} to_c() const {{
    {c} c = *this;
    if (!rows_.empty()) c.{name} = rows_.data(), c.{name}_count = rows_.size();
    return c;
  }}

 private:
  std::vector<Coefficients> rows_;
"""
PLAIN = """
  /// For functions of muon.h.
  {c} to_c() const {{ return *this; }}
"""


def option_types(header: Header) -> str:
    return FILE.format(
        structs="\n\n".join(struct(header.structs[name], header) for name in OPTION_STRUCTS))


def struct(each: Struct, header: Header) -> str:
    fields = each.fields[1:]
    rows = [field.name for field in fields if field.type.base == "muon_coefficients"]
    functions = [
        setter(field, class_name(each.name), header) for field in fields
        if field.name not in [f"{name}_count" for name in rows]]
    return STRUCT.format(
        about=comment(f"{each.name}; a value out of range is an Error when the options are used."),
        name=class_name(each.name), c=each.name, functions="\n".join(functions),
        extra=ROWS.format(c=each.name, name=rows[0]) if rows else PLAIN.format(c=each.name))


def setter(field: Field, owner: str, header: Header) -> str:
    text = " ".join(field.comment.split())
    head = f"{comment('' if not text else text[0].upper() + text[1:]).replace('///', '  ///')}\n"
    if field.type.base == "muon_coefficients":
        return (
            f"{head}  {owner} &set_{field.name}(std::vector<Coefficients> rows) {{\n"
            f"    rows_ = std::move(rows);\n    return *this;\n  }}\n"
            f"  const std::vector<Coefficients> &get_{field.name}() const noexcept {{ return rows_; }}")
    if isinstance(header.types.get(field.type.base), Enum):
        kind, value = class_name(field.type.base), f"static_cast<{field.type.base}>(value)"
    elif re.match("0 or 1", text):
        kind, value = "bool", "value ? 1 : 0"
    else:
        kind, value = field.type.base.replace("int32_t", "std::int32_t"), "value"
    functions = (
        f"{head}  {owner} &set_{field.name}({kind} value) {{\n    {field.name} = {value};\n"
        f"    return *this;\n  }}")
    if isinstance(header.types.get(field.type.base), Enum):
        functions += (
            f"\n  {kind} get_{field.name}() const noexcept {{\n"
            f"    return static_cast<{kind}>({field.name});\n  }}")
    return functions
