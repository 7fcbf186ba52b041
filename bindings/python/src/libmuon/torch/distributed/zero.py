"""torch's ZeroRedundancyOptimizer, whose ranks make a step all together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Optional

import torch
from torch.distributed.optim import ZeroRedundancyOptimizer as TorchsOptimizer

from ..._log import Later
from ..._signatures import NonFinitePolicyName
from ...errors import UnsupportedError
from .._tensors import plain
from ..optimizer import Optimizer, all_prepared, forgetting_doubts
from .agreement import Agreement, Stand, stand_of
from .finite import why_not_finite
from .step import instructions, worst_of


class ZeroRedundancyOptimizer(TorchsOptimizer):
    """torch.distributed.optim.ZeroRedundancyOptimizer around Muon or AdamW of libmuon.torch.

        optimizer = ZeroRedundancyOptimizer(
            model.parameters(), optimizer_class=libmuon.torch.Muon, lr=0.02
        )

    Each rank has the state of its part of the parameters, steps these and sends them to the others. Before
    that all ranks agree: where a gradient of one's part has NaN or infinity, with nonfinite "error" all of them
    raise NonFiniteGradientError, with "skip" all leave the step out, and no parameter and no state has
    changed on any. Where they have other shapes, options or gradients, all raise an error that says in what.

    params: the parameters, or groups of them, the same on all ranks.
    optimizer_class: Muon, AdamW, or a subclass.
    process_group: of the ranks; None: all.
    parameters_as_bucket_view: as torch's.
    overlap_with_ddp: only False. With it torch makes steps in the middle of the backward pass, before all
        gradients are known.
    nonfinite: as optimizer_class has it.
    defaults: the options of optimizer_class, such as lr.

    consolidate_state_dict(to=0), then state_dict() on that rank, give a state dict for any number of ranks.

    Raises TypeError for another class, and UnsupportedError (a NotImplementedError) for overlap_with_ddp.
    """

    def __init__(
        self,
        params: Any,
        optimizer_class: type[torch.optim.Optimizer],
        process_group: Optional[Any] = None,
        parameters_as_bucket_view: bool = False,
        overlap_with_ddp: bool = False,
        *,
        nonfinite: NonFinitePolicyName = "error",
        **defaults: Any,
    ) -> None:
        if not (isinstance(optimizer_class, type) and issubclass(optimizer_class, Optimizer)):
            raise TypeError(
                f"optimizer_class: Muon or AdamW of libmuon.torch is expected, not {optimizer_class!r}"
            )
        if overlap_with_ddp:
            raise UnsupportedError(
                "overlap_with_ddp: a step is made in the middle of the backward pass, before all ranks "
                "can agree on it"
            )
        super().__init__(
            params,
            optimizer_class,
            process_group,
            parameters_as_bucket_view=parameters_as_bucket_view,
            **defaults,
        )
        # torch would give it to the groups.
        self.optim.nonfinite = nonfinite

    def step(self, closure: Optional[Callable[[], Any]] = None, **kwargs: Any) -> Any:
        """Makes one step on all ranks, or on none.

        closure: called first, with gradients enabled, to compute the loss; step returns its result.

        Raises what step() of optimizer_class raises, and ExchangeError for what stopped another rank, and where
        ranks differ; nothing has changed then. Where one is lost or fails after all have agreed, such as for
        want of memory, the others raise ExchangeError too, and parameters are undefined, which the text says.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        # As torch does again in its step.
        torchs: Any = super()
        torchs._sync_param_groups(self.param_groups, self.optim.param_groups)
        agreement = Agreement([self.process_group])
        if not agreement.reached(self._stand(), self._described()):
            self.optim._skipped_steps += 1
            return loss
        failure: Optional[BaseException] = None
        try:
            torchs._local_step(**kwargs)
        except Exception as error:
            failure = error
        # Those that wait for its parameters would wait for ever.
        agreement.confirm(failure)
        torchs._sync_params()
        return loss

    @property
    def skipped_steps(self) -> int:
        """How many steps were left out because nonfinite is "skip"."""
        return int(self.optim.skipped_steps)

    @torch.no_grad()
    def _stand(self) -> Stand:
        """How this rank stands before a step."""
        parts = self.optim._parts()
        try:
            with Later(), self.optim._lock, forgetting_doubts(parts):
                return worst_of(
                    (each._nonfinite, partial(why_not_finite, [own.session]))
                    for each, own in zip(parts, all_prepared(parts))
                )
        except Exception as error:
            return stand_of(error)

    def _described(self) -> list[str]:
        """What has to be the same on all ranks."""
        name = type(self.optim).__name__
        lines = [instructions(), f"{name}, nonfinite={self.optim.nonfinite!r}"]
        for number, group in enumerate(self.param_groups):
            lines += [
                f"{name}: {key}={plain(each)!r} in group {number}"
                for key, each in group.items()
                if key != "params"
            ]
            for index, p in enumerate(group["params"]):
                grad = "no gradient" if p.grad is None else "a gradient"
                lines.append(
                    f"parameter {index} of group {number}: shape {tuple(p.shape)}, {p.dtype}, {grad}"
                )
        return lines
