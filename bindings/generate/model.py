"""What include/muon.h declares, as data: types, functions and defines, with their comments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional, TypeVar, Union


@dataclass(frozen=True)
class CType:
    text: str  # in one spelling: "const float *"
    base: str  # "float"
    pointers: int = 0
    const: bool = False  # whether what it points to, or it itself, is const


@dataclass(frozen=True)
class Argument:
    type: CType
    name: str

    @property
    def text(self) -> str:
        return f"{self.type.text} {self.name}".replace("* ", "*")


@dataclass(frozen=True)
class Field(Argument):
    count: Optional[int] = None  # of an array
    comment: str = ""

    @property
    def text(self) -> str:
        return super().text + ("" if self.count is None else f"[{self.count}]")


@dataclass(frozen=True)
class Struct:
    name: str
    fields: list[Field]
    comment: str = ""


@dataclass(frozen=True)
class Value:
    name: str  # "MUON_BACKEND_SVD"
    label: str  # "svd": what other languages call it
    value: int
    comment: str = ""


@dataclass(frozen=True)
class Enum:
    name: str
    prefix: str  # "MUON_BACKEND_"
    values: list[Value]
    comment: str = ""


@dataclass(frozen=True)
class Handle:
    name: str
    comment: str = ""


@dataclass(frozen=True)
class Function:
    result: CType
    name: str
    arguments: list[Argument]
    comment: str = ""
    section: str = ""  # the heading above it

    @property
    def text(self) -> str:
        arguments = ", ".join(each.text for each in self.arguments)
        return f"{self.result.text} {self.name}".replace("* ", "*") + f"({arguments or 'void'});"


@dataclass(frozen=True)
class Callback(Function):
    """The type of a pointer to a function."""

    @property
    def text(self) -> str:
        arguments = ", ".join(each.text for each in self.arguments)
        return f"typedef {self.result.text} (*{self.name})({arguments or 'void'});"


Type = Union[Enum, Struct, Callback, Handle]
T = TypeVar("T", Enum, Struct, Callback, Handle)


@dataclass
class Header:
    types: dict[str, Type] = field(default_factory=dict)  # in the header's order
    functions: dict[str, Function] = field(default_factory=dict)  # that the library has
    inlines: dict[str, Function] = field(default_factory=dict)  # that the header itself has
    defines: dict[str, str] = field(default_factory=dict)
    # What stands under each heading, in order: declarations, and comments that are about none.
    sections: dict[str, list[Union[Type, Function, str]]] = field(default_factory=dict)

    def _of(self, kind: type[T]) -> dict[str, T]:
        return {name: each for name, each in self.types.items() if isinstance(each, kind)}

    @property
    def enums(self) -> dict[str, Enum]:
        return self._of(Enum)

    @property
    def structs(self) -> dict[str, Struct]:
        return self._of(Struct)

    @property
    def callbacks(self) -> dict[str, Callback]:
        return self._of(Callback)

    @property
    def handles(self) -> dict[str, Handle]:
        return self._of(Handle)

    @property
    def version(self) -> str:
        return ".".join(self.defines[f"MUON_VERSION_{part}"] for part in ("MAJOR", "MINOR", "PATCH"))
