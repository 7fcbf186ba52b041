"""What Swift only repeats: the names of enum values, the fields of option structs, and the version."""

from __future__ import annotations

from model import Enum, Field, Header, Struct
from names import OPTION_STRUCTS, class_name

STATUS_NAME = """\
// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon

@c @implementation
public func muon_status_name(_ status: muon_status) -> UnsafePointer<CChar>? {{
  switch status {{
{cases}
  default: unsafe constant("MUON_ERR_UNKNOWN")
  }}
}}
"""

ENUM_NAMES = """\
internal import CMuon

// The names of the values, by which other languages and configurations call them.

{enums}
"""

ENUM = """\
extension {0}: NamedEnum {{
  static let names: [(value: {0}, name: String)] = [
{1}
  ]
}}
"""

OPTION_FIELDS = """\
internal import CMuon
internal import MuonOptimizers

// The fields of option structs, by the names of the options.

{structs}
"""

OPTION_STRUCT = """\
extension {name}: {conformance} {{
  typealias Options = {options}

  mutating func visit(_ visitor: inout some FieldVisitor) throws {{
{fields}
  }}
}}
"""

VERSION = """\
extension BuildInfo {{
  /// Major, minor and patch.
  package static let version = (major: {0}, minor: {1}, patch: {2})
}}
"""


def status_name(header: Header) -> str:
    statuses = header.enums["muon_status"].values
    return STATUS_NAME.format(cases="\n".join(
        f'  case {each.name}: unsafe constant("{each.name}")' for each in statuses))


def enum_names(header: Header) -> str:
    return ENUM_NAMES.format(
        enums="\n".join(enum(each) for each in header.enums.values()).rstrip())


def enum(each: Enum) -> str:
    return ENUM.format(each.name, "\n".join(
        f'    ({value.name}, "{value.label}"),' for value in each.values))


def option_fields(header: Header) -> str:
    return OPTION_FIELDS.format(
        structs="\n".join(option_struct(header.structs[name]) for name in OPTION_STRUCTS).rstrip())


def option_struct(each: Struct) -> str:
    unsafe = any(field.type.pointers for field in each.fields)
    fields = [field for field in each.fields[1:] if not is_count(field, each)]
    return OPTION_STRUCT.format(
        name=each.name, options=class_name(each.name),
        conformance="@unsafe OptionStruct" if unsafe else "OptionStruct",
        fields="\n".join(visit(field, "unsafe " if unsafe else "") for field in fields))


def is_count(field: Field, of: Struct) -> bool:
    """Whether it counts what another field points to."""
    return any(other.type.pointers and field.name == f"{other.name}_count" for other in of.fields)


def visit(field: Field, unsafe: str) -> str:
    count = f", &{field.name}_count" if field.type.pointers else ""
    return f'    try {unsafe}visitor.visit("{field.name}", &{field.name}{count})'


def version(header: Header) -> str:
    return VERSION.format(*header.version.split("."))
