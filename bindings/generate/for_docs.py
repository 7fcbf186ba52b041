"""The reference of the C interface: docs/c/reference.md."""

from __future__ import annotations

import re
from typing import Union

from model import Enum, Function, Handle, Header, Struct

FILE = """\
# muon.h, name by name

The words are those of [muon.h](../../include/muon.h), in the same order. Each name is an anchor: #muon_optimizer_step.
What holds for every function, such as the errors that may come from any, is in the [manual](#manual).

{index}

## Manual

{manual}

{sections}
"""

Entry = Union[Enum, Struct, Handle, Function]
LINE = re.compile(r"^ {2,}\S")


def reference(header: Header) -> str:
    manual = header.sections[""][0]
    assert isinstance(manual, str)
    body = manual.split("MANUAL\n", 1)[1].strip()
    sections = {name: parts for name, parts in header.sections.items() if name}
    page = Page(header)
    return FILE.format(
        index="\n".join(index(name, parts) for name, parts in sections.items()),
        manual=page.prose(unhung(body)),
        sections="\n\n".join(page.section(name, parts) for name, parts in sections.items()),
    )


def index(section: str, parts: list[Union[Entry, str]]) -> str:
    """A row of the index: a section and the names in it."""
    names = [each.name for each in parts if not isinstance(each, str)]
    return f"- [{section}](#{anchor(section)}): " + ", ".join(f"[{name}](#{name})" for name in names)


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return heading.lower().replace(" ", "-")


def unhung(manual: str) -> str:
    """The manual's paragraphs "Word. Text", with the word in bold and without their hanging indent."""
    paragraphs = []
    for paragraph in manual.split("\n\n"):
        first, *rest = paragraph.split("\n")
        if re.match(r"[A-Z][\w ]*?\. ", first) and all(line.startswith("  ") for line in rest):
            word, text = first.split(". ", 1)
            first, rest = f"**{word}.** {text}", [line[2:] for line in rest]
        paragraphs.append("\n".join([first, *rest]))
    return "\n\n".join(paragraphs)


class Page:
    def __init__(self, header: Header) -> None:
        self.header = header
        # What a name in the text leads to: itself, or the enum whose value it is.
        self.homes = {name: name for name in (*header.types, *header.functions, *header.inlines)}
        self.homes |= {value.name: each.name for each in header.enums.values() for value in each.values}
        self.here = ""

    def section(self, name: str, parts: list[Union[Entry, str]]) -> str:
        """Its notes and its entries. What has no words of its own stands with what is above it."""
        out, groups = [f"## {name}"], []
        for part in parts:
            if isinstance(part, Function) and not part.comment and groups and isinstance(groups[-1][-1], Function):
                groups[-1].append(part)
            else:
                groups.append([part])
        for group in groups:
            first = group[0]
            out.append(self.prose(first) if isinstance(first, str) else self.entries(group))
        return "\n\n".join(out)

    def entries(self, group: list[Entry]) -> str:
        first, names = group[0], [each.name for each in group]
        anchors = "".join(f'<a id="{name}"></a>' for name in names)
        parts = [f"### {anchors}{', '.join(names)}", self.prose(first.comment, first.name)]
        if isinstance(first, Enum):
            parts.append(table(["value", "", ""], [
                [f"`{each.name}`", str(each.value), self.inline(" ".join(each.comment.split()))] for each in first.values]))
        elif isinstance(first, Struct):
            parts.append(table(["field", "range, and default at the end"], [
                [f"`{each.text}`", self.inline(" ".join(each.comment.split()))] for each in first.fields]))
        else:
            code = "\n".join(self.declaration(each) for each in group)
            parts.insert(1, f"```c\n{code}\n```")
        return "\n\n".join(filter(None, parts))

    def declaration(self, entry: Entry) -> str:
        """In C; long ones over several lines."""
        if not isinstance(entry, Function):
            return f"typedef struct {entry.name} {entry.name};"
        if len(entry.text) <= 100:
            return entry.text
        head = entry.text.rpartition("(")[0]
        return f"{head}(\n    " + ",\n    ".join(each.text for each in entry.arguments) + ");"

    def prose(self, comment: str, here: str = "") -> str:
        """Markdown of a comment: what it indents, tables and formulas, is kept as it is."""
        self.here = here
        out: list[str] = []
        block: list[str] = []
        for line in [*comment.split("\n"), ""]:
            if LINE.match(line):
                block.append(line)
                continue
            if block:
                least = min(len(each) - len(each.lstrip()) for each in block)
                out += ["", "```text", *(each[least:] for each in block), "```", ""]
                block = []
            out.append(self.inline(line))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()

    def inline(self, text: str) -> str:
        """Text with what Markdown would read something into escaped, and names as links."""
        text = re.sub(r"(?<!\*)\*(?!\*)|<|(?<!\w)_|_(?!\w)", lambda found: "\\" + found[0], text)
        text = re.sub(r"\b(?:muon|MUON)_\w+", lambda found: self.link(found[0]), text)
        return re.sub(r"(?<=Errors: )[^.]*", lambda found: re.sub(
            r"(?<![\w`])[A-Z]{2,}(?:_[A-Z]+)*\b", lambda word: self.error(word[0]), found[0]), text)

    def link(self, name: str) -> str:
        home = self.homes.get(name)
        return f"`{name}`" if home is None or home == self.here else f"[`{name}`](#{home})"

    def error(self, word: str) -> str:
        name = f"MUON_ERR_{word}"
        return f"[{word}](#muon_status)" if name in self.homes else word


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
