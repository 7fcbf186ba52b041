"""The optimizers of Keller Jordan's Muon repository, by their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import InvalidArgumentError
from .whole_module import MuonWithAdamW

# Of groups with "use_muon" and of those without.
DEFAULTS: dict[bool, dict[str, Any]] = {
    True: {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.0},
    False: {"lr": 3e-4, "betas": (0.9, 0.95), "eps": 1e-10, "weight_decay": 0.0},
}


class SingleDeviceMuonWithAuxAdam(MuonWithAdamW):
    """Keller Jordan's SingleDeviceMuonWithAuxAdam: Muon for some groups, AdamW for the others.

    param_groups: dicts with "params" and "use_muon". Those of Muon take "lr" (0.02), "momentum"
        (0.95) and "weight_decay" (0), the others "lr" (3e-4), "betas" (0.9, 0.95), "eps" (1e-10) and
        "weight_decay" (0). Muon's parameters of 3 dimensions are stacks of matrices, those of 4 are
        convolutions.

    State dicts of the original load. There are two departures: a parameter without a gradient stays
    as it is, where the original goes on as if the gradient were 0; and the factor sqrt(max(1, r/c))
    of a convolution is that of its matrix, where the original takes it of the kernel's height and
    width, so that it is 1 for square ones.
    """

    def __init__(self, param_groups: Iterable[dict[str, Any]]) -> None:
        groups = []
        for number, group in enumerate(param_groups):
            if not isinstance(group, dict) or "use_muon" not in group:
                raise InvalidArgumentError(f'param_groups: group {number} has no "use_muon"')
            use_muon = bool(group["use_muon"])
            unknown = sorted(group.keys() - DEFAULTS[use_muon].keys() - {"params", "use_muon"})
            if unknown:
                raise InvalidArgumentError(
                    f"param_groups: group {number} has {', '.join(unknown)}; with use_muon="
                    f"{use_muon} it may have {', '.join(DEFAULTS[use_muon])}"
                )
            groups.append({**DEFAULTS[use_muon], **group, "use_muon": use_muon})
        super().__init__(groups, muon={"adjust_lr_fn": "original"})


class MuonWithAuxAdam(SingleDeviceMuonWithAuxAdam):
    """Keller Jordan's MuonWithAuxAdam, where every process does the whole step.

    The original shares the matrices out among the processes of torch.distributed. Parameters are the
    same either way; under DistributedDataParallel the gradients are. It sorts the parameters of a
    group with "use_muon" by size, largest first, and state dicts follow that order.
    """

    def __init__(self, param_groups: Iterable[dict[str, Any]]) -> None:
        groups = [*param_groups]
        for number, group in enumerate(groups):
            if isinstance(group, dict) and group.get("use_muon"):
                ordered = sorted(group["params"], key=lambda each: each.size(), reverse=True)
                groups[number] = {**group, "params": ordered}
        super().__init__(groups)
