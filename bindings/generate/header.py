"""Reads include/muon.h into the one model there is of it.

    header = read()
    header.enums["muon_backend"].values[0].label     "newtonschulz5"
    header.functions["muon_optimizer_step"].text     its declaration, on one line

It takes the C that muon.h is written in, in whatever layout, and refuses what it does not understand.
Words in capitals outside an enum, such as MUON_API, are attributes and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from os.path import commonprefix
from pathlib import Path
from typing import NamedTuple, Optional, Union

from model import Argument, Callback, CType, Enum, Field, Function, Handle, Header, Struct, Type, Value

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "include" / "muon.h"


class HeaderError(ValueError):
    """Something in the header that this model does not understand."""


def read(path: Path = HEADER) -> Header:
    return parse(path.read_text(encoding="utf-8"))


class Token(NamedTuple):
    kind: str
    text: str
    first: int  # line
    last: int


Tokens = list[Token]

TOKEN = re.compile(
    r"""(?P<comment> /\*.*?\*/ | //[^\n]* )
      | (?P<directive> ^[ \t]*\# (?: \\\n | /\*.*?\*/ | [^\n] )* )
      | (?P<text> "(?: \\. | [^"\\] )*" )
      | (?P<word> \w+ )
      | (?P<mark> [^\s\w] )""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)


def tokens(source: str) -> Iterator[Token]:
    """What stands in the header, without the parts that are for C++ only."""
    line, end, hidden = 1, 0, 0
    for match in TOKEN.finditer(source):
        line += source.count("\n", end, match.start())
        last = line + match[0].count("\n")
        kind, text = str(match.lastgroup), match[0].strip()
        if kind == "directive" and (hidden or re.match(r"#\s*if.*\b__cplusplus", text)):
            hidden += {"if": 1, "en": -1}.get(text.lstrip("# \t")[:2], 0)
        elif not hidden:
            yield Token(kind, text, line, last)
        line, end = last, match.end()


def parse(source: str) -> Header:
    header = Header()
    statement: Tokens = []
    comment: Optional[Token] = None
    section, depth = "", 0

    def note(comment: Optional[Token]) -> None:
        """Keeps a comment that is about no declaration."""
        if comment is not None:
            header.sections.setdefault(section, []).append(prose(comment))

    for token in tokens(source):
        if token.kind == "directive":
            if define := re.match(r"#\s*define\s+(\w+)[ \t]+(.+)", token.text, re.DOTALL):
                value = re.sub(r"/\*.*?\*/|\\\n", " ", define[2], flags=re.DOTALL)
                header.defines[define[1]] = " ".join(value.split())
        elif token.kind == "comment" and not statement:
            note(comment)
            if heading := re.match(r"/\* -{2,} (.+?) -{2,}", token.text):
                section, comment = heading[1], None
            else:
                comment = token
        else:
            statement.append(token)
            depth += {"{": 1, "}": -1}.get(token.text, 0)
            if token.text == "}" and depth == 0 and statement[0].text == "static":
                take_in = define_inline
            elif token.text == ";" and depth == 0:
                take_in = declare
            else:
                continue
            if comment and comment.last < statement[0].first - 1:
                note(comment)
                comment = None
            if declared := take_in(header, statement, prose(comment), section):
                header.sections.setdefault(section, []).append(declared)
            statement, comment = [], None
    if statement:
        raise refusal(statement)
    return header


def prose(comment: Optional[Token]) -> str:
    """The text of a comment."""
    if comment is None:
        return ""
    lines = re.sub(r"^/\*+|^//+|\*/$", "", comment.text).split("\n")
    return "\n".join(re.sub(r"^\s*\* ?", "", line).rstrip() for line in lines).strip()


def refusal(statement: Tokens) -> HeaderError:
    text = " ".join(each.text for each in statement)
    return HeaderError(f"line {statement[0].first} is not understood: {text[:100]}")


def declare(
    header: Header, statement: Tokens, comment: str, section: str
) -> Optional[Union[Type, Function]]:
    """Takes in one declaration, with its semicolon, and returns what it declares anew."""
    statement = statement[:-1]
    body: Tokens = []
    texts = [each.text for each in statement]
    if "{" in texts:
        body = statement[texts.index("{") + 1:len(texts) - 1 - texts[::-1].index("}")]
    code = attributes_removed([each for each in statement if each.kind != "comment"])
    words = [each.text for each in code]
    opening = words.index("(") if "(" in words else len(words)
    match words:
        case ["typedef", "enum", name, "{", *_, "}", alias] if name == alias:
            header.types[name] = declared = enum(name, body, comment)
        case ["typedef", "struct", name, "{", *_, "}", alias] if name == alias:
            header.types[name] = declared = Struct(name, fields(body), comment)
        case ["struct", _]:
            return None  # it follows
        case ["typedef", "struct", name, alias] if name == alias:
            header.types[name] = declared = Handle(name, comment)
        case ["typedef", *_, ")"] if words[opening + 1] == "*" and words[opening + 3] == ")":
            result, name = c_type(code[1:opening]), words[opening + 2]
            arguments = argument_list(code[opening + 4:])
            header.types[name] = declared = Callback(result, name, arguments, comment, section)
        case [first, *_, ")"] if first != "typedef" and opening > 1:
            result, name = c_type(code[:opening - 1]), words[opening - 1]
            arguments = argument_list(code[opening:])
            header.functions[name] = declared = Function(result, name, arguments, comment, section)
        case _:
            raise refusal(statement)
    return declared


