"""Makes what only mirrors include/muon.h; see OUTPUTS.

    python3 generate.py              writes the files that are not as the header has it
    python3 generate.py --check      names them, and fails, if there are any
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import for_cpp
import for_cpp_options
import for_docs
import for_python
import for_python_options
import for_swift
from header import ROOT, read
from model import Header

EXPORTS = """\
/* The functions of include/muon.h, one by one: a wildcard would let private symbols out. */
MUON_{version} {{
  global:
{functions}
  local: *;
}};
"""


def exports(header: Header) -> str:
    version = header.version.rpartition(".")[0]
    functions = "\n".join(f"    {name};" for name in sorted(header.functions))
    return EXPORTS.format(version=version, functions=functions)


PACKAGE = "bindings/python/src/libmuon"
OUTPUTS: dict[str, Callable[[Header], str]] = {
    "Sources/MuonC/exports.map": exports,
    "Sources/MuonC/EnumNames.swift": for_swift.enum_names,
    "Sources/MuonC/OptionFields.swift": for_swift.option_fields,
    "Sources/MuonC/Names.swift": for_swift.names,
    "Sources/MuonOptimizers/Runtime/Version.swift": for_swift.version,
    "docs/c/reference.md": for_docs.reference,
    "include/muon/enums.hpp": for_cpp.enums,
    "include/muon/option_types.hpp": for_cpp_options.option_types,
    f"{PACKAGE}/_abi.py": for_python.abi,
    f"{PACKAGE}/_enums.py": for_python.enums,
    f"{PACKAGE}/_option_table.py": for_python_options.option_table,
    f"{PACKAGE}/_signatures.py": for_python_options.signatures,
    f"{PACKAGE}/_version.py": for_python.version,
}
# How a line of comment looks, by the ending of a file.
COMMENTS = {".map": "/* {} */", ".swift": "// {}", ".hpp": "// {}", ".py": "# {}",
            ".md": "<!-- {} -->"}
MADE = "Made from include/muon.h by bindings/generate. Do not edit: run `make generate`."


def contents(root: Path) -> dict[Path, str]:
    """The files under a folder like the repository, as its header wants them."""
    header = read(root / "include" / "muon.h")
    return {
        root / name: COMMENTS[Path(name).suffix].format(MADE) + "\n" + output(header)
        for name, output in OUTPUTS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail if any is stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    arguments = parser.parse_args()
    stale = {
        path: text for path, text in contents(arguments.root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text}
    for path, text in stale.items():
        name = path.relative_to(arguments.root)
        if arguments.check:
            print(f"{name} is not as include/muon.h has it: run `make generate`", file=sys.stderr)
        else:
            print(f"Writing {name}")
            path.write_text(text, encoding="utf-8")
    if arguments.check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
