"""torch optimizers and schedulers from one configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ctypes import byref
from typing import Any, Optional, Union

import numpy as np
import torch
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, LRScheduler
from torch.optim.lr_scheduler import SequentialLR

from .. import builders
from .._abi import OptimizerHandle
from .._config import config_text
from .._enums import OptimizerKind
from .._layout import state_layout
from .._library import check, lib
from ..builders import Route, TrainingSetup
from ..errors import ConfigError, MuonError
from ..parameter import Parameter
from ..view import View
from ._buffers import Layout, param_struct
from ._session import Names
from .adamw import AdamW
from . import schedulers
from .muon import Muon
from .schedulers import Scheduler

ModelParams = Union[Iterable[Tensor], Iterable[tuple[str, Tensor]], Mapping[str, Tensor]]


def build_optimizers(
    model_params: ModelParams, config: Mapping[str, Any]
) -> list[Union[Muon, AdamW]]:
    """Makes the optimizers that config asks for: Muon for the matrices, AdamW for the rest.

    model_params: tensors, (name, tensor) pairs, or a dict of name to tensor, such as
        model.parameters() or model.named_parameters(). Those that do not require a gradient or are
        not floating point are left out. Names, if all have them, go into the parameter groups.
    config: a dict, as for libmuon.build_optimizers. It is read by the library: training.optimizer
        ("Muon", or "AdamW" for all), training.learning_rate, training.weight_decay, and the
        optional sections muon and adamw, whose keys are those of libmuon.Muon and libmuon.AdamW,
        and rules, by the names of parameters; a rule's view becomes the view of a group.

    What no rule is for goes by its shape: every matrix to Muon, embeddings and heads too;
    MuonWithAdamW looks at the modules.

    Returns a list: Muon, then AdamW; a side without parameters is not made. Raises ConfigError,
    whose text has the path, for what is missing, has a wrong type, or is misspelt in our sections.
    See route_params for what went where.
    """
    named = named_tensors(model_params)
    stand_ins = [stand_in(index, *item) for index, item in enumerate(named)]
    item_of = {id(each): item for each, item in zip(stand_ins, named)}
    all_named = all(name for name, _ in named)
    views = views_of(named, stand_ins, config)
    optimizers: list[Union[Muon, AdamW]] = []
    for made in builders.build_optimizers(stand_ins, without_views(config)):
        groups, names = [], []
        for group in made.param_groups:
            by_view: dict[Optional[View], list[Parameter]] = {}
            for each in group["params"]:
                by_view.setdefault(views.get(id(each)), []).append(each)
            for view, members in by_view.items():
                own = [item_of[id(each)] for each in members]
                params = own if all_named else [tensor for _, tensor in own]
                seen = {} if view is None else {"view": view}
                groups.append({"params": params, **group.options(), **seen})
                names += [str(each.name) for each in members]
        options = made.param_groups[0].options()
        if made.kind == AdamW.__name__:
            optimizers.append(AdamW(groups, **options))
        else:
            optimizers.append(Muon(groups, **options))
        # Those of route_params; torch would number the parameters of each side anew.
        optimizers[-1]._names = Names(tuple(names), len(named))
    return optimizers


def views_of(
    named: Sequence[tuple[Optional[str], Tensor]],
    stand_ins: Sequence[Parameter],
    config: Mapping[str, Any],
) -> dict[int, View]:
    """The views that rules give to what goes to Muon, by the id of its stand-in; they fit the parameters."""
    rules = config.get("rules") if isinstance(config, Mapping) else None
    if not rules:
        return {}
    text = config_text(config)
    structs, routes = builders.route([*stand_ins], [None] * len(stand_ins), text)
    matched = builders.match_rules(structs, text)
    views: dict[int, View] = {}
    for (_, tensor), each, route, rule in zip(named, stand_ins, routes, matched):
        view = rules[rule].get("view") if rule >= 0 else None
        if view is None or route.optimizer != OptimizerKind.muon:
            continue
        try:
            if not isinstance(view, View):
                given = {key: value for key, value in view.items() if value is not None}
                view = View.from_dict({"axes": "oi", **given})
            check_view(str(each.name), tensor.shape, view)
        except MuonError as error:
            raise ConfigError(f"rules[{rule}].view: {error}") from None
        views[id(each)] = view
    return views


def check_view(name: str, shape: torch.Size, view: View) -> None:
    """Raises unless Muon can see a parameter of a shape so."""
    handle = OptimizerHandle()
    check(lib.muon_optimizer_create_muon(None, byref(handle)))
    try:
        state_layout(handle, 0, param_struct(name, Layout(1, tuple(shape), view)))
    finally:
        check(lib.muon_optimizer_destroy(handle))


def without_views(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same with a view in its rules that fits what stands in for parameters, which is empty."""
    rules = config.get("rules") if isinstance(config, Mapping) else None
    if not rules:
        return config
    empty = View("oi", (0, 0))
    return {
        **config,
        "rules": [each if each.get("view") is None else {**each, "view": empty} for each in rules],
    }


def route_params(model_params: ModelParams, config: Mapping[str, Any]) -> list[Route]:
    """Says for each parameter where build_optimizers sends it, and why.

    print(*route_params(model_params, config), sep="\\n") is a table.
    """
    named = named_tensors(model_params)
    stand_ins = [stand_in(index, *item) for index, item in enumerate(named)]
    routes = builders.route_params(stand_ins, config)
    return [route._replace(shape=tuple(p.shape)) for route, (_, p) in zip(routes, named)]


