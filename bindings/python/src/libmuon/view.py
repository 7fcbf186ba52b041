"""View: how Muon sees a parameter as matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ctypes import byref, c_int64, sizeof
from dataclasses import dataclass
from typing import Any, Optional

from . import _abi
from ._library import check, lib
from ._options import require_keys, whole
from .errors import InvalidArgumentError


@dataclass(frozen=True)
class View:
    """A parameter seen as a batch of matrices, each of which Muon treats as a parameter of its own.

    axes: a letter for each axis: "o" for outputs, which are rows; "i" for inputs, which are columns; "b" for a
        matrix for each index. Several axes of one letter run as one, the last fastest. At least one "o" and one "i".
    shape: what the array is read as; one extent may be -1: what is left. None: its own shape.
    split: (axis, sizes): an "o" or "i" axis in blocks of these extents, a matrix for each. None: none.

    Nothing is copied or moved, and the momentum has the array's shape. AdamW ignores a view. What does not fit
    raises InvalidArgumentError or ShapeError when an optimizer takes the parameter.

        View("boi")                            # layers or experts in one array, (L, out, in)
        View("oiii")                           # a convolution, (out, in, height, width)
        View("oi", split=(0, [768, 768, 768])) # [Q; K; V]
    """

    axes: str = "oi"
    shape: Optional[Sequence[int]] = None
    split: Optional[tuple[int, Sequence[int]]] = None

    def __post_init__(self) -> None:
        if not isinstance(self.axes, str):
            raise TypeError(f"a view's axes: text is expected, not {type(self.axes).__name__}")
        if "\0" in self.axes:
            raise InvalidArgumentError(f"a view's axes: {self.axes!r} has a NUL character in it")
        if self.shape is not None:
            object.__setattr__(self, "shape", tuple(_numbers("shape", self.shape)))
        if self.split is not None:
            if not isinstance(self.split, tuple) or len(self.split) != 2:
                raise TypeError(f"a view's split: (axis, sizes) is expected, not {self.split!r}")
            axis, sizes = self.split
            sizes = tuple(_numbers("split", sizes))
            if not sizes:
                raise InvalidArgumentError("a view's split has no sizes; at least one is expected")
            object.__setattr__(self, "split", (whole("a view's split axis", axis), sizes))

    def to_dict(self) -> dict[str, Any]:
        """The view in plain values, as configurations and torch's state dicts have it."""
        result: dict[str, Any] = {"axes": self.axes}
        if self.shape is not None:
            result["shape"] = [*self.shape]
        if self.split is not None:
            result["split"] = {"axis": self.split[0], "sizes": [*self.split[1]]}
        return result

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> View:
        """A view from what to_dict() returned. Raises TypeError and InvalidArgumentError for other things."""
        require_keys("a view", values, ("axes",))
        split = values.get("split")
        if split is not None:
            require_keys("a view's split", split, ("axis", "sizes"))
            split = split["axis"], split["sizes"]
        return cls(values["axes"], values.get("shape"), split)

    def struct(self) -> _abi.View:
        """The view as C sees it, which keeps what it points to alive."""
        view = _abi.View()
        check(lib.muon_view_init(byref(view), sizeof(view)))
        view.axes = self.axes.encode("utf-8", "replace")
        if self.shape is not None:
            if not self.shape:
                raise InvalidArgumentError("a view's shape has no extents; at least two are expected")
            view.ndim = len(self.shape)
            view.shape = (c_int64 * len(self.shape))(*self.shape)
        if self.split is not None:
            axis, sizes = self.split
            if not 0 <= axis < 2**31:
                raise InvalidArgumentError(f"a view's split axis must be at least 0, got {axis}")
            view.split_axis = axis
            view.split_sizes = (c_int64 * len(sizes))(*sizes)
            view.split_count = len(sizes)
        return view


def _numbers(name: str, values: Sequence[int]) -> list[int]:
    return [whole(f"a view's {name}", value) for value in values]
