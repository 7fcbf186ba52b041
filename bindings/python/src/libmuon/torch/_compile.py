"""What torch.compile is not to look into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch

F = TypeVar("F", bound=Callable[..., object])


def uncompiled(function: F) -> F:
    """A function that runs as it is where compiled code calls it.

    torch.compile ends its graph there, and with fullgraph=True raises an error that has the reason.
    """
    disable: Any = torch.compiler.disable
    reason = (
        "libmuon computes it outside of torch's graphs: compile the model, forward and backward, "
        "and call this from Python"
    )
    return cast(F, disable(function, reason=reason))
