"""Muon and AdamW for torch: the optimizers of torch.optim, computed by libmuon on the CPU; both in
one for a whole module; and the builders.

    from libmuon.torch import Muon          # was: from torch.optim import Muon
    from libmuon.torch import AdamW         # was: from torch.optim import AdamW

They are torch.optim.Optimizers: param groups, closures, hooks, schedulers and state dicts are
torch's. Parameters, gradients and state stay in torch's memory, where the library updates them in
place; contiguous float32 is never copied.

Needs torch 2.9 or later: pip install "libmuon[torch]". `import libmuon` alone does not load torch.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError('libmuon.torch needs torch: pip install "libmuon[torch]"') from error

from .adamw import AdamW
from .aux_adam import MuonWithAuxAdam, SingleDeviceMuonWithAuxAdam
from .builders import build_optimizers, build_schedulers, route_params
from .muon import Muon
from .orthogonalization import orthogonalize
from .routes import ModuleRoute
from .routing import route_module
from .schedulers import ChainedScheduler, ConstantLR, CosineAnnealingLR, LinearLR, Scheduler
from .schedulers import SequentialLR, Trapezoid
from .together import clip_grad_norm, step
from .whole_module import MuonWithAdamW

if _TYPE_CHECKING:
    from .distributed.zero import ZeroRedundancyOptimizer

__all__ = [
    "AdamW",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "LinearLR",
    "ModuleRoute",
    "Muon",
    "MuonWithAdamW",
    "MuonWithAuxAdam",
    "Scheduler",
    "SequentialLR",
    "SingleDeviceMuonWithAuxAdam",
    "Trapezoid",
    "ZeroRedundancyOptimizer",
    "build_optimizers",
    "build_schedulers",
    "clip_grad_norm",
    "orthogonalize",
    "route_params",
    "route_module",
    "step",
]


def __getattr__(name: str) -> _Any:
    """What is loaded when it is asked for: torch.distributed.optim takes half a second."""
    if name == "ZeroRedundancyOptimizer":
        from .distributed.zero import ZeroRedundancyOptimizer

        return ZeroRedundancyOptimizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
