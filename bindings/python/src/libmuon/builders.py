"""Optimizers and schedulers from one configuration."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from ctypes import byref, c_int, c_int64, c_size_t, create_string_buffer
from typing import Any, NamedTuple, Optional, Protocol, Union

from . import _abi
from ._config import config_text
from ._enums import DType, OptimizerKind, RouteReason
from ._library import check, lib
from ._options import ordered
from .optimizer import Optimizer
from .optimizers import AdamW, Muon
from .parameter import Array, Parameter, ParameterLike, as_parameters, structs_of
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

        rules                   optional: a list of dicts, of which the first that matches a name counts:
          match                 a pattern of names, such as "*.wte.*", as fnmatchcase has them; required
          optimizer             "muon" or "adamw"; otherwise as without the rule
          options               keys of that optimizer's section, over what that says
          view                  a View, or a dict with the keys axes, shape, and split, a dict with the keys
                                axis and sizes; it takes the place of the Parameter's

        The two sections override what training says. Other keys are ignored, except inside them and in rules.

    Parameters with the same options are one group; groups are in the order of their first parameters. The log
    warns of rules that no parameter follows, and of names and shapes that look as if they went to the wrong side.

    Returns a list: Muon, then AdamW; a side without parameters is not made. Raises ConfigError,
    whose text has the path, for what is missing, has a wrong type, or is misspelt in our sections.
    See route_params for what went where.
    """
    parameters, text = as_parameters(model_params), config_text(config)
    grads = [parameter._grad for parameter in parameters]
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
        groups = [
            ([parameters[i] for i in own], [grads[i] for i in own])
            for own in group_members(handle, structs)
        ]
        optimizers.append(CLASSES[kind.value]._adopt(handle, groups))
    return optimizers


def group_members(handle: Any, structs: Any) -> list[list[int]]:
    """The parameters of each group of an optimizer that a builder made, by their numbers in structs.

    Those of the same name follow the same rule, and are in one group, in their order.
    """
    by_name: dict[bytes, deque[int]] = defaultdict(deque)
    for number, struct in enumerate(structs):
        if struct.requires_grad and struct.dtype != DType.not_float:
            by_name[struct.name or b"param%d" % number].append(number)
    count = c_size_t()
    check(lib.muon_optimizer_get_group_count(handle, byref(count)))
    groups: list[list[int]] = [[] for _ in range(count.value)]
    check(lib.muon_optimizer_get_param_count(handle, byref(count)))
    for index in range(count.value):
        group = c_int64()
        check(lib.muon_optimizer_get_param_group(handle, index, byref(group)))
        groups[group.value].append(by_name[param_name(handle, index)].popleft())
    return groups


def param_name(handle: Any, index: int) -> bytes:
    """The name of a parameter of an optimizer."""
    count = c_size_t()
    check(lib.muon_optimizer_get_param_name(handle, index, None, 0, byref(count)))
    text = create_string_buffer(count.value)
    check(lib.muon_optimizer_get_param_name(handle, index, text, count, byref(count)))
    return text.value


def route_params(model_params: ModelParams, config: Mapping[str, Any]) -> list[Route]:
    """Says for each parameter where build_optimizers sends it, and why.

    print(*route_params(model_params, config), sep="\\n") is a table.
    """
    parameters, text = as_parameters(model_params), config_text(config)
    structs, routes = route(parameters, [None] * len(parameters), text)
    rules = match_rules(structs, text)
    return [
        Route(
            f"param{index}" if parameter.name is None else parameter.name,
            parameter.shape,
            CLASSES[each.optimizer].kind if each.optimizer in CLASSES else "none",
            lib.muon_route_reason_text(each.reason).decode()
            + (f" (rules[{rule}])" if each.reason == RouteReason.rule else ""),
        )
        for index, (parameter, each, rule) in enumerate(zip(parameters, routes, rules))
    ]


def match_rules(structs: Any, text: bytes) -> list[int]:
    """The number of the rule that each parameter follows, or -1."""
    rules, count = (c_int64 * len(structs))(), c_size_t()
    check(
        lib.muon_config_match_rules(
            text, structs, len(structs), rules, len(rules), byref(count)
        )
    )
    return [*rules]


def build_schedulers(
    optimizers: Sequence[Optimizer], config: Mapping[str, Any], training_setup: TrainingSetup
) -> list[Scheduler]:
    """Makes one scheduler for each optimizer, in order; then those of momenta and weight decays.

    config: a dict. It reads

        training.n_epochs       a whole number >= 1; required
        training.warmup_steps   a whole number >= 0; 0. The rate rises from 1e-5 of it to all of it
        training.lr_schedule    "linear" (down to 1e-5 of the rate) or "cosine" (down to 0), over
                                n_epochs * batches steps after the warmup; anything else: constant
        training.momentum_schedule      of the momentum of each Muon; optional
        training.weight_decay_schedule  of the weight decay of each optimizer; optional. Of both:
                                "linear", "cosine", or a dict with the keys warmup_steps, decay_steps,
                                start_factor, end_factor (each 0) of a Trapezoid; over n_epochs * batches steps

    training_setup: an object whose len(training_setup.train_dataloader) is the number of batches
        of an epoch, at least 1.

    Raises ConfigError, whose text has the path.
    """
    given = ordered("optimizers", optimizers)
    optimizers = listed(given) if given else []
    handles = optimizer_handles(optimizers)
    arguments = config_text(config), handles, len(handles), len(training_setup.train_dataloader)
    count = c_size_t()
    check(lib.muon_config_build_schedulers(*arguments, None, 0, byref(count)))
    made = (_abi.SchedulerHandle * count.value)()
    check(lib.muon_config_build_schedulers(*arguments, made, len(made), byref(count)))
    driven = [*optimizers]
    if config["training"].get("momentum_schedule") is not None:
        driven += [each for each in optimizers if each.kind == Muon.kind]
    if config["training"].get("weight_decay_schedule") is not None:
        driven += optimizers
    return [
        Scheduler._adopt(_abi.SchedulerHandle(each.value), optimizer)
        for each, optimizer in zip(made, driven)
    ]


def route(
    parameters: list[Parameter], grads: list[Optional[Array]], text: bytes
) -> tuple[Any, Any]:
    """The parameters as C sees them, and where each goes."""
    for parameter in parameters:
        if parameter.requires_grad and parameter.dtype != DType.not_float.name:
            parameter.check_trainable()
    structs = structs_of(parameters, grads)
    routes = (_abi.Route * len(parameters))()
    check(
        lib.muon_config_route_params(
            text, structs, len(structs), routes, len(routes), byref(c_size_t())
        )
    )
    return structs, routes
