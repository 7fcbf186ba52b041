"""Muon and AdamW for a whole module, as one optimizer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Optional, Union

import torch
from torch import Tensor, nn

from .._lock import give_lock
from .._log import Later
from ..builders import Route
from ..errors import InvalidArgumentError
from ._dialects import LIBMUON, dialect_of
from .adamw import AdamW
from .muon import Muon
from .optimizer import step_together
from .routing import route_module

Side = Union[Muon, AdamW]
Loss = Optional[Callable[[], Any]]

CLASSES: dict[str, type[Side]] = {"Muon": Muon, "AdamW": AdamW}


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon for the hidden matrices of a module and AdamW for the rest, as one torch optimizer.

        optimizer = MuonWithAdamW(model, lr=1e-3)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1000)
        print(*optimizer.routes, sep="\\n")

    A learning-rate scheduler made for it drives both sides; its state_dict() holds both. There is
    one parameter group for each side, and more by add_param_group; the "optimizer" of a group is
    "Muon" or "AdamW".

    module: the whole model. route_module says what goes where, and why; so does .routes. Parameters
        that do not require a gradient are left out.
    lr, weight_decay: of both sides. Muon's updates are scaled to be as large as AdamW's
        ("match_rms_adamw"), so that one rate can serve both.
    muon, adamw: options of one side, such as muon={"lr": 0.02, "adjust_lr_fn": "original"} or
        adamw={"lr": 3e-4, "betas": (0.9, 0.999)}: the arguments of libmuon.torch.Muon and
        libmuon.torch.AdamW. They override lr and weight_decay. AdamW's betas are (0.9, 0.95) here.
    to_muon, to_adamw: names or patterns of parameters that go there whatever they are; see
        route_module.
    nonfinite: what to do with NaN or infinity in a gradient of either side: "error", "skip" or
        "propagate", as for Muon and AdamW. The first two change neither side.
    verbose: print the routes.

    Raises what route_module, Muon and AdamW raise, and InvalidArgumentError (a ValueError) for a
    module without a parameter to train.
    """

    def __init__(
        self,
        module: nn.Module,
        lr: Union[float, Tensor] = 1e-3,
        weight_decay: float = 0.1,
        *,
        muon: Optional[Mapping[str, Any]] = None,
        adamw: Optional[Mapping[str, Any]] = None,
        to_muon: Sequence[str] = (),
        to_adamw: Sequence[str] = (),
        nonfinite: str = "error",
        verbose: bool = False,
    ) -> None:
        give_lock(self)
        for side in (muon, adamw):
            if side is not None and "nonfinite" in side:
                raise InvalidArgumentError("nonfinite is of both sides: give it beside them")
        self.routes: list[Route] = route_module(module, to_muon=to_muon, to_adamw=to_adamw)
        common = {"lr": lr, "weight_decay": weight_decay, "nonfinite": nonfinite}
        scale = "shape_scale" if dialect_of(muon or {}) == LIBMUON else "adjust_lr_fn"
        self._options: dict[str, dict[str, Any]] = {
            "Muon": {**common, scale: "match_rms_adamw", **(muon or {})},
            "AdamW": {**common, "betas": (0.9, 0.95), **(adamw or {})},
        }
        self._nonfinite = nonfinite
        self._skipped_steps = 0
        parameters = dict(module.named_parameters())
        groups = []
        for kind in CLASSES:
            own = [(r.name, parameters[r.name]) for r in self.routes if r.optimizer == kind]
            if own:
                groups.append({"params": own, "optimizer": kind})
        if not groups:
            raise InvalidArgumentError("module: it has no parameter to train")
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})
        if verbose:
            print(*self.routes, sep="\n", flush=True)

    _lock: AbstractContextManager[Any]

    # ---- Training

    def step(self, closure: Loss = None) -> Any:
        """Makes one step of both sides.

        closure: called first, with gradients enabled, to compute the loss; step returns its result.

        Raises what Muon and AdamW raise, and then nothing of either side has changed.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if not step_together(self, [*self._sides.values()]):
            self._skipped_steps += 1
        return loss

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
        """Adds {"params": [(name, tensor), ...], "optimizer": "Muon" or "AdamW", ...}.

        Options not given are the constructor's for that side.
        """
        kind = param_group.get("optimizer")
        if kind not in CLASSES:
            raise InvalidArgumentError(
                f'param_group: "optimizer" is "Muon" or "AdamW", not {kind!r}'
            )
        with Later(), self._lock:
            # The class of the side checks the group, and adds what it does not say.
            [group] = CLASSES[kind]([param_group], **self._options[kind]).param_groups
            super().add_param_group(group)
            if kind in self.__dict__.get("_sides", {}):
                self._sides[kind].param_groups.append(self.param_groups[-1])
            else:
                self._link()

    def _link(self) -> None:
        """Makes the optimizers of the sides anew, to work on the groups and state of this one."""
        self._sides = {}
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
            state_dict: dict[str, Any] = super().state_dict()
            return state_dict

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


def load_sides(optimizer: Any, state_dict: dict[str, Any]) -> dict[str, Any]:
    """The last of the hooks before loading: each side's class reads its part of a state dict.

    They keep it in float32. torch is left with none, which it would copy and cast.
    """
    saved, groups = state_dict["param_groups"], optimizer.param_groups
    kinds, expected = ([each.get("optimizer") for each in part] for part in (saved, groups))
    if kinds != expected:
        raise InvalidArgumentError(
            f"state_dict: param_groups of {expected} are expected, not of {kinds}"
        )
    loaded: dict[str, Any] = {}
    state: defaultdict[Tensor, Any] = defaultdict(dict)
    for kind in optimizer._sides:
        own = [group for group in saved if group["optimizer"] == kind]
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
    optimizer._loaded = [next(loaded[kind]) for kind in kinds], state
    return {**state_dict, "state": {}}
