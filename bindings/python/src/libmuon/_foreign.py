"""Arrays of other libraries, read where they are: by DLPack, or numpy's __array_interface__."""

from __future__ import annotations

from typing import Any, Protocol, Union

import numpy as np
import numpy.typing as npt

from .errors import InvalidArgumentError, UnsupportedError

# Of DLPack's kinds of memory those that the processor reads, too: its own, and what it shares with CUDA and ROCm.
READABLE = (1, 3, 11, 13)


class HasDLPack(Protocol):
    """An array that DLPack reads: of torch, JAX and others."""

    def __dlpack__(self) -> Any: ...
    def __dlpack_device__(self) -> Any: ...


class HasArrayInterface(Protocol):
    """An array that numpy reads."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


AnyArray = Union[npt.NDArray[Any], HasDLPack, HasArrayInterface]


class Foreign(np.ndarray[Any, np.dtype[Any]]):
    """The memory of an array of another library, which it keeps alive."""

    given: Any


def is_array(value: Any) -> bool:
    """Whether it is an array of any library."""
    return isinstance(value, np.ndarray) or any(
        hasattr(value, each) for each in ("__dlpack__", "__array_interface__", "__cuda_array_interface__")
    )


def as_array(value: Any, label: str) -> npt.NDArray[Any]:
    """The same memory as a numpy array: itself, or a Foreign.

    Raises TypeError for what is no array, UnsupportedError for memory of another device, and
    InvalidArgumentError for an array that its library does not hand out, or numpy does not take.
    """
    if isinstance(value, np.ndarray):
        return value
    array = read(value, label).view(Foreign)
    array.given = value
    return array


def given(array: Any) -> Any:
    """What as_array was given."""
    return array.given if type(array) is Foreign else array


def read(value: Any, label: str) -> npt.NDArray[Any]:
    name = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    try:
        if hasattr(value, "__dlpack__"):
            kind, number = value.__dlpack_device__()
            if kind in READABLE:
                return np.from_dlpack(value)
            device = f"device {number} of {getattr(kind, 'name', f'kind {kind}')}"
            raise UnsupportedError(f"{label}: CPU memory is expected; this {name} is on {device}")
        if hasattr(value, "__array_interface__"):
            array = np.asarray(value)
            if address(array) == address(value):
                return array
            raise BufferError("it does not hand out its memory")
    except UnsupportedError:
        raise
    except Exception as error:  # of whatever kind another library has
        raise InvalidArgumentError(f"{label}: numpy cannot read this {name}: {error}") from error
    if hasattr(value, "__cuda_array_interface__"):
        raise UnsupportedError(f"{label}: CPU memory is expected; this {name} is on a CUDA device")
    raise TypeError(f"{label}: a numpy array is expected, not {type(value).__name__}")


def plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same memory without a subclass, which could say anything of its address and its shape."""
    return array if type(array) is np.ndarray else np.ndarray.view(array, np.ndarray)


def address(array: Any) -> int:
    """Where the first element of a plain array is."""
    return int(array.__array_interface__["data"][0])