def define_inline(header: Header, statement: Tokens, comment: str, section: str) -> Function:
    """Takes in a function with its body: static inline void muon_x(int32_t y) { ... }"""
    code = [each for each in statement if each.kind != "comment"]
    texts = [each.text for each in code]
    if texts[:2] != ["static", "inline"] or "(" not in texts:
        raise refusal(statement)
    opening, body = texts.index("("), texts.index("{")
    name = texts[opening - 1]
    arguments = argument_list(code[opening:body])
    declared = Function(c_type(code[2:opening - 1]), name, arguments, comment, section)
    header.inlines[name] = declared
    return declared


def attributes_removed(code: Tokens) -> Tokens:
    """Without words in capitals, and what stands in parentheses behind them: not for enums."""
    if any(each.text == "enum" for each in code[:2]):
        return code
    kept: Tokens = []
    depth, attribute = 0, False
    for token in code:
        if depth or (attribute and token.text == "("):
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            attribute = False
            continue
        attribute = re.fullmatch(r"[A-Z][A-Z0-9_]+", token.text) is not None
        if not attribute:
            kept.append(token)
    return kept


def c_type(code: Tokens) -> CType:
    words = [each.text for each in code if each.text not in ("enum", "struct")]
    stars = words.count("*")
    base = [word for word in words if word not in ("const", "*")]
    if not base or any(each.kind != "word" and each.text != "*" for each in code):
        raise refusal(code)
    const = "const" in words[:words.index("*") if stars else None]
    return CType(" ".join(words).replace("* ", "*"), " ".join(base), stars, const)


def split(code: Tokens, separator: str) -> list[Tokens]:
    parts: list[Tokens] = [[]]
    for token in code:
        if token.text == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def argument_list(code: Tokens) -> list[Argument]:
    """What stands between the parentheses that code begins and ends with."""
    inner = code[1:-1]
    if [each.text for each in inner] in ([], ["void"]):
        return []
    if not all(len(part) > 1 and part[-1].kind == "word" for part in split(inner, ",")):
        raise refusal(code)
    return [Argument(c_type(part[:-1]), part[-1].text) for part in split(inner, ",")]


def entries(body: Tokens, separator: str) -> Iterator[tuple[Tokens, str]]:
    """The parts of a struct or an enum, each with its comment: behind it on its line, or above it."""
    found: list[tuple[Tokens, list[str]]] = []
    above: list[str] = []
    begun, line = False, 0
    for token in body:
        if token.kind == "comment":
            (found[-1][1] if found and token.first == line else above).append(prose(token))
            continue
        line = token.last
        if token.text == separator:
            begun = False
        elif begun:
            found[-1][0].append(token)
        else:
            found.append(([token], above))
            begun, above = True, []
    for part, comments in found:
        yield part, "\n".join(comments)


def number(code: Tokens) -> int:
    try:
        return int("".join(each.text for each in code), 0)
    except ValueError:
        raise refusal(code) from None


def enum(name: str, body: Tokens, comment: str) -> Enum:
    found = []
    for part, text in entries(body, ","):
        if len(part) < 3 or part[1].text != "=":
            raise refusal(part)
        found.append((part[0].text, number(part[2:]), text))
    # MUON_OK has none.
    common = commonprefix([each for each, _, _ in found if each != "MUON_OK"])
    prefix = common[:common.rindex("_") + 1]
    values = [
        Value(each, each.removeprefix(prefix).removeprefix("MUON_").lower(), value, text)
        for each, value, text in found]
    return Enum(name, prefix, values, comment)


def fields(body: Tokens) -> list[Field]:
    found = []
    for part, comment in entries(body, ";"):
        # "double a, *b" is a double and a pointer to one.
        shared: Tokens = []
        for code in split(attributes_removed(part), ","):
            count = None
            if code[-1].text == "]":
                count, code = number(code[-2:-1]), code[:-3]
            if code[-1].kind != "word":
                raise refusal(part)
            kind = shared + code[:-1]
            shared = shared or list(takewhile(lambda each: each.text != "*", kind))
            found.append(Field(c_type(kind), code[-1].text, count, comment))
    return found
