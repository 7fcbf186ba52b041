"""Exceptions, one for each muon_status. Each is also the builtin exception of its kind."""

from __future__ import annotations

from typing import ClassVar

from ._enums import Status

__all__ = [
    "CancelledError",
    "ConfigError",
    "CorruptError",
    "DTypeError",
    "ExchangeError",
    "FileError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidHandleError",
    "MismatchError",
    "MuonError",
    "NonFiniteGradientError",
    "NotConvergedError",
    "OutOfMemoryError",
    "ShapeError",
    "UnsupportedError",
]


class MuonError(Exception):
    """Any failure that libmuon reports. What failed has changed nothing."""

    status: ClassVar[Status] = Status.internal


class InvalidArgumentError(MuonError, ValueError):
    """A value outside its range, or one that contradicts another."""

    status = Status.invalid_argument


class InvalidHandleError(MuonError, ValueError):
    """An optimizer or scheduler that the library does not know (any more)."""

    status = Status.invalid_handle


class ShapeError(MuonError, ValueError):
    """A shape or a number of elements that does not fit."""

    status = Status.shape


class DTypeError(MuonError, TypeError):
    """An array that is not float32."""

    status = Status.dtype


class ConfigError(MuonError, ValueError):
    """A configuration that cannot be used; the text has the path, such as training.optimizer."""

    status = Status.config


class OutOfMemoryError(MuonError, MemoryError):
    """There was not enough memory."""

    status = Status.out_of_memory


class NonFiniteGradientError(MuonError, FloatingPointError):
    """NaN or infinity in a gradient, or in the state it would leave, while nonfinite is "error"."""

    status = Status.nonfinite_gradient


class UnsupportedError(MuonError, NotImplementedError):
    """Meaningful, but not in this version."""

    status = Status.unsupported


class NotConvergedError(MuonError, ArithmeticError):
    """The singular value decomposition did not converge."""

    status = Status.not_converged


class InternalError(MuonError, RuntimeError):
    """A defect in the library: please report it."""

    status = Status.internal


class FileError(MuonError, OSError):
    """A file could not be read or written; the text says why."""

    status = Status.io


class CorruptError(MuonError, ValueError):
    """A checkpoint that is damaged, or none at all."""

    status = Status.corrupt


class MismatchError(MuonError, ValueError):
    """A checkpoint of another training run; the text has the first thing that differs."""

    status = Status.mismatch


class CancelledError(MuonError, RuntimeError):
    """A progress callback asked to stop."""

    status = Status.cancelled


class ExchangeError(MuonError, ConnectionError):
    """The ranks that train together differ, or one of them is lost."""

    status = Status.exchange


BY_STATUS: dict[int, type[MuonError]] = {
    error.status: error for error in MuonError.__subclasses__()
}
