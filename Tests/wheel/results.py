"""Loads libraries in the order of its arguments, and prints what each computes, as digests.

Arguments: numpy, torch, libmuon, or libmuon.so, which is the library alone; all that can be used in
the end is used, libmuon between the others. Also prints the OpenBLAS and other files it has loaded.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def load(name: str) -> None:
    if name != "libmuon.so":
        importlib.import_module(name)
        return
    # The package would load numpy too.
    package = importlib.util.find_spec("libmuon").submodule_search_locations[0]
    ctypes.CDLL(f"{package}/lib/libmuon.so.0")
    assert "numpy" not in sys.modules


def digest(*arrays: Any) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


def inputs() -> list[Any]:
    import numpy as np

    rng = np.random.default_rng(3)
    return [rng.standard_normal((200, 120), dtype=np.float32) for _ in range(2)]


def of_libmuon() -> str:
    """The exact polar factor, which LAPACK computes; steps with it and with our own products."""
    import libmuon

    weight, grad = inputs()
    polar = libmuon.orthogonalize(grad, backend="svd")
    for backend in "svd", "newtonschulz5":
        libmuon.Muon([weight], backend=backend).step([grad])
    return digest(polar, weight)


def of_numpy() -> str:
    import numpy as np

    a, b = inputs()
    return digest(a @ b.T, *np.linalg.svd(a.astype(np.float64)))


def of_torch() -> str:
    import torch

    a, b = map(torch.from_numpy, inputs())
    parts = (a @ b.T, *torch.linalg.svd(a.double()))
    return digest(*(part.numpy() for part in parts))


COMPUTE = {"numpy": of_numpy, "torch": of_torch, "libmuon": of_libmuon}

for name in sys.argv[1:]:
    load(name)
digests: dict[str, list[str]] = {}
for _ in range(2):
    for name, compute in COMPUTE.items():
        if name in sys.modules:
            digests.setdefault(name, []).append(compute())
files = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
print(json.dumps({"digests": digests, "files": sorted(f for f in files if ".so" in f)}))