def build_schedulers(
    optimizers: Sequence[torch.optim.Optimizer],
    config: Mapping[str, Any],
    training_setup: TrainingSetup,
) -> list[Union[LRScheduler, Scheduler]]:
    """Makes one torch scheduler for each optimizer, in order, then those of momenta and weight decays.

    The optimizers need not be ours.

    config: a dict, as for libmuon.build_schedulers. With T = training.n_epochs * batches:

        training.warmup_steps   if above 0, LinearLR from 1e-5 to 1 over so many steps comes first
        training.lr_schedule    "linear": LinearLR from 1 to 1e-5 over T steps;
                                "cosine": CosineAnnealingLR over T steps; anything else: none
        training.momentum_schedule      of the momentum of each optimizer that has one
        training.weight_decay_schedule  of the weight decay of each; as for libmuon.build_schedulers

        Both together are a SequentialLR. With neither, ConstantLR leaves the rate as it is, so that
        a training loop need not ask whether there is a scheduler.
    training_setup: an object whose len(training_setup.train_dataloader) is the number of batches
        of an epoch, at least 1.

    Raises ConfigError, whose text has the path; then nothing has changed.
    """
    # The library checks the values, by making schedulers of its own, which are not kept.
    any_one = Parameter(np.zeros(1, np.float32))
    builders.build_schedulers(
        builders.build_optimizers([any_one], config), config, training_setup
    )
    training = config["training"]
    total = int(training["n_epochs"]) * len(training_setup.train_dataloader)
    warmup = int(training.get("warmup_steps") or 0)
    schedule = training.get("lr_schedule")
    made: list[Union[LRScheduler, Scheduler]] = [
        torch_scheduler(each, warmup, schedule, total) for each in optimizers
    ]
    for option in ("momentum", "weight_decay"):
        asked = training.get(f"{option}_schedule")
        if asked is not None:
            made += [
                option_scheduler(each, option, asked, total)
                for each in optimizers
                if any(option in group for group in each.param_groups)
            ]
    return made


def option_scheduler(
    optimizer: torch.optim.Optimizer, option: str, schedule: Any, total: int
) -> Scheduler:
    """The scheduler of another option, which the library has checked."""
    if schedule == "linear":
        return schedulers.LinearLR(optimizer, 1.0, 1e-5, total, option=option)
    if schedule == "cosine":
        return schedulers.CosineAnnealingLR(optimizer, total, option=option)
    given = {key: each for key, each in schedule.items() if each is not None}
    steps = {key: given.pop(key, 0) for key in ("warmup_steps", "decay_steps")}
    return schedulers.Trapezoid(optimizer, **steps, total_steps=total, **given, option=option)


def torch_scheduler(
    optimizer: torch.optim.Optimizer, warmup: int, schedule: Any, total: int
) -> LRScheduler:
    """The scheduler of one optimizer. The library's own give the same rates (there is a test)."""
    parts: list[LRScheduler] = []
    if warmup > 0:
        parts.append(LinearLR(optimizer, start_factor=1e-5, end_factor=1.0, total_iters=warmup))
    if schedule == "linear":
        parts.append(LinearLR(optimizer, start_factor=1.0, end_factor=1e-5, total_iters=total))
    elif schedule == "cosine":
        parts.append(CosineAnnealingLR(optimizer, T_max=total))
    if not parts:
        return ConstantLR(optimizer, factor=1.0, total_iters=1)
    if len(parts) == 1:
        return parts[0]
    return SequentialLR(optimizer, parts, milestones=[warmup])


def named_tensors(
    model_params: ModelParams, first: int = 0
) -> list[tuple[Optional[str], Tensor]]:
    """The parameters with their names; None for one that has none.

    first: the number of the first one, for errors.
    """
    if isinstance(model_params, Tensor):
        raise TypeError("an iterable of tensors is expected; put a single one into a list")
    items: Iterable[Any] = model_params
    if isinstance(model_params, Mapping):
        items = model_params.items()
    named: list[tuple[Optional[str], Tensor]] = []
    for index, item in enumerate(items, first):
        pair = item if isinstance(item, tuple) and len(item) == 2 else (None, item)
        name, tensor = pair
        label = f"param{index}" if name is None else repr(name)
        if not isinstance(tensor, Tensor) or not isinstance(name, (str, type(None))):
            raise TypeError(
                f"model_params: {label}: a tensor or a (name, tensor) pair is expected, "
                f"not {type(item).__name__}"
            )
        if is_lazy(tensor):
            raise ValueError(
                f"model_params: {label} has no shape yet; run the lazy module once before"
            )
        named.append((name, tensor))
    return named


def stand_in(index: int, name: Optional[str], tensor: Tensor) -> Parameter:
    """An empty array with all that routing reads of a tensor: the library routes it instead."""
    dtype = np.float32 if tensor.is_floating_point() else np.int8
    # The library takes arrays of up to 8 dimensions, and asks only whether there are 2.
    ndim = min(tensor.ndim, 3)
    empty = np.zeros((0,) * ndim, dtype) if ndim else np.zeros((), dtype)
    return Parameter(empty, f"param{index}" if name is None else name, tensor.requires_grad)
