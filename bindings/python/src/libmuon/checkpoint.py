"""Saving a training run in one file, and going on from it as if it had never stopped: to the bit.

    libmuon.checkpoint.save("run.safetensors", optimizers, schedulers)
    libmuon.checkpoint.load("run.safetensors", optimizers, schedulers)

A checkpoint holds the parameters, their state and steps, the options and rates of the groups, and the
steps of the schedulers. It is a safetensors file: the tensor "optimizers.0.momentum.w" is the momentum
of the parameter "w" in the first optimizer. Every byte of it is under a checksum.

Loading needs a run like the one that was saved, made by the same code: optimizers and schedulers are
found by their order, parameters by their names, which differ within an optimizer. Schedulers are
compared, not loaded: only the step they are at is. All is checked before anything is changed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from ctypes import byref, c_size_t, c_void_p, create_string_buffer, sizeof
from typing import Any, Callable, Optional, Union

import numpy as np

from . import _abi
from ._callbacks import callback, calling
from ._foreign import address
from ._library import check, failure, lib
from ._options import ordered
from .errors import InvalidArgumentError
from .optimizer import Optimizer
from .schedulers import Scheduler
from .together import listed, optimizer_handles

__all__ = ["dumps", "load", "loads", "save"]

Path = Union[str, "os.PathLike[str]"]
Optimizers = Union[Optimizer, Sequence[Optimizer]]
Schedulers = Union[Scheduler, Sequence[Scheduler]]
# Hears how many bytes are done, of how many. False, not None, cancels.
Progress = Callable[[int, int], Optional[bool]]


def save(
    path: Path,
    optimizers: Optimizers,
    schedulers: Schedulers = (),
    *,
    data: bool = True,
    progress: Optional[Progress] = None,
) -> None:
    """Saves to a file, which is there whole, or as it was before.

    A new file is written beside the old one, flushed to the disk, and renamed to it; a symbolic link
    is replaced. It is for those who could use the file that it replaces, or for fewer. A process that is
    killed meanwhile leaves a file behind whose name is that of the file, or its beginning where that is
    long, then ".tmp-" and more.

    path: str or PathLike. Its folder must exist.
    optimizers: one, or a list of at least one.
    schedulers: one, or a list. They drive no other optimizers.
    data: whether the parameters themselves are saved, beside their state.
    progress: called as progress(done, total) in bytes, after every few megabytes; if it returns False
        or raises, the file stays as it was. It must not use the optimizers and schedulers.

    Raises FileError, CancelledError, InvalidArgumentError for two parameters of one name, and
    UnsupportedError for what could not be loaded: too many parameters or groups, too long names.
    """
    call = Call(optimizers, schedulers, progress, data=data)
    call.check(call.run(lib.muon_checkpoint_save, encoded(path), *call.arguments))


def load(
    path: Path,
    optimizers: Optimizers,
    schedulers: Schedulers = (),
    *,
    data: bool = True,
    allow_missing: bool = False,
    allow_extra: bool = False,
    allow_rewritten: bool = False,
    progress: Optional[Progress] = None,
) -> None:
    """Loads from a file: all of it, or nothing.

    optimizers, schedulers: in the order in which they were saved.
    data: whether the parameters themselves are loaded, beside their state.
    allow_missing: parameters, groups, optimizers and schedulers that the checkpoint lacks stay as they
        are.
    allow_extra: those that the checkpoint has and this run lacks are left out.
    allow_rewritten: it may be one that another program of safetensors has rewritten, with its metadata.
        Damage of its header can then not be told; the checksums of tensors are checked where they are
        still there.
    progress: as for save.

    Raises FileError, CorruptError for a file that is damaged or no checkpoint, MismatchError whose text
    has the first thing that does not fit, UnsupportedError for a later format, CancelledError. Then
    nothing has changed.
    """
    call = Call(
        optimizers, schedulers, progress,
        data=data, allow_missing=allow_missing, allow_extra=allow_extra,
        allow_rewritten=allow_rewritten,
    )
    call.check(call.run(lib.muon_checkpoint_load, encoded(path), *call.arguments))


def dumps(
    optimizers: Optimizers,
    schedulers: Schedulers = (),
    *,
    data: bool = True,
    progress: Optional[Progress] = None,
) -> bytes:
    """The bytes of the file that save() writes."""
    call = Call(optimizers, schedulers, progress, data=data)
    size = c_size_t()
    call.check(call.run(lib.muon_checkpoint_save_memory, *call.arguments, None, 0, byref(size)))
    tries = 0
    while True:
        tries += 1
        needed = size.value
        out = create_string_buffer(needed)
        status = call.run(
            lib.muon_checkpoint_save_memory, *call.arguments, out, len(out), byref(size))
        if not status or call.errors:
            call.check(status)
            return out.raw[: size.value]
        error = failure(status)
        call.check(call.run(lib.muon_checkpoint_save_memory, *call.arguments, None, 0, byref(size)))
        # Too little room, where another thread changed something after the size was taken. Whoever
        # changes it back and forth may leave a size here that is no larger than the one before.
        if size.value <= needed and (tries >= 100 or not isinstance(error, InvalidArgumentError)):
            raise error


def loads(
    checkpoint: Union[bytes, bytearray, memoryview],
    optimizers: Optimizers,
    schedulers: Schedulers = (),
    *,
    data: bool = True,
    allow_missing: bool = False,
    allow_extra: bool = False,
    allow_rewritten: bool = False,
    progress: Optional[Progress] = None,
) -> None:
    """Loads from the bytes of a file, as load()."""
    call = Call(
        optimizers, schedulers, progress,
        data=data, allow_missing=allow_missing, allow_extra=allow_extra,
        allow_rewritten=allow_rewritten,
    )
    view = np.frombuffer(checkpoint, np.uint8) if len(checkpoint) else np.empty(0, np.uint8)
    call.check(
        call.run(lib.muon_checkpoint_load_memory, address(view), view.size, *call.arguments))


class Call:
    """The arguments of a call on a checkpoint."""

    def __init__(
        self,
        optimizers: Optimizers,
        schedulers: Schedulers,
        progress: Optional[Progress],
        *,
        data: bool,
        allow_missing: bool = False,
        allow_extra: bool = False,
        allow_rewritten: bool = False,
    ) -> None:
        self.errors: list[BaseException] = []
        # Referred to here: C has only their addresses.
        self.driving = [schedulers] if isinstance(schedulers, Scheduler) else ordered(
            "schedulers", schedulers, "a scheduler, or a list of them,"
        )
        if not isinstance(optimizers, Optimizer) and not optimizers:
            raise InvalidArgumentError("a checkpoint needs at least one optimizer")
        self.optimizers = listed(optimizers)
        for each in self.driving:
            if not isinstance(each, Scheduler):
                raise TypeError(f"a scheduler is expected, not {type(each).__name__}")
        options = _abi.CheckpointOptions()
        check(lib.muon_checkpoint_options_init(byref(options), sizeof(options)))
        options.include_data = bool(data)
        options.allow_missing = bool(allow_missing)
        options.allow_extra = bool(allow_extra)
        options.allow_rewritten = bool(allow_rewritten)
        if progress is not None:
            options.progress = reporter(progress, self.errors)
        self.options = options
        handles = (_abi.SchedulerHandle * len(self.driving))(
            *(each._handle for each in self.driving)
        )
        self.arguments: tuple[Any, ...] = (
            optimizer_handles(self.optimizers),
            len(self.optimizers),
            handles,
            len(handles),
            byref(options),
        )

    def run(self, function: Callable[..., int], *arguments: Any) -> int:
        """The status. What progress raises is then in errors."""
        if not self.options.progress:
            return function(*arguments)
        return calling(self.errors, function, *arguments)

    def check(self, status: int) -> None:
        if self.errors:
            raise self.errors[0]
        if status:
            raise failure(status)


def reporter(progress: Progress, errors: list[BaseException]) -> Any:
    """The callback for C. What it raises is put into errors, to be raised again after the call."""

    @callback
    def report(done: int, total: int, context: c_void_p) -> int:
        if errors:
            return 1  # Ctrl-C came ahead of an earlier one
        try:
            answer = progress(done, total)
            return isinstance(answer, (bool, np.bool_)) and not answer
        except BaseException as error:
            errors.append(error)
            return 1

    return _abi.ProgressCallback(report)


def encoded(path: Path) -> bytes:
    """A path for C."""
    result = os.fsencode(os.fspath(path))
    if b"\0" in result:
        raise InvalidArgumentError(f"path: {path!r} has a NUL character in it")
    return result
