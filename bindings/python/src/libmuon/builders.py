"""Optimizers and schedulers from one configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ctypes import byref, c_int, c_size_t
from typing import Any, NamedTuple, Optional, Protocol, Union

from . import _abi
from ._config import config_text
from ._enums import DType, OptimizerKind
from ._library import check, lib
from ._options import ordered
from .optimizer import Optimizer
from .optimizers import AdamW, Muon
from .parameter import Array, Parameter, ParameterLike, as_parameters, dtype_of, structs_of
from .schedulers import Scheduler
from .together import listed, optimizer_handles

ModelParams = Union[Iterable[ParameterLike], Mapping[str, Union[Array, Parameter]]]

CLASSES: dict[int, type[Union[Muon, AdamW]]] = {
    OptimizerKind.muon: Muon,
    OptimizerKind.adamw: AdamW,
}


class TrainingSetup(Protocol):
    """What build_schedulers reads: len(train_dataloader) is the number of batches of an epoch."""

    @property
    def train_dataloader(self) -> Any: ...


class Route(NamedTuple):
    """Where the builder sends a parameter, and why. str() is one readable line."""

    name: str
    shape: tuple[int, ...]
    optimizer: str  # "Muon", "AdamW" or "none"
    reason: str

    def __str__(self) -> str:
        return f"{self.name:<28} {self.shape!s:<16} {self.optimizer:<5}  {self.reason}"


def build_optimizers(
    model_params: ModelParams, config: Mapping[str, Any]
) -> list[Union[Muon, AdamW]]:
    """Makes the optimizers that config asks for: Muon for the matrices, AdamW for the rest.

    model_params: Parameters, arrays, (name, array) pairs, or a dict of name to array. Those that do
        not require a gradient or are not floating point are left out.
    config: a dict. It reads

        training.optimizer      "Muon" or "AdamW" (then all go to AdamW); required
        training.learning_rate  a number; required
        training.weight_decay   a number; 0
        muon.*                  optional: lr, momentum, nesterov, momentum_style, weight_decay,
                                eps, backend, backend_steps, coefficients, shape_scale, precision,
                                method, update_scale, cautious_weight_decay,
                                second_moment, beta2, hyperball
        adamw.*                 optional: lr, betas (by default 0.9, 0.95), eps, weight_decay,
                                cautious_weight_decay

        The two sections override what training says. Other keys are ignored, except inside them.

    Returns a list: Muon, then AdamW; a side without parameters is not made. Raises ConfigError,
    whose text has the path, for what is missing, has a wrong type, or is misspelt in our sections.
    See route_params for what went where.
    """
    parameters, text = as_parameters(model_params), config_text(config)
    grads = [parameter.grad for parameter in parameters]
    structs, routes = route(parameters, grads, text)
    count = c_size_t()
    check(lib.muon_config_build_optimizers(text, structs, len(structs), None, 0, byref(count)))
    handles = (_abi.OptimizerHandle * count.value)()
    check(
        lib.muon_config_build_optimizers(
            text, structs, len(structs), handles, len(handles), byref(count)
        )
    )
    optimizers: list[Any] = []
    for index in range(count.value):
        handle = _abi.OptimizerHandle(handles[index].value)
        kind = c_int()
        check(lib.muon_optimizer_get_kind(handle, byref(kind)))
        own = [i for i, each in enumerate(routes) if each.optimizer == kind.value]
        optimizers.append(
            CLASSES[kind.value]._adopt(
                handle, [parameters[i] for i in own], [grads[i] for i in own]
            )
        )
    return optimizers


def route_params(model_params: ModelParams, config: Mapping[str, Any]) -> list[Route]:
    """Says for each parameter where build_optimizers sends it, and why.

    print(*route_params(model_params, config), sep="\\n") is a table.
    """
    parameters = as_parameters(model_params)
    _, routes = route(parameters, [None] * len(parameters), config_text(config))
    return [
        Route(
            f"param{index}" if parameter.name is None else parameter.name,
            parameter.shape,
            CLASSES[each.optimizer].kind if each.optimizer in CLASSES else "none",
            lib.muon_route_reason_text(each.reason).decode(),
        )
        for index, (parameter, each) in enumerate(zip(parameters, routes))
    ]


def build_schedulers(
    optimizers: Sequence[Optimizer], config: Mapping[str, Any], training_setup: TrainingSetup
) -> list[Scheduler]:
    """Makes one scheduler for each optimizer, in order.

    config: a dict. It reads

        training.n_epochs       a whole number >= 1; required
        training.warmup_steps   a whole number >= 0; 0. The rate rises from 1e-5 of it to all of it
        training.lr_schedule    "linear" (down to 1e-5 of the rate) or "cosine" (down to 0), over
                                n_epochs * batches steps after the warmup; anything else: constant

    training_setup: an object whose len(training_setup.train_dataloader) is the number of batches
        of an epoch, at least 1.

    Raises ConfigError, whose text has the path.
    """
    given = ordered("optimizers", optimizers)
    optimizers = listed(given) if given else []
    handles = optimizer_handles(optimizers)
    made = (_abi.SchedulerHandle * len(handles))()
    batches = len(training_setup.train_dataloader)
    check(
        lib.muon_config_build_schedulers(
            config_text(config), handles, len(handles), batches, made, len(made), byref(c_size_t())
        )
    )
    return [
        Scheduler._adopt(_abi.SchedulerHandle(each.value), optimizer)
        for each, optimizer in zip(made, optimizers)
    ]


def route(
    parameters: list[Parameter], grads: list[Optional[Array]], text: bytes
) -> tuple[Any, Any]:
    """The parameters as C sees them, and where each goes."""
    for parameter in parameters:
        if parameter.requires_grad and dtype_of(parameter.data) != DType.not_float:
            parameter.check_trainable()
    structs = structs_of(parameters, grads)
    routes = (_abi.Route * len(parameters))()
    check(
        lib.muon_config_route_params(
            text, structs, len(structs), routes, len(routes), byref(c_size_t())
        )
    )
    return structs, routes
