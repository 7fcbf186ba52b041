#!/usr/bin/env python3
"""How far Muon's update is from the exact polynomial. Prints a Markdown table.

Needs numpy alone. With --momenta it also takes the matrices of a file, as momenta.py makes it.

Each update is compared with the float64 evaluation of the same polynomial on the same matrix, as the
norm of the difference over the norm of the exact one; of each cell the worst of three shapes. "stored in
bfloat16" is the same iteration with X, A and B rounded to bfloat16 after every product, as
torch.optim.Muon stores them.
"""

import argparse

import numpy as np

import libmuon

SHAPES = [(256, 256), (256, 768), (1024, 256)]
BACKENDS = ["newtonschulz5", "you", "polar_express", "cans", "cubic5"]
EPS = 1e-7


def gaussian(rng, m, n):
    return rng.standard_normal((m, n))


def with_spectrum(values):
    def make(rng, m, n):
        left = np.linalg.qr(rng.standard_normal((m, m)))[0]
        right = np.linalg.qr(rng.standard_normal((n, m)))[0]
        return (left * values(m)) @ right.T

    return make


def low_rank(rng, m, n):
    signal = rng.standard_normal((m, 8)) @ rng.standard_normal((8, n)) / np.sqrt(8)
    return signal + 0.01 * rng.standard_normal((m, n))


def rank_one(rng, m, n):
    return rng.standard_normal((m, 1)) @ rng.standard_normal((1, n))


SPECTRA = {
    "Gaussian": gaussian,
    "power law": with_spectrum(lambda m: 1 / np.arange(1, m + 1)),
    "logspace -4": with_spectrum(lambda m: np.logspace(0, -4, m)),
    "rank 8 + 1 % noise": low_rank,
    "log-normal rows, columns": lambda rng, m, n: (
        rng.standard_normal((m, n)) * rng.lognormal(0, 1.5, (m, 1)) * rng.lognormal(0, 1.5, n)
    ),
    "Student's t, 1.5": lambda rng, m, n: rng.standard_t(1.5, (m, n)),
    "rank 1": rank_one,
    "one row": lambda rng, m, n: np.eye(m, 1) @ rng.standard_normal((1, n)),
    "one column": lambda rng, m, n: rng.standard_normal((m, 1)) @ np.eye(1, n),
}
PRECISIONS = [  # and methods
    ("f32", "auto"),
    ("bf16", "standard"),
    ("int16", "standard"),
    ("int8", "standard"),
    ("auto", "auto"),
]


def bfloat16(x):
    """Rounds float32 to bfloat16, to nearest even."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


def polynomial(grad, rows, dtype, stored):
    """The iteration on a wide matrix, with everything stored as `stored` makes it."""
    x = stored((grad.astype(np.float64) / (np.linalg.norm(grad) + EPS)).astype(dtype))
    for a, b, c in rows:
        gram = stored(x @ x.T)
        x = stored(a * x + stored(b * gram + c * gram @ gram) @ x)
    return x


def update(grad, backend, precision, method):
    """What a step takes from a parameter, by libmuon."""
    weight = np.zeros(grad.shape, np.float32)
    optimizer = libmuon.Muon(
        [weight],
        lr=1.0,
        momentum=0.0,
        eps=EPS,
        backend=backend,
        precision=precision,
        method=method,
    )
    optimizer.step([grad])
    return -weight


def matrices(make, rng):
    """One of each of SHAPES with a spectrum, which is made wide."""
    for m, n in SHAPES:
        wide = make(rng, min(m, n), max(m, n)).astype(np.float32)
        yield wide if m <= n else np.ascontiguousarray(wide.T)


def errors(backend, grads):
    """The worst errors of libmuon's PRECISIONS, nan for what it has not, and of an iteration stored in
    bfloat16."""
    rows, worst = libmuon.backend_coefficients(backend), np.zeros(len(PRECISIONS) + 1)
    for grad in grads:
        m, n = grad.shape
        wide = grad if m <= n else grad.T
        exact = polynomial(wide, rows, np.float64, lambda x: x)
        ours = []
        for precision, method in PRECISIONS:
            try:
                ours.append(update(grad, backend, precision, method))
            except libmuon.UnsupportedError:
                ours.append(np.full(grad.shape, np.nan))
        results = [each if m <= n else each.T for each in ours]
        results.append(polynomial(wide, rows, np.float32, bfloat16))
        norms = [np.linalg.norm(each - exact) / np.linalg.norm(exact) for each in results]
        worst = np.maximum(worst, norms)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--momenta", help="a file of matrices, by momenta.py")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    cases = {name: lambda make=make: matrices(make, rng) for name, make in SPECTRA.items()}
    if options.momenta:
        momenta = list(np.load(options.momenta).values())
        cases["real momenta"] = lambda: momenta
    print(f"{libmuon.build_info()}\nrelative errors, the worst of {SHAPES}\n")
    print("| backend | spectrum | `f32` | `bf16`, standard | `int16`, standard | `int8` | `auto` | stored in bfloat16 |")
    print("|---|---|---|---|---|---|---|---|")
    for backend in BACKENDS:
        for name, grads in cases.items():
            cells = " | ".join(f"{error:.0e}" for error in errors(backend, grads()))
            print(f"| `{backend}` | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
