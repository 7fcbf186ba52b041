"""Libraries in one process, in some order: what they compute, and whose functions they call."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from commands import ROOT, output

# The folders of the wheel that have libraries in them, and what its libraries may use besides.
OURS = re.compile(r"/libmuon(\.libs|/lib)/")
SYSTEM = re.compile(r"/(ld-linux-x86-64|lib(c|m|dl|pthread|gcc_s|stdc\+\+))\.so\.\d$")
BINDING = re.compile(r"binding file (\S+) \[\d+\] to (\S+) \[\d+\]: \w+ symbol `(\w+)'")


class Results(NamedTuple):
    digests: dict[str, list[str]]  # by library, two rounds each
    files: list[str]  # shared libraries that were loaded
    ours: set[str]  # functions that the wheel's libraries found in one another
    crossings: list[str]  # those they found elsewhere, and those that others found in them


def results(command: Sequence[object], order: Sequence[str], **environment: object) -> Results:
    """Runs results.py, with command as Python, while the dynamic linker writes what it binds."""
    ours, crossings = set(), []
    with tempfile.TemporaryDirectory() as folder:
        printed = output(
            [*command, ROOT / "Tests" / "wheel" / "results.py", *order],
            LD_DEBUG="bindings",
            LD_DEBUG_OUTPUT=f"{folder}/bindings",
            **environment,
        )
        for path in Path(folder).iterdir():
            with path.open(errors="replace") as lines:
                for line in lines:
                    found = BINDING.search(line)
                    if found is None:
                        continue
                    user, provider, name = found.groups()
                    if OURS.search(user) and OURS.search(provider):
                        ours.add(name)
                    elif OURS.search(provider) or (
                        OURS.search(user) and not SYSTEM.search(provider)
                    ):
                        crossings.append(line)
    return Results(**json.loads(printed.splitlines()[-1]), ours=ours, crossings=crossings)
