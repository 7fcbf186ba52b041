"""Routes: where the parameters of a module go, to be printed as a table."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ..view import View


class ModuleRoute(NamedTuple):
    """Where MuonWithAdamW sends a parameter, and why. str() is one readable line."""

    name: str
    shape: tuple[int, ...]
    optimizer: str  # "Muon", "AdamW" or "none"
    reason: str
    # How Muon takes more than 2 dimensions: "flatten" or "batch"; "refuse" where there are 2.
    higher_dims: str = "refuse"
    # Whether it is a matrix, or several, beside embeddings, output layers, norms and biases.
    is_hidden: bool = False
    # How Muon sees it as matrices, whatever higher_dims says.
    view: Optional[View] = None

    def __str__(self) -> str:
        return line(self.cells(), (28, 16, 5))

    def cells(self) -> tuple[str, str, str, str]:
        """The columns of a table."""
        return self.name, str(self.shape), self.optimizer, self.reason


class Routes(list[ModuleRoute]):
    """The routes of all parameters of a module, in its order. str() is a table."""

    def __str__(self) -> str:
        rows = [("parameter", "shape", "to", "why"), *(route.cells() for route in self)]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(line(row, widths) for row in rows)


def is_exempt(route: ModuleRoute) -> bool:
    """Whether it is a vector, a norm or a bias: what is often not decayed."""
    return len(route.shape) < 2 or route.reason.startswith(("part of a ", "a bias", "a vector"))


def line(cells: tuple[str, ...], widths: list[int] | tuple[int, ...]) -> str:
    """Cells in columns; the last one ends the line."""
    padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths)]
    return "  ".join([*padded, cells[-1]])
