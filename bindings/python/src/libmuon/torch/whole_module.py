"""Muon and AdamW for a whole module, as one optimizer."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Optional, Union

import torch
from torch import Tensor, nn

from .._lock import give_lock
from .._log import Later
from .._patterns import matched
from .._signatures import NonFinitePolicyName
from ..errors import InvalidArgumentError
from ..view import View
from ._checkpoint import with_plain_views
from ._dialects import LIBMUON, dialect_of
from .adamw import AdamW
from .muon import HIGHER_DIMS, Muon
from .optimizer import Rest, step_together
from .param_routes import UNNAMED, Params, asked_by, groups_of_params
from .routes import Routes, is_exempt
from .routing import route_module

Side = Union[Muon, AdamW]
Loss = Optional[Callable[[], Any]]

CLASSES: dict[str, type[Side]] = {"Muon": Muon, "AdamW": AdamW}


class AdamWGroup(dict[str, Any]):
    """A group of AdamW's beside those of Muon: what is set as its momentum is the first of betas.

    torch's schedulers of the momentum set it in all groups or the betas in all.
    """

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "momentum":
            key, value = "betas", (value, *self["betas"][1:])
        super().__setitem__(key, value)


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon for the hidden matrices of a module and AdamW for the rest, as one torch optimizer.

        optimizer = MuonWithAdamW(model, lr=1e-3)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1000)
        print(optimizer.routes)

    A learning-rate scheduler made for it drives both sides; its state_dict() holds both. Each side
    has one parameter group, or several where its parameters differ in higher_dims (Muon) or
    weight_decay (see no_decay) or view, and more by add_param_group; the "optimizer" of a group is "Muon" or
    "AdamW".

    module: the whole model; or, without knowing of layers, its parameters, with their names or without,
        or groups of them, which say where they go by "use_muon" (True or False). route_module says what goes where, and why; so does .routes, which
        prints as a table. Parameters that do not require a gradient are left out. A warning says so
        where Muon gets less than half of the elements of hidden matrices.
    lr, weight_decay: of both sides. Muon's updates are scaled to be as large as AdamW's
        ("match_rms_adamw"), so that one rate can serve both.
    muon, adamw: options of one side, such as muon={"lr": 0.02, "adjust_lr_fn": "original"} or
        adamw={"lr": 3e-4, "betas": (0.9, 0.999)}: the arguments of libmuon.torch.Muon and
        libmuon.torch.AdamW. They override lr and weight_decay. AdamW's betas are (0.9, 0.95) here.
    to_muon, to_adamw: names or patterns of parameters that go there whatever they are; see
        route_module. muon={"higher_dims": ...} is route_module's.
    views, split_fused: which parameters hold several matrices, each of which is one of its own to Muon: by names or
        patterns, and by what is known of layers; see route_module.
    no_decay: which parameters have a weight_decay of 0: True for vectors, norms and biases, as is
        usual for language models; or names or patterns.
    nonfinite: what to do with NaN or infinity in a gradient of either side: "error", "skip" or
        "propagate", as for Muon and AdamW. The first two change neither side.
    verbose: print the routes.

    Raises what route_module, Muon and AdamW raise, and InvalidArgumentError (a ValueError) for a
    module without a parameter to train.
    """

    def __init__(
        self,
        module: Union[nn.Module, Params],
        lr: Union[float, Tensor] = 1e-3,
        weight_decay: float = 0.1,
        *,
        muon: Optional[Mapping[str, Any]] = None,
        adamw: Optional[Mapping[str, Any]] = None,
        to_muon: Sequence[str] = (),
        to_adamw: Sequence[str] = (),
        views: Optional[Mapping[str, View]] = None,
        split_fused: bool = False,
        no_decay: Union[bool, Sequence[str]] = False,
        nonfinite: NonFinitePolicyName = "error",
        verbose: bool = False,
    ) -> None:
        give_lock(self)
        for argument, side in (("muon", muon), ("adamw", adamw)):
            if side is not None and not isinstance(side, Mapping):
                raise TypeError(f"{argument}: a dict of options is expected, not {side!r}")
            if side is not None and "nonfinite" in side:
                raise InvalidArgumentError("nonfinite is of both sides: give it beside them")
        if isinstance(module, nn.Module):
            higher_dims = (muon or {}).get("higher_dims", "auto")
            if higher_dims == "auto":
                muon = {key: each for key, each in (muon or {}).items() if key != "higher_dims"}
            self.routes = route_module(
                module,
                to_muon=to_muon,
                to_adamw=to_adamw,
                higher_dims=higher_dims,
                views=views,
                split_fused=split_fused,
            )
            groups = groups_of(module, self.routes, no_decay)
            warn_of_few(module, self.routes)
        else:
            if to_muon or to_adamw or no_decay or views or split_fused:
                raise InvalidArgumentError(
                    "to_muon, to_adamw, views, split_fused and no_decay need the module, not its "
                    "parameters"
                )
            self.routes, groups = groups_of_params(module)
            warn_of_unnamed(self.routes)
        if not groups:
            raise InvalidArgumentError("module: it has no parameter to train")
        common = {"lr": lr, "weight_decay": weight_decay, "nonfinite": nonfinite}
        scale = "shape_scale" if dialect_of(muon or {}) == LIBMUON else "adjust_lr_fn"
        self._options: dict[str, dict[str, Any]] = {
            "Muon": {**common, scale: "match_rms_adamw", **(muon or {})},
            "AdamW": {**common, "betas": (0.9, 0.95), **(adamw or {})},
        }
        self._nonfinite: NonFinitePolicyName = nonfinite
        self._skipped_steps = 0
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})
        # For schedulers that change it, such as OneCycleLR. See AdamWGroup.
        self.defaults["momentum"] = self._options["Muon"].get("momentum", 0.95)
        if verbose:
            print(self.routes, flush=True)

    _lock: AbstractContextManager[Any]

    # ---- Training

    def step(self, closure: Loss = None) -> Any:
        """Makes one step of both sides.

        closure: called first, with gradients enabled, to compute the loss; step returns its result.

        Raises what Muon and AdamW raise, and then nothing of either side has changed.
        """
        if isinstance(closure, Rest):
            return closure()
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if not step_together([self], self._parts()):
            self._skipped_steps += 1
        return loss

    def _parts(self) -> list[Side]:
        """The optimizers of the library's that make its step."""
        return [*self._sides.values()]

    @property
    def skipped_steps(self) -> int:
        """How many steps were left out because nonfinite is "skip"."""
        return self._skipped_steps

    def zero_grad(self, set_to_none: bool = True) -> None:
        """As torch's; not while another thread's step reads the gradients."""
        with self._lock:
            super().zero_grad(set_to_none)

    # ---- The sides

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds {"params": [(name, tensor), ...], "optimizer": "Muon" or "AdamW", ...}; or "use_muon".

        Options not given are the constructor's for that side.
        """
        kind = asked_by(param_group)
        if kind is None:
            raise InvalidArgumentError('param_group: "optimizer" is "Muon" or "AdamW", not None')
        param_group = {**param_group, "optimizer": kind}
        with Later(), self._lock:
            # The class of the side checks the group, and adds what it does not say.
            [group] = CLASSES[kind]([param_group], **self._options[kind]).param_groups
            super().add_param_group(group if kind == "Muon" else AdamWGroup(group))
            if kind == "AdamW":
                self.param_groups[-1].pop("momentum", None)  # torch's, of the defaults
            if kind in self.__dict__.get("_sides", {}):
                self._sides[kind].param_groups.append(self.param_groups[-1])
            else:
                self._link()

    def _link(self) -> None:
        """Makes the optimizers of the sides anew, to work on the groups and state of this one."""
        self._sides = {}
        self.param_groups: list[dict[str, Any]] = [
            AdamWGroup(group) if group["optimizer"] == "AdamW" else group
            for group in self.param_groups
        ]
        for kind, make in CLASSES.items():
            groups = [group for group in self.param_groups if group["optimizer"] == kind]
            if groups:
                side = make([dict(group) for group in groups], nonfinite=self._nonfinite)
                side.param_groups, side.state = groups, self.state
                self._sides[kind] = side

    # ---- Saving and resuming

    def state_dict(self) -> dict[str, Any]:
        """As torch's; of one moment, whichever thread makes steps meanwhile."""
        with self._lock:
            return with_plain_views(super().state_dict())

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from what state_dict() of such an optimizer returned.

        Options of the groups come from the dict too. If something does not fit, an error says what,
        and nothing has changed.
        """
        with Later(), self._lock:
            hook = self.register_load_state_dict_pre_hook(load_sides)
            try:
                super().load_state_dict(state_dict)
            finally:
                hook.remove()
                self._loaded = None

    def __getstate__(self) -> dict[str, Any]:
        own = ("routes", "_options", "_nonfinite", "_skipped_steps")
        return {**super().__getstate__(), **{key: self.__dict__[key] for key in own}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_lock" not in self.__dict__:
            give_lock(self)  # a copy
        super().__setstate__(state)
        if self._loaded is not None:
            self.param_groups, self.state = self._loaded
        self._link()

    # What load_state_dict has read.
    _loaded: Optional[tuple[list[dict[str, Any]], defaultdict[Tensor, Any]]] = None


def groups_of(
    module: nn.Module, routes: Routes, no_decay: Union[bool, Sequence[str]]
) -> list[dict[str, Any]]:
    """The parameter groups of a module: Muon's, then AdamW's; first the plainest of each."""
    parameters = dict(module.named_parameters())
    if isinstance(no_decay, bool):
        exempt = {r.name for r in routes if no_decay and is_exempt(r)}
    else:
        exempt = set(matched("no_decay", no_decay, [*parameters]))
    groups: dict[tuple[int, bool, str, Optional[View]], dict[str, Any]] = {}
    for route in routes:
        if route.optimizer not in CLASSES:
            continue
        is_muons = route.optimizer == "Muon"
        higher_dims, view = (route.higher_dims, route.view) if is_muons else ("refuse", None)
        key = ([*CLASSES].index(route.optimizer), route.name in exempt, higher_dims, view)
        group = groups.setdefault(key, {"params": [], "optimizer": route.optimizer})
        group["params"].append((route.name, parameters[route.name]))
        if higher_dims != "refuse":
            group["higher_dims"] = higher_dims
        if view is not None:
            group["view"] = view
        if route.name in exempt:
            group["weight_decay"] = 0.0
    # Those with a view last, in the order in which they appear.
    order = sorted(groups, key=lambda k: (*k[:2], k[3] is not None, HIGHER_DIMS.index(k[2])))
    return [groups[key] for key in order]


def warn_of_unnamed(routes: Routes) -> None:
    """Warns where embeddings and output layers may be among the matrices."""
    count = sum(route.reason == UNNAMED for route in routes)
    if count:
        warnings.warn(
            f"{count} matrices without names go to Muon, embeddings and output layers too: give the "
            "module, or named_parameters()",
            stacklevel=3,
        )


def warn_of_few(module: nn.Module, routes: Routes) -> None:
    """Warns where Muon gets less than half of what it is for."""
    count = {name: parameter.numel() for name, parameter in module.named_parameters()}
    hidden = sum(count[route.name] for route in routes if route.is_hidden)
    muon = sum(count[route.name] for route in routes if route.optimizer == "Muon")
    if 2 * muon < hidden:
        warnings.warn(
            f"Muon gets {muon:,} of the {hidden:,} elements of hidden matrices "
            f"({muon / hidden:.0%}): print(optimizer.routes) says why, and to_muon=[...] sends it more",
            stacklevel=3,
        )


def load_sides(optimizer: Any, state_dict: dict[str, Any]) -> dict[str, Any]:
    """The last of the hooks before loading: each side's class reads its part of a state dict.

    They keep it in float32. torch is left with none, which it would copy and cast.
    """
    saved, groups = state_dict["param_groups"], optimizer.param_groups
    kinds, expected = ([asked_by(each) for each in part] for part in (saved, groups))
    if kinds != expected:
        raise InvalidArgumentError(
            f"state_dict: param_groups of {expected} are expected, not of {kinds}"
        )
    loaded: dict[str, Any] = {}
    state: defaultdict[Tensor, Any] = defaultdict(dict)
    for kind in optimizer._sides:
        own = [{**group, "optimizer": kind} for group in saved if asked_by(group) == kind]
        ids = {key for group in own for key in group["params"]}
        side = CLASSES[kind]([dict(group) for group in optimizer._sides[kind].param_groups])
        side.load_state_dict(
            {
                "state": {key: each for key, each in state_dict["state"].items() if key in ids},
                "param_groups": own,
            }
        )
        state.update(side.state)
        loaded[kind] = iter(side.param_groups)
    optimizer._loaded = [next(loaded[str(kind)]) for kind in kinds], state
    return {**state_dict, "state": {}}
