"""Python's enums, ctypes tables and version: _enums.py, _abi.py and _version.py of the package."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from model import Argument, Callback, CType, Enum, Field, Function, Handle, Header, Struct
from names import WIDTH, about, class_name

# How ctypes reads the types of muon.h.
SCALARS = {
    "int32_t": "c_int32",
    "int64_t": "c_int64",
    "uint32_t": "c_uint32",
    "uint64_t": "c_uint64",
    "size_t": "c_size_t",
    "double": "c_double",
}
POINTERS = {
    "char": "c_char_p",  # text that ends at a NUL
    # Memory, mostly numpy's: its address, as a plain integer.
    "void": "c_void_p",
    "float": "c_void_p",
}
# An enum is c_int. A pointer to a handle is a class of its own; any other is POINTER of what it points to,
# whether that is one value, a list, or room for a result.


def ctype(kind: CType, header: Header) -> str:
    """The ctypes expression for a C type."""
    name, pointers = kind.base, kind.pointers
    if name in POINTERS and pointers:
        result, pointers = POINTERS[name], pointers - 1
    elif name == "void":
        return "None"
    elif name in SCALARS:
        result = SCALARS[name]
    else:
        declared = header.types[name]
        result = class_name(name)
        if isinstance(declared, Handle):
            result, pointers = result + "Handle", pointers - 1
        elif isinstance(declared, Enum):
            result = "c_int"
    return "POINTER(" * pointers + result + ")" * pointers


VERSION = '''\
"""The version of the package, and of the libmuon.so it needs: the same major and minor number."""

__version__ = "{0}"
'''


def version(header: Header) -> str:
    return VERSION.format(header.version)


ENUMS = '''\
"""The enums of muon.h. A member's name is the string a user passes: backend="newtonschulz5"."""

from __future__ import annotations

from enum import IntEnum
'''


def enums(header: Header) -> str:
    classes = [
        f"class {class_name(each.name)}(IntEnum):\n{docstring(each)}\n\n"
        + "\n".join(f"    {value.label} = {value.value}" for value in each.values) + "\n"
        for each in header.enums.values()]
    return "\n\n".join([ENUMS, *classes])


ABI = '''\
"""muon.h for ctypes: its structs and callbacks, then every function, in the header's order.

Enums are c_int. Memory (void *, float *) is its address, passed as a plain integer.
"""

from __future__ import annotations

from ctypes import (
{imports}
)
from typing import Any


# Handles are distinct types, so that ctypes refuses one where another is expected.
{body}'''
PROTOTYPES = "# (name, result, arguments)\nPROTOTYPES: list[tuple[str, Any, list[Any]]] = [\n"


def abi(header: Header) -> str:
    handles = [
        f'class {class_name(each.name)}Handle(c_void_p):\n    """{each.name} *"""\n'
        for each in header.handles.values()]
    others = [struct(each, header) if isinstance(each, Struct) else callback(each, header)
              for each in header.types.values() if isinstance(each, (Struct, Callback))]
    table, section = "", ""
    for function in header.functions.values():
        if function.section != section:
            section = function.section
            table += f"    # ---- {section}\n"
        table += prototype(function, header)
    body = "\n\n".join([*handles, *others, PROTOTYPES + table + "]\n"])
    used = set(re.findall(r"\b(?:CFUNCTYPE|POINTER|Structure|c_[a-z0-9_]+)\b", body))
    return ABI.format(imports="\n".join(f"    {name}," for name in sorted(used)), body=body)


def struct(each: Struct, header: Header) -> str:
    entries = "".join(f"        {entry(field, header)}\n" for field in each.fields)
    return (f'class {class_name(each.name)}(Structure):\n    """{each.name}"""\n\n'
            f"    _fields_ = [\n{entries}    ]\n")


def entry(field: Field, header: Header) -> str:
    array = "" if field.count is None else f" * {field.count}"
    return f'("{field.name}", {ctype(field.type, header)}{array}),  # {field.text}'


def callback(each: Callback, header: Header) -> str:
    types = [ctype(each.result, header), *types_of(each.arguments, header)]
    return f"{declaration(each, '')}{class_name(each.name)} = CFUNCTYPE({', '.join(types)})\n"


def prototype(function: Function, header: Header) -> str:
    head = [f'"{function.name}"', ctype(function.result, header)]
    arguments = types_of(function.arguments, header)
    in_rows = listed([*head, listed(arguments, "[", "]", 8)], "(", ")", 4)
    return f"{declaration(function, ' ' * 4)}    {in_rows},\n"


def listed(parts: Sequence[str], opening: str, closing: str, indent: int) -> str:
    """Parts in one row if there is room for it beside a comma, else in a row each."""
    row = f"{opening}{', '.join(parts)}{closing}"
    if "\n" not in row and indent + len(row) + 1 <= WIDTH:
        return row
    rows = "".join(f"{' ' * (indent + 4)}{part},\n" for part in parts)
    return f"{opening}\n{rows}{' ' * indent}{closing}"


def types_of(arguments: Sequence[Argument], header: Header) -> list[str]:
    return [ctype(each.type, header) for each in arguments]


def docstring(each: Enum) -> str:
    return textwrap.fill(
        f'"""{about(each.name, each.comment)}"""', WIDTH, initial_indent=" " * 4,
        subsequent_indent=" " * 4)


def declaration(function: Function, indent: str) -> str:
    """A comment of it as C has it; what goes on in another line stands behind the parenthesis."""
    # An argument stays in one line.
    unbroken = re.sub("(?<!,) ", "\0", function.text)
    lines = textwrap.wrap(
        unbroken, WIDTH - len(indent) - 2,
        subsequent_indent=" " * (function.text.rindex("(") + 1), break_on_hyphens=False)
    return "".join(f"{indent}# {line}\n" for line in lines).replace("\0", " ")
