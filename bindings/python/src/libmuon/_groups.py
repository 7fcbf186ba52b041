"""What the first argument of an optimizer says: parameters, and the options of their groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._foreign import is_array
from ._options import merged, ordered, require_keys
from .errors import InvalidArgumentError
from .parameter import Parameter, as_parameters


def split_groups(
    params: Any, defaults: dict[str, Any]
) -> list[tuple[list[Parameter], dict[str, Any]]]:
    """The groups that an optimizer's first argument describes: their parameters and options."""
    if not (isinstance(params, (Mapping, Parameter)) or is_array(params)):
        params = ordered("params", params, "a list of parameters or of groups")
        if params and all(isinstance(item, Mapping) for item in params):
            groups: list[tuple[list[Parameter], dict[str, Any]]] = []
            first = 0
            for group in params:
                groups.append(split_group(group, defaults, first))
                first += len(groups[-1][0])
            return groups
    parameters = as_parameters(params)
    if not parameters:
        raise InvalidArgumentError("an optimizer needs at least one parameter")
    return [(parameters, defaults)]


def split_group(
    group: Mapping[str, Any], defaults: dict[str, Any], first: int
) -> tuple[list[Parameter], dict[str, Any]]:
    """The parameters and options of a group given as a dict; first: how many come before it."""
    require_keys("a parameter group", group, ())
    changes = dict(group)
    if "params" not in changes:
        raise KeyError('a parameter group needs "params"')
    params = changes.pop("params")
    if isinstance(params, Parameter) or is_array(params):
        params = [params]
    return as_parameters(params, first), merged(defaults, changes)
