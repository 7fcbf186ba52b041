"""What libmuon should compute, in float64 and from the papers' formulas; nothing here is fast.

The tables are copied from their sources by hand, so that a wrong digit in the library shows.
"""

from __future__ import annotations

import math

import numpy as np

KELLER_JORDAN = (3.4445, -4.7750, 2.0315)
S = 1.01

TABLES = {
    "newtonschulz5": [KELLER_JORDAN] * 5,
    "you": [
        (4.0848, -6.8946, 2.9270),
        (3.9505, -6.3029, 2.6377),
        (3.7418, -5.5913, 2.3037),
        (2.8769, -3.1427, 1.2046),
        (2.8366, -3.0525, 1.2012),
    ],
    "polar_express": [
        (8.156554524902461, -22.48329292557795, 15.878769915207462),
        (4.042929935166739, -2.808917465908714, 0.5000178451051316),
        (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
        (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
        (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
    ],
    # With the margin of libmuon: the published polynomials of x/1.01, but for the last.
    "cans": [
        (8.4703 / S, -25.1081 / (S * S * S), 18.6293 / (S * S * S * S * S)),
        (4.1828 / S, -3.1087 / (S * S * S), 0.5806 / (S * S * S * S * S)),
        (3.9619 / S, -2.9541 / (S * S * S), 0.5630 / (S * S * S * S * S)),
        (3.2866 / S, -2.4647 / (S * S * S), 0.5074 / (S * S * S * S * S)),
        (2.2737, -1.6447, 0.4162),
    ],
    # As mended by its authors after the first version of the paper.
    "turbo": [
        (4.6051, -9.6552, 5.6769),
        (4.7505, -6.0861, 2.1790),
        (2.7763, -2.3190, 0.5523),
        (2.4231, -2.2861, 0.8193),
    ],
    "deepseekv4": [KELLER_JORDAN] * 8 + [(2.0, -1.5, 0.5)] * 2,
    "cubic5": [
        (3.3656576, -3.3420992, 0.0),
        (2.5744352, -1.4957376, 0.0),
        (2.5368962, -1.4312570, 0.0),
        (2.4418906, -1.2764040, 0.0),
        (2.2230472, -0.9630650, 0.0),
    ],
    "orthogonalize": [(3.0, -3.2, 1.2)] * 10,
}


def rows(backend: str, steps: int) -> list[tuple[float, float, float]]:
    """The table of a backend for a number of steps: some begin again, others repeat their last."""
    table = TABLES[backend]
    if backend in ("newtonschulz5", "you"):
        return [table[index % len(table)] for index in range(steps)]
    return [table[min(index, len(table) - 1)] for index in range(steps)]


def polynomial(g: np.ndarray, table, eps: float, aol: bool = False, noise=None) -> np.ndarray:
    """Newton-Schulz on the short side, in float64; with noise as if X were kept in float32."""
    x = np.asarray(g, np.float64)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (np.linalg.norm(x) + eps)
    if aol:  # every row by 1/sqrt of its sum in |X X^T|
        sums = np.abs(x @ x.T).sum(axis=1, keepdims=True)
        x = x / np.sqrt(np.where(sums > 0, sums, 1))
    for a, b, c in table:
        if noise is not None:
            x = x * (1 + noise.choice([-1, 1], x.shape) * 2.0**-24)
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def polar(g: np.ndarray) -> np.ndarray:
    """The exact orthogonal factor."""
    u, _, vt = np.linalg.svd(np.asarray(g, np.float64), full_matrices=False)
    return u @ vt


def orthogonal(g: np.ndarray, backend: str, eps: float, noise=None) -> np.ndarray:
    if backend == "svd":
        return polar(g)
    return polynomial(g, TABLES[backend], eps, backend == "turbo", noise)


def tolerance(g: np.ndarray, backend: str, eps: float = 1e-8) -> float:
    """The relative error to allow: 1e-5, or for steep tables what float32's roundings grow to.

    `cans` has a slope of 1e5 at a singular value of 1, where every 1 x n matrix is, and `cubic5`
    a lesser one. There no evaluation in float32 can meet 1e-5, whoever makes it.
    """
    if backend not in ("cans", "cubic5"):
        return 1e-4 if backend == "svd" else 1e-5
    expected, noise = orthogonal(g, backend, eps), np.random.default_rng(0)
    grown = [error(orthogonal(g, backend, eps, noise), expected) for _ in range(3)]
    return max(1e-5, 12 * max(grown))


def shape_scale(name: str, r: int, c: int) -> float:
    return {
        "none": 1.0,
        "original": math.sqrt(max(1.0, r / c)),
        "match_rms_adamw": 0.2 * math.sqrt(max(r, c)),
        "spectral": math.sqrt(r / c),
    }[name]


def kept(p, direction, decay: float, cautious: bool):
    """What weight decay leaves of p, which goes against the direction."""
    spared = cautious & (np.sign(p) * np.sign(direction) < 0)
    return np.where(spared, 1.0, 1 - decay)


class Muon:
    """One matrix and its momentum."""

    def __init__(self, p, **options):
        self.p = np.asarray(p, np.float64)
        self.momentum_buffer = np.zeros_like(self.p)
        self.second_momentum_buffer = 0.0
        self.radius = np.linalg.norm(self.p)
        self.options = {
            "lr": 0.02,
            "momentum": 0.95,
            "nesterov": True,
            "weight_decay": 0.0,
            "backend": "newtonschulz5",
            "momentum_style": "classic",
            "shape_scale": "none",
            "eps": 1e-7,
            "update_scale": 1.0,
            "cautious_weight_decay": False,
            "second_moment": "none",
            "beta2": 0.95,
            "hyperball": False,
            **options,
        }

    def step(self, g):
        o = self.options
        g, b = np.asarray(g, np.float64), o["momentum"]
        fresh = 1 - b if o["momentum_style"] == "ema" else 1.0
        self.momentum_buffer = b * self.momentum_buffer + fresh * g
        u = fresh * g + b * self.momentum_buffer if o["nesterov"] else self.momentum_buffer
        scale = o["update_scale"] * shape_scale(o["shape_scale"], *self.p.shape)
        update = orthogonal(u, o["backend"], o["eps"])
        update = self.normalized(update)
        self.direction = update
        if o["hyperball"]:
            norm = np.linalg.norm(update)
            moved = self.p - o["lr"] * self.radius * update / (norm if norm else 1.0)
            self.p = self.radius * moved / np.linalg.norm(moved)
            return
        keep = kept(self.p, update, o["lr"] * o["weight_decay"], o["cautious_weight_decay"])
        self.p = self.p * keep - o["lr"] * scale * update


    def normalized(self, o):
        """NorMuon."""
        kind, beta2 = self.options["second_moment"], self.options["beta2"]
        if kind == "none":
            return o
        axis = 1 if kind == "normuon" or o.shape[0] >= o.shape[1] else 0
        q = np.mean(o * o, axis=axis, keepdims=True)
        self.second_momentum_buffer = beta2 * self.second_momentum_buffer + (1 - beta2) * q
        scaled = o / (np.sqrt(self.second_momentum_buffer) + 1e-10)
        norm = np.linalg.norm(scaled)
        return scaled * (np.linalg.norm(o) / norm if norm else 1.0)


class AdamW:
    """One parameter of any shape, its moments and its count of steps."""

    def __init__(
        self, p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, cautious_weight_decay=False
    ):
        self.p = np.asarray(p, np.float64)
        self.exp_avg = np.zeros_like(self.p)
        self.exp_avg_sq = np.zeros_like(self.p)
        self.t = 0
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.cautious = cautious_weight_decay

    def step(self, g):
        g, (b1, b2) = np.asarray(g, np.float64), self.betas
        self.t += 1
        self.exp_avg = b1 * self.exp_avg + (1 - b1) * g
        self.exp_avg_sq = b2 * self.exp_avg_sq + (1 - b2) * g * g
        m = self.exp_avg / (1 - b1**self.t)
        v = self.exp_avg_sq / (1 - b2**self.t)
        self.p = self.p * kept(self.p, m, self.lr * self.weight_decay, self.cautious)
        self.p = self.p - self.lr * m / (np.sqrt(v) + self.eps)


def error(out, expected) -> float:
    """The relative error of a result, in the Frobenius norm."""
    norm = np.linalg.norm(expected)
    return float(np.linalg.norm(np.asarray(out, np.float64) - expected) / (norm if norm else 1.0))
