"""About 1.4 MB of English prose on Python that every installation of CPython carries.

The reference that help() shows (pydoc_data), and the docstrings of the top modules of the standard
library. It is the same text for the same version of Python.
"""

import ast
import sysconfig
from pathlib import Path

import torch

LEAST = 1_000_000  # characters
HELD_OUT = 0.1  # the part at the end that is not trained on


def reference():
    """The topics of help()."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise SystemExit(
            "This Python lacks pydoc_data, of the standard library; install all of Python "
            "(on Debian: libpython3-stdlib)."
        ) from None
    return [topics[name] for name in sorted(topics)]


def docstrings():
    """Those of the modules, classes and functions of the top modules of the standard library."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, documented):
                yield ast.get_docstring(node) or ""


def load_text():
    """The whole text, in printable ASCII and newlines."""
    text = "\n\n".join(filter(None, [*docstrings(), *reference()]))
    text = "".join(c for c in text if c == "\n" or " " <= c <= "~")
    if len(text) < LEAST:
        raise SystemExit(
            f"The standard library of this Python has {len(text):,} characters of documentation; "
            f"at least {LEAST:,} are expected. Is it installed without its .py files?"
        )
    return text


class Characters:
    """The text as numbers, one a character: the first part to train on, the rest held out."""

    def __init__(self, text):
        self.alphabet = sorted(set(text))
        number = {character: index for index, character in enumerate(self.alphabet)}
        tokens = torch.tensor([number[character] for character in text])
        cut = round(len(tokens) * (1 - HELD_OUT))
        self.train, self.held_out = tokens[:cut], tokens[cut:]


def batch(tokens, size, length, generator):
    """size pieces of length + 1 tokens, from random places."""
    starts = torch.randint(len(tokens) - length, (size, 1), generator=generator)
    return tokens[starts + torch.arange(length + 1)]
