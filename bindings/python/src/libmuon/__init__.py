"""libmuon: the Muon optimizer for numpy arrays, updated in place.

Muon trains matrices: it replaces the momentum of the gradients by a nearby orthogonal matrix and
moves the parameter along it. AdamW trains the rest.

    import numpy as np
    import libmuon

    weight = libmuon.Parameter(np.random.randn(64, 32).astype(np.float32), "weight")
    optimizer = libmuon.Muon([weight], lr=0.02)
    weight.grad = np.ones_like(weight.data)
    optimizer.step()          # weight.data has changed

Parameters and optimizers: Parameter, Muon, AdamW.
Several optimizers as one: step, clip_grad_norm, zero_grad, set_lr.
Learning rates: LinearLR, ConstantLR, CosineAnnealingLR, Trapezoid, SequentialLR, ChainedScheduler.
From a configuration: build_optimizers, route_params, build_schedulers.
Saving and resuming: checkpoint.save, checkpoint.load; Optimizer.state_dict.
The orthogonalization alone: orthogonalize, backend_coefficients.
The library: set_num_threads, get_num_threads, build_info; its log is the logger "libmuon".
For threadpoolctl: import libmuon.threadpool.
Several processes as one: libmuon.mpi.attach; Exchange, Optimizer.set_exchange, Optimizer.owner.
What steps were like: Optimizer.statistics, ParameterStatistics.
Errors: MuonError and its subclasses, each also the builtin exception of its kind.
"""

from . import _log, checkpoint
from ._exchange import Exchange
from ._statistics import ParameterStatistics
from ._version import __version__
from .builders import Route, build_optimizers, build_schedulers, route_params
from .errors import (
    CancelledError,
    ConfigError,
    CorruptError,
    DTypeError,
    ExchangeError,
    FileError,
    InternalError,
    InvalidArgumentError,
    InvalidHandleError,
    MismatchError,
    MuonError,
    NonFiniteGradientError,
    NotConvergedError,
    OutOfMemoryError,
    ShapeError,
    UnsupportedError,
)
from .optimizer import Optimizer
from .optimizers import AdamW, Muon
from .orthogonalization import backend_coefficients, orthogonalize
from .param_group import ParamGroup
from .parameter import Parameter
from .runtime import build_info, get_num_threads, set_num_threads
from .schedulers import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    Scheduler,
    SequentialLR,
    Trapezoid,
)
from .together import clip_grad_norm, set_lr, step, zero_grad
from .view import View

__all__ = [
    "AdamW",
    "CancelledError",
    "ChainedScheduler",
    "ConfigError",
    "ConstantLR",
    "CorruptError",
    "CosineAnnealingLR",
    "DTypeError",
    "Exchange",
    "ExchangeError",
    "FileError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidHandleError",
    "LinearLR",
    "MismatchError",
    "Muon",
    "MuonError",
    "NonFiniteGradientError",
    "NotConvergedError",
    "Optimizer",
    "OutOfMemoryError",
    "ParamGroup",
    "Parameter",
    "ParameterStatistics",
    "Route",
    "Scheduler",
    "SequentialLR",
    "ShapeError",
    "Trapezoid",
    "UnsupportedError",
    "View",
    "__version__",
    "backend_coefficients",
    "build_info",
    "build_optimizers",
    "build_schedulers",
    "checkpoint",
    "clip_grad_norm",
    "route_params",
    "get_num_threads",
    "orthogonalize",
    "set_lr",
    "set_num_threads",
    "step",
    "zero_grad",
]

_log.connect()
