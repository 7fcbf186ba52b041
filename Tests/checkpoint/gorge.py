"""gorge.py FOLDER KIND MEGABYTES: loads a file that asks for much memory, and prints how many bytes less than
its size and 64 MiB it took. LIBMUON's own header checksum is right."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path

from training_run import OPENING, Run, sealed

import libmuon

folder, kind, megabytes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
function = ctypes.CDLL(str(folder / "xxh64.so")).xxh64
function.restype, function.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]

size = megabytes * 1_000_000
start = OPENING + b"0" * 16 + b'"'
tensor = b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'


def many(item, length):
    return b"".join(b"," + item % n for n in range((size - 100) // length))


bodies = {
    "fields": lambda: many(b'"%d":""', 12) + b"}}",
    "tensors": lambda: b"}" + many(tensor, 62) + b"}",
    "text": lambda: b',"format":"' + b"x" * (size - 200) + b'"}}',
    "spaces": lambda: b"}}" + b" " * (size - 200),
    "marks": lambda: b',"' + "\u0301\u0316".encode() * (size // 4 - 100) + b'":"","a":""}}',
    "names": lambda: b"}" + b"".join(
        b',"' + b"n" * 900_000 + b"%d" % n + b'":' + tensor[5:] for n in range(size // 1_000_000)
    ) + b"}",
    "escapes": lambda: b',"a":"' + b"\\u0001" * (size // 6 - 100) + b'"}}',
    "brackets": lambda: b"}" + b',"a":{"dtype":"F32","shape":[' + b"[" * (size - 300),
    "digits": lambda: b'},"a":{"dtype":"F32","shape":[' + b"1," * (size // 2 - 300),
    "sparse": lambda: b'},"a":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (2**40, 2**40),
}
path = folder / "hostile"
with path.open("wb") as file:
    file.write(sealed(start + bodies[kind](), b"", lambda data: function(data, len(data))))
if kind == "sparse":
    os.truncate(path, path.stat().st_size + 2**40)
run = Run()
before = run.state()
gc.collect()


def high_water() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


Path("/proc/self/clear_refs").write_text("5")
resident = high_water()
try:
    run.load(path)
except libmuon.MuonError as error:
    assert len(str(error)) > 20
    print(error, file=sys.stderr)
else:
    raise AssertionError("accepted")
took = high_water() - resident
assert run.state() == before
bound = (0 if kind == "sparse" else path.stat().st_size) + 64 * 2**20
assert took <= bound, f"{kind}: {took} bytes for a file of {path.stat().st_size}"
print(bound - took)
