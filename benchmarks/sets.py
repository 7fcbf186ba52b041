"""The sets of parameters that are measured, what a step costs, and about how long it takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ParameterSet:
    """The matrices of one step."""

    title: str
    shapes: tuple
    torch_seconds: float  # a step of torch.optim.Muon on one core with AVX512-BF16, for estimates
    optax_seconds: float  # the same for jitted optax; 0: not known

    @property
    def elements(self):
        return sum(rows * columns for rows, columns in self.shapes)

    @property
    def operations(self):
        return sum(map(full_operations, self.shapes))

    @property
    def probe(self):
        """The index of the smallest matrix: its result is compared with the float64 one."""
        sizes = [rows * columns for rows, columns in self.shapes]
        return sizes.index(min(sizes))


def full_operations(shape, steps=5):
    """Floating-point operations of a quintic iteration in which every product is computed whole.

    Per step 2 m^2 n for X X^T and as many for B X, and 2 m^3 for A^2, on the short side m.
    """
    m, n = sorted(shape)
    return steps * (4 * m * m * n + 2 * m * m * m)


def square_operations(n, steps=5):
    """What a square matrix needs: one triangle of each symmetric product.

    Per step n^3 for X X^T, as many for A^2, and 2 n^3 for B X; the Gram iteration needs as many.
    """
    return steps * 4 * n**3


# From the cheapest to the dearest: what a contender takes on one set foretells the next.
SETS = {
    "small": ParameterSet("64 × 64×64", ((64, 64),) * 64, 0.021, 0.012),
    "thin": ParameterSet("4096×256, 256×4096", ((4096, 256), (256, 4096)), 0.035, 0.14),
    "square": ParameterSet("2 × 1024×1024", ((1024, 1024),) * 2, 0.17, 0.43),
    "gpt2": ParameterSet(
        "GPT-2 small layer", ((2304, 768), (768, 768), (3072, 768), (768, 3072)), 0.35, 1.06
    ),
    "llama": ParameterSet(
        "Llama-1B layer",
        ((2048, 2048),) * 2 + ((512, 2048),) * 2 + ((8192, 2048),) * 2 + ((2048, 8192),),
        9.0,
        0,
    ),
}

# Contenders beside torch.optim.Muon: their time over torch's, for estimates only.
TIME_OVER_TORCH = {
    **{"torch": 1.0, "keller": 1.2, "libmuon": 0.4, "libmuon-f32": 0.65},
    **{"libmuon-bf16": 0.6, "libmuon-int16": 0.45, "libmuon-int8": 0.4},
}


def expected_step(name, contender, threads):
    """About how many seconds a step takes on a core like the one of NUMERICS."""
    chosen = SETS[name]
    one = (
        chosen.optax_seconds
        if contender == "optax"
        else (chosen.torch_seconds * TIME_OVER_TORCH[contender])
    )
    return one * (1 if threads == 1 else 0.6)
