"""The state of an optimizer as a dict, for saving and resuming."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref, c_double, c_int64, c_size_t
from math import isnan, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from ._abi import OptimizerHandle
from ._enums import DType
from ._foreign import address, plain
from ._layout import StateLayout, state_layout
from ._library import check, lib
from ._options import number, ordered, require_keys, whole
from .errors import DTypeError, InvalidArgumentError, ShapeError
from .parameter import Array

if TYPE_CHECKING:
    from .optimizer import Optimizer

# Beside "initial_lr", and only where a scheduler drives the option.
INITIAL = {"initial_momentum": b"momentum", "initial_weight_decay": b"weight_decay"}


def save(optimizer: Optimizer) -> dict[str, Any]:
    """See Optimizer.state_dict."""
    return {
        "kind": optimizer.kind,
        "state": {
            index: read(optimizer, index, layout) for index, layout in enumerate(layouts(optimizer))
        },
        "param_groups": [
            {
                **group.options(),
                "initial_lr": group["initial_lr"],
                **get_initial(optimizer, index),
                "params": indices,
            }
            for index, (group, indices) in enumerate(
                zip(optimizer.param_groups, numbered(optimizer))
            )
        ],
    }


def load(optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
    """See Optimizer.load_state_dict."""
    check_layout(optimizer, saved)
    states = [
        checked(optimizer, index, saved["state"][index], layout)
        for index, layout in enumerate(layouts_with(optimizer, saved["param_groups"]))
    ]
    steps = [get_steps(optimizer, index) for index in range(len(states))]
    options = [dict(group) for group in optimizer.param_groups]
    initial = [get_initial(optimizer, index) for index in range(len(options))]
    try:
        skipped = ("params", *INITIAL)
        for index, each in enumerate(saved["param_groups"]):
            optimizer.param_groups[index].update(
                {key: value for key, value in each.items() if key not in skipped}
            )
            set_initial(optimizer, index, each)
        for index, (step, _) in enumerate(states):
            set_steps(optimizer, index, step)
    except BaseException:
        for group, each in zip(optimizer.param_groups, options):
            del each["params"]
            group.update(each)
        for index, before in enumerate(initial):
            set_initial(optimizer, index, {**dict.fromkeys(INITIAL), **before})
        for index, step in enumerate(steps):
            set_steps(optimizer, index, step)
        raise
    # From here on nothing is left that the library could refuse.
    for index, (_, arrays) in enumerate(states):
        for name, array in arrays:
            check(
                lib.muon_optimizer_set_buffer(
                    optimizer._handle, index, name, address(array), array.size
                )
            )


def check_layout(optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
    """Raises unless the dict is of this kind of optimizer, with the same groups of parameters."""
    require_keys("state_dict", saved, ("kind", "state", "param_groups"))
    if saved["kind"] != optimizer.kind:
        raise InvalidArgumentError(f"state_dict: of {saved['kind']}, but this is {optimizer.kind}")
    groups = ordered("state_dict: param_groups", saved["param_groups"])
    expected = numbered(optimizer)
    if len(groups) != len(expected):
        raise InvalidArgumentError(
            f"state_dict: {len(groups)} parameter groups, but the optimizer has {len(expected)}"
        )
    keys = set(optimizer.param_groups[0])
    for index, (group, indices) in enumerate(zip(groups, expected)):
        require_keys(f"state_dict: param_groups[{index}]", group, ())
        present = set(group) - set(INITIAL)
        if present != keys:
            wrong = ", ".join(map(repr, sorted(present ^ keys)))
            raise InvalidArgumentError(
                f"state_dict: param_groups[{index}]: missing or unknown: {wrong}"
            )
        if ordered(f"state_dict: param_groups[{index}]: params", group["params"]) != indices:
            raise InvalidArgumentError(
                f"state_dict: param_groups[{index}]: its params are {group['params']!r}, "
                f"but the optimizer's are {indices}"
            )
    require_keys("state_dict: state", saved["state"], ())
    if set(saved["state"]) != set(range(len(optimizer._parameters))):
        raise InvalidArgumentError(
            f"state_dict: state: its keys are {list(saved['state'])}, but the optimizer's parameters "
            f"are the integers below {len(optimizer._parameters)}"
        )


def layouts(optimizer: Optimizer) -> list[list[StateLayout]]:
    """The state buffers of each parameter."""
    return [
        state_layout(optimizer._handle, group, parameter.struct(None))
        for group, parameters in enumerate(optimizer._group_parameters)
        for parameter in parameters
    ]


def layouts_with(optimizer: Optimizer, groups: list[Any]) -> list[list[StateLayout]]:
    """The same as it will be with the options of other groups."""
    found: list[list[StateLayout]] = []
    left_out = ("params", "initial_lr", *INITIAL)
    for group, parameters in zip(groups, optimizer._group_parameters):
        options = {key: each for key, each in group.items() if key not in left_out}
        handle = OptimizerHandle()
        check(optimizer._create(byref(optimizer._struct(options)), byref(handle)))
        try:
            found += [state_layout(handle, 0, each.struct(None)) for each in parameters]
        finally:
            check(lib.muon_optimizer_destroy(handle))
    return found


def checked(
    optimizer: Optimizer, index: int, state: Mapping[str, Any], layout: list[StateLayout]
) -> tuple[int, list[tuple[bytes, Array]]]:
    """The number of steps and the arrays of one parameter, ready for the library."""
    parameter = optimizer._parameters[index]
    label = f"state_dict: {parameter.label_at(index)}"
    require_keys(label, state, ())
    keys = {*(each.key for each in layout), "step"}
    if set(state) != keys:
        wrong = ", ".join(map(repr, sorted(set(state) ^ keys)))
        raise InvalidArgumentError(f"{label}: missing or unknown: {wrong}")
    step = whole(f"{label}: step", state["step"])
    if step < 0:
        raise InvalidArgumentError(f"{label}: step: {step} is negative")
    arrays = []
    for name, key, dtype, shape in layout:
        expected = np.dtype(numpy_type(dtype))
        if not isinstance(state[key], np.ndarray) or state[key].dtype != expected:
            raise DTypeError(f"{label}: {key}: a numpy array of {expected} is expected")
        array = plain(state[key])
        if array.shape != shape:
            raise ShapeError(f"{label}: {key}: shape {shape} is expected, not {array.shape}")
        arrays.append((name, np.require(array, np.float32, ["C", "A"])))
    return step, arrays


def read(optimizer: Optimizer, index: int, layout: list[StateLayout]) -> dict[str, Any]:
    """A copy of the state of one parameter."""
    state: dict[str, Any] = {}
    count = c_size_t()
    for name, key, dtype, shape in layout:
        array = np.empty(shape, np.float32)
        check(
            lib.muon_optimizer_get_buffer(
                optimizer._handle, index, name, address(array), array.size, byref(count)
            )
        )
        state[key] = array.astype(numpy_type(dtype), copy=False)
    return {**state, "step": get_steps(optimizer, index)}


def numpy_type(dtype: DType) -> type[Any]:
    """What the dict has for elements of a type: floats are float32, which holds them exactly."""
    return np.int16 if dtype == DType.i16 else np.float32


def numbered(optimizer: Optimizer) -> list[list[int]]:
    """The numbers of the parameters of each group."""
    numbers = iter(range(len(optimizer._parameters)))
    return [[next(numbers) for _ in group] for group in optimizer._group_parameters]


def get_initial(optimizer: Optimizer, group: int) -> dict[str, float]:
    """What schedules of the momentum and the weight decay multiply, by their keys, where there is such."""
    value, found = c_double(), {}
    for key, option in INITIAL.items():
        check(
            lib.muon_optimizer_get_initial_value(optimizer._handle, group, option, byref(value))
        )
        if not isnan(value.value):
            found[key] = value.value
    return found


def set_initial(optimizer: Optimizer, group: int, values: Mapping[str, Any]) -> None:
    """The same, of those that are there; None forgets one."""
    for key in INITIAL.keys() & values.keys():
        value = nan if values[key] is None else number(key, values[key])
        if isnan(value) and values[key] is not None:  # the library's word for None
            raise InvalidArgumentError(f"state_dict: {key}: a number is expected, not nan")
        check(
            lib.muon_optimizer_set_initial_value(optimizer._handle, group, INITIAL[key], value)
        )


def get_steps(optimizer: Optimizer, index: int) -> int:
    steps = c_int64()
    check(lib.muon_optimizer_get_param_steps(optimizer._handle, index, byref(steps)))
    return steps.value


def set_steps(optimizer: Optimizer, index: int, steps: int) -> None:
    check(lib.muon_optimizer_set_param_steps(optimizer._handle, index, steps))
