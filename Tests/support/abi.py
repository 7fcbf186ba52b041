"""The binary interface of a header as lines of text, and what may change in it.

    python abi.py                  records include/muon.h: Tests/abi/libmuon-MAJOR.abi, and a copy of the
                                   header in Tests/abi/vMAJOR.MINOR, unless that is there; refuses what
                                   breaks programs
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from building import ROOT

sys.path.insert(0, str(ROOT / "bindings" / "generate"))

from header import HEADER, read  # noqa: E402  when this is run by itself

RECORDS = ROOT / "Tests" / "abi"


def compiled(path: Path) -> list[str]:
    """Of each enum its values, of each struct its size, and of each field its offset and size, as the
    compiler has them."""
    header = read(path)
    lines = [
        f'printf("enum {enum.name} {value.name} = %lld\\n", (long long){value.name});'
        for enum in header.enums.values() for value in enum.values]
    for name, struct in header.structs.items():
        lines.append(f'printf("struct {name} of %zu bytes\\n", sizeof({name}));')
        lines += [
            f'printf("field {name} {field.name} at %zu of %zu bytes\\n", '
            f"offsetof({name}, {field.name}), sizeof((({name} *)0)->{field.name}));"
            for field in struct.fields]
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "layout.c"), Path(folder, "layout")
        source.write_text(
            f'#include "{path}"\n#include <stdio.h>\nint main(void) {{\n'
            + "\n".join(lines) + "\n}\n")
        subprocess.run(["cc", source, "-o", program], check=True)
        printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return printed.splitlines()


def describe(path: Path) -> str:
    """The interface as text: one line a function, an enum value, a struct, a field."""
    lines = compiled(path)
    for function in read(path).functions.values():
        arguments = ", ".join(f"{each.type.text} {each.name}" for each in function.arguments)
        lines.append(f"function {function.result.text} {function.name}({arguments})")
    return "\n".join(lines) + "\n"


def differences(recorded: str, now: str) -> list[str]:
    """What breaks programs that were built against the recorded interface. Allowed are: functions, enum
    values and structs that are added, and fields added behind the recorded end of a struct that
    begins with struct_size."""
    before, after = recorded.splitlines(), now.splitlines()
    sizes = {line.split()[1]: int(line.split()[3]) for line in before if line.startswith("struct ")}
    sizes_now = {line.split()[1]: int(line.split()[3]) for line in after if line.startswith("struct ")}
    sized = {line.split()[1] for line in before if " struct_size at 0 " in line}
    wrong = [
        f"gone or changed: {line}" for line in before
        if line not in after and not line.startswith("struct ")]
    for name, size in sizes.items():
        present = sizes_now.get(name)
        if present is None or present < size or (name not in sized and present != size):
            wrong.append(f"struct {name} had {size} bytes and has {present}")
    names = {line.split()[2] for line in before if line.startswith("enum ")}
    values = {(line.split()[1], line.split()[-1]) for line in before if line.startswith("enum ")}
    for line in (line for line in after if line not in before):
        match line.split():
            case ["field", name, _, "at", offset, *_] if int(offset) < sizes.get(name, 0):
                # Also in what was padding: the older program has left anything there.
                wrong.append(f"in the bytes that {name} had: {line}")
            case ["enum", name, key, "=", value] if key not in names and (name, value) in values:
                wrong.append(f"a value that is taken: {line}")
    return wrong


def main() -> None:
    major, minor, _ = read().version.split(".")
    record = RECORDS / f"libmuon-{major}.abi"
    now = describe(HEADER)
    if record.exists() and (wrong := differences(record.read_text(), now)):
        sys.exit("\n".join(["not recorded, for it breaks programs:", *wrong]))
    record.write_text(now)
    copy = RECORDS / f"v{major}.{minor}" / "muon.h"
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(HEADER.read_bytes())
    print(f"recorded in {record} and {copy}", file=sys.stderr)


if __name__ == "__main__":
    main()
