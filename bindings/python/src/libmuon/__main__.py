"""python -m libmuon: what runs here and how fast. python -m libmuon inspect FILE: what a checkpoint holds."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import _inspect, _measure
from ._library import path
from .runtime import build_info, get_num_threads


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m libmuon", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    inspect = commands.add_parser("inspect", help="what a checkpoint holds, as a table")
    inspect.add_argument("file", type=Path, help="a file of libmuon.checkpoint.save")
    arguments = parser.parse_args()
    try:
        if arguments.command == "inspect":
            print(_inspect.table(arguments.file))
        else:
            print(path, *build_info().split("; "), f"{get_num_threads()} threads", "", sep="\n")
            for line in _measure.lines():
                print(line, flush=True)
    except (OSError, ValueError) as error:
        print(f"libmuon: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
