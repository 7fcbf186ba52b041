"""ParamGroup: the parameters of an optimizer that share their options, as a dict of the options."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from ctypes import byref, c_double
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from ._library import check, lib
from ._options import merged, number
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from .optimizer import Optimizer


class ParamGroup(MutableMapping[str, Any]):
    """The options of one group of parameters; reading and writing them goes to the library.

        group["lr"] = 0.01
        group.update(backend="turbo", backend_steps=4)   # all of them, or none

    Keys: the options of the optimizer by name, "initial_lr" (the rate that schedules multiply, None
    before there is a scheduler), and "params", a list of the group's Parameters, which cannot be
    set. A change takes effect with the next step. An unknown key is a KeyError.
    """

    def __init__(self, optimizer: Optimizer, index: int) -> None:
        self._optimizer = optimizer
        self._index = index

    def options(self) -> dict[str, Any]:
        """A copy of the options alone, without "params" and "initial_lr"."""
        return self._optimizer._read_options(self._index)

    def __getitem__(self, key: str) -> Any:
        if key == "lr":
            return self._read_rate(lib.muon_optimizer_get_lr)
        if key == "initial_lr":
            rate = self._read_rate(lib.muon_optimizer_get_initial_lr)
            return None if isnan(rate) else rate
        if key == "params":
            return list(self._optimizer._group_parameters[self._index])
        options = self.options()
        if key not in options:
            raise KeyError(f"no key {key!r}; there are {', '.join(self)}")
        return options[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "lr":  # the option that is set at every step
            rate = number("lr", value)
            with self._optimizer._lock:
                check(lib.muon_optimizer_set_lr(self._optimizer._handle, self._index, rate))
        else:
            self.update({key: value})

    def update(self, other: Any = (), /, **changes: Any) -> None:
        """Sets several options at once: all of them, or none if one cannot be used."""
        changes = {**dict(other), **changes}
        if "params" in changes:
            raise TypeError('"params" cannot be set; see add_param_group')
        # With the lock, so that none that another thread sets meanwhile is set back.
        with self._optimizer._lock:
            self._update(changes)

    def _update(self, changes: dict[str, Any]) -> None:
        before = self["initial_lr"]
        sets_initial_lr = "initial_lr" in changes
        if sets_initial_lr:
            initial_lr = changes.pop("initial_lr")
            if initial_lr is not None:
                initial_lr = number("initial_lr", initial_lr)
                if isnan(initial_lr):  # the library's word for None
                    raise InvalidArgumentError("initial_lr: a number is expected, not nan")
        options = self.options()
        if "coefficients" in options:
            # Without any the library keeps its own; another backend would refuse them.
            options["coefficients"] = None
        struct = self._optimizer._struct(merged(options, changes))
        if sets_initial_lr:
            self._write_initial_lr(initial_lr)
        try:
            self._optimizer._write_options(self._index, struct)
        except BaseException:
            self._write_initial_lr(before)
            raise

    def __delitem__(self, key: str) -> None:
        raise TypeError("options can be set, but not deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(("params", *self.options(), "initial_lr"))

    def __len__(self) -> int:
        return len(self.options()) + 2

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in self.options().items())
        return f"{len(self['params'])} in params, {options}"

    def _read_rate(self, function: Any) -> float:
        rate = c_double()
        check(function(self._optimizer._handle, self._index, byref(rate)))
        return rate.value

    def _write_initial_lr(self, value: Any) -> None:
        rate = nan if value is None else value
        check(lib.muon_optimizer_set_initial_lr(self._optimizer._handle, self._index, rate))
