"""What Swift only repeats: the names of enum values, the fields of option structs, and the version."""

from __future__ import annotations

from model import Enum, Field, Function, Header, Struct
from names import OPTION_STRUCTS, class_name, takes_name

NAMES = """\
// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon

@c @implementation
public func muon_version_string() -> UnsafePointer<CChar>? {{ unsafe constant("{version}") }}

{functions}
"""

NAME = """\
@c @implementation
public func {function}(
  _ {argument}: {enum}
) -> UnsafePointer<CChar>? {{
  switch {argument} {{
{cases}
  default: unsafe constant("{unknown}")
  }}
}}
"""

FROM_NAME = """\
@c @implementation
public func {function}(
  _ {text}: UnsafePointer<CChar>?, _ {out}: UnsafeMutablePointer<{enum}>?
) -> muon_status {{
  unsafe guarded({out}, "{out}") {{ unsafe try {enum}(fromName: {text}) }}
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


def names(header: Header) -> str:
    functions = [
        *(name(each, header) for each in header.functions.values() if gives_name(each, header)),
        *(from_name(each, header) for each in header.functions.values() if takes_name(each, header))]
    return NAMES.format(version=header.version, functions="\n".join(functions).rstrip())


def gives_name(function: Function, header: Header) -> bool:
    """Whether it gives the name of an enum's value: muon_backend_name(muon_backend backend)."""
    types = [each.type.text for each in function.arguments]
    return len(types) == 1 and types[0] in header.enums and function.name == f"{types[0]}_name"


def name(function: Function, header: Header) -> str:
    [argument] = function.arguments
    values = header.enums[argument.type.base].values
    # A status is called as in C: its short name says too little in a log.
    is_status = argument.type.base == "muon_status"
    return NAME.format(
        function=function.name, argument=argument.name, enum=argument.type.base,
        unknown="MUON_ERR_UNKNOWN" if is_status else "unknown",
        cases="\n".join(
            f'  case {each.name}: unsafe constant("{each.name if is_status else each.label}")'
            for each in values))


def from_name(function: Function, header: Header) -> str:
    text, out = function.arguments
    return FROM_NAME.format(
        function=function.name, text=text.name, out=out.name, enum=out.type.base)


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
