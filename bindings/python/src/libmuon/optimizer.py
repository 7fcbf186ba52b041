"""Optimizer: what Muon and AdamW have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from ctypes import Structure, byref, c_double, c_int, c_int64, c_size_t
from typing import Any, ClassVar, Optional, Union

import numpy as np

from . import _state, _statistics
from ._abi import OptimizerHandle
from ._enums import NonFinitePolicy
from ._exchange import Connection, Exchange, connect, make_step, owner_of
from ._foreign import AnyArray, address, is_array, plain
from ._groups import split_group, split_groups
from ._library import check, failure, free_with, lib
from ._lock import give_lock
from ._options import member, number, ordered, whole
from ._statistics import ParameterStatistics
from .errors import InvalidArgumentError, MuonError
from .param_group import ParamGroup
from .parameter import Array, Parameter, ParameterLike, structs_of

# What the first argument of an optimizer may be.
Params = Union[Iterable[ParameterLike], Iterable[Mapping[str, Any]], Mapping[str, Any]]
# What step() takes: gradients in the order of the parameters, or by their names.
Grads = Union[Sequence[Optional[AnyArray]], Mapping[str, Optional[AnyArray]]]


class Optimizer:
    """The base of Muon and AdamW, which are to be used.

    Several threads may use one optimizer: calls wait for each other. A step uses the gradients that
    are set when it begins. state_dict() is of one moment only if no other thread makes a step
    meanwhile; a checkpoint always is.
    """

    _create: ClassVar[Any]
    _add_group: ClassVar[Any]
    _step: ClassVar[Any] = lib.muon_optimizer_step

    # "Muon" or "AdamW", as in state_dict().
    kind: ClassVar[str]
    defaults: dict[str, Any]
    _lock: AbstractContextManager[Any]

    def _start(self, params: Params, defaults: dict[str, Any], nonfinite: str) -> None:
        """What the constructor of every kind does with its arguments."""
        groups = split_groups(params, defaults)
        handle = OptimizerHandle()
        check(self._create(byref(self._struct(groups[0][1])), byref(handle)))
        self._own(handle, defaults)
        self.nonfinite = nonfinite
        self._bind_first(groups[0][0])
        for parameters, options in groups[1:]:
            self._new_group(parameters, options)

    def _own(self, handle: OptimizerHandle, defaults: dict[str, Any]) -> None:
        self._handle = handle
        give_lock(self)
        free_with(self, lib.muon_optimizer_destroy, handle)
        self.defaults = defaults
        self._connection: Optional[Connection] = None
        self._kept: Any = None  # the connections that the library may have pointers to
        self._parameters: list[Parameter] = []
        self._group_parameters: list[list[Parameter]] = []
        # The gradients that the library has the addresses of. They stay alive here, whatever
        # becomes of Parameter.grad.
        self._bound: list[Any] = []  # while one is exchanged, both
        self._numbers: Optional[dict[int, int]] = None

    @classmethod
    def _adopt(
        cls,
        handle: OptimizerHandle,
        groups: Sequence[tuple[list[Parameter], list[Optional[Array]]]],
    ) -> Optimizer:
        """An optimizer that a builder of the library made, with the parameters and gradients of its groups."""
        self = cls.__new__(cls)
        self._own(handle, {})
        for parameters, grads in groups:
            self._note_group(parameters, grads)
        self.defaults = self._read_options(0)
        return self

    # ---- Training

    def step(self, grads: Optional[Grads] = None) -> None:
        """Makes one step: updates every parameter that has a gradient, in place.

        grads: None to use each Parameter's .grad. Or the gradients, which then become their .grad:
            a sequence with an array or None for each parameter, in the order of .parameters, or a
            dict by parameter name, where a name that is left out has no gradient in this step.

        A parameter without a gradient is skipped and its state is untouched. Raises
        NonFiniteGradientError for NaN or infinity in a gradient or in the state it would leave (see
        .nonfinite), and an error that names the parameter for a gradient that cannot be used; then
        nothing has changed.
        """
        if grads is not None:
            self._step_with(grads)
            return
        self._exchange()
        # Without the lock, since this may log. What another thread binds in between is alive as well.
        if self._connection is not None:
            make_step([self], self._step, self._handle)
            return
        status = self._step(self._handle)
        if status:
            raise failure(status)

    def step_param(self, parameter: Union[Parameter, int, str], grad: AnyArray) -> None:
        """Makes the step of one parameter, with a gradient that is read during the call and not kept.

        For those who work out one gradient after the other and have one buffer for all of them. The
        result is that of step(), to the bit; the other parameters stay as they are, and .grad is not
        looked at. Call a scheduler's step() once, after the last parameter.

        parameter: one of .parameters, its index there, or its name: the first that has it.
        grad: an array of the parameter's shape.

        Raises as step(), for this parameter alone, and InvalidArgumentError for one that is not there;
        then nothing has changed. With nonfinite "skip" each that is left out is counted.
        """
        number = self._number(parameter)
        if not 0 <= number < len(self._parameters):
            raise InvalidArgumentError(
                f"there is no parameter {number}: there are {len(self._parameters)}"
            )
        known = self._parameters[number]
        label = known.label_at(number)
        array = known.check_grad(grad, label)
        if array is None:
            raise TypeError(f"{label}: gradient: an array is expected, not None")
        memory = plain(array)
        make_step([self], lib.muon_optimizer_step_param, self._handle, number, address(memory), memory.size)

    def _exchange(self) -> None:
        """Tells the library where the gradients are that were set since."""
        # Without the lock, which has its price: where nothing is to be exchanged, none is needed.
        bound = self._bound
        index = 0
        for parameter in self._parameters:
            if parameter._grad is not bound[index]:
                self._rebind_all()
                break
            index += 1

    def _step_with(self, grads: Grads) -> None:
        """A step with these gradients; where it fails the parameters keep those they had."""
        before = [parameter._grad for parameter in self._parameters]
        try:
            self._take(grads)
            Optimizer.step(self)
        except BaseException:
            for parameter, grad in zip(self._parameters, before):
                parameter._grad = grad
            raise

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Writes zeros into every gradient, or with set_to_none sets .grad to None instead."""
        if set_to_none:
            for parameter in self._parameters:
                parameter.grad = None
            return
        # To the end with the lock: another thread's step could bind a gradient that is read-only.
        with self._lock:
            for index, parameter in enumerate(self._parameters):
                grad = parameter._grad
                if grad is not None and not plain(grad).flags.writeable:
                    label = parameter.label_at(index)
                    raise InvalidArgumentError(f"{label}: the gradient is read-only")
                if grad is not self._bound[index]:
                    self._rebind(index, grad)
            check(lib.muon_optimizer_zero_grad(self._handle))

    def _rebind_all(self) -> None:
        with self._lock:
            for index, parameter in enumerate(self._parameters):
                # Read once: another thread may set it at any time.
                grad = parameter._grad
                if grad is not self._bound[index]:
                    self._rebind(index, grad)

    def _rebind(self, index: int, grad: Optional[Array]) -> None:
        """Tells the library where a gradient is, and keeps it alive. With the lock."""
        memory, count = None, 0
        if grad is not None:
            array = plain(grad)
            memory, count = address(array), array.size
        bound = self._bound
        while bound[index] is not grad:
            # Both, should an interrupt come before it is known which of them the library has.
            bound[index] = both = (bound[index], grad)
            try:
                check(lib.muon_optimizer_bind_buffer(self._handle, index, b"grad", memory, count))
            except MuonError:
                bound[index] = both[0]
                raise
            # Unless a signal handler or a finalizer came in between, and has bound another one.
            if bound[index] is both:
                bound[index] = grad

    def _take(self, grads: Grads) -> None:
        """Sets the gradients of all parameters, after all of them were checked."""
        if isinstance(grads, Mapping):
            names = [parameter.name for parameter in self._parameters]
            counts = Counter(names)
            for name in grads:
                if counts[name] != 1:
                    raise KeyError(f"grads: {counts[name]} parameters have the name {name!r}")
            values = [None if name is None else grads.get(name) for name in names]
        elif is_array(grads):
            raise TypeError("grads: a sequence of arrays is expected; put a single one into a list")
        else:
            values = ordered("grads", grads, "a list of arrays, or a dict of them,")
            if len(values) != len(self._parameters):
                expected = len(self._parameters)
                raise InvalidArgumentError(f"grads: {expected} are expected, not {len(values)}")
        for index, (parameter, value) in enumerate(zip(self._parameters, values)):
            parameter.check_grad(value, parameter.label_at(index))
        for parameter, value in zip(self._parameters, values):
            parameter.grad = value

    # ---- Parameters and their groups

    @property
    def parameters(self) -> list[Parameter]:
        """All parameters, in the order in which state_dict() numbers them."""
        return list(self._parameters)

    @property
    def param_groups(self) -> list[ParamGroup]:
        """The groups of parameters, as dicts of their options: param_groups[0]["lr"] = 0.01."""
        return [ParamGroup(self, index) for index in range(len(self._group_parameters))]

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Adds {"params": [...], "lr": ..., ...}; options not given are the constructor's."""
        with self._lock:
            parameters, options = split_group(group, self.defaults, len(self._parameters))
            self._new_group(parameters, options)

    def _bind_first(self, parameters: list[Parameter]) -> None:
        """Adds the parameters of the group that the optimizer was made with."""
        grads = [parameter._grad for parameter in parameters]
        for parameter, grad in zip(parameters, grads):
            parameter.check_trainable()
            struct = byref(parameter.struct(grad))
            check(lib.muon_optimizer_add_param(self._handle, 0, struct, None))
        self._note_group(parameters, grads)

    def _new_group(self, parameters: list[Parameter], options: Mapping[str, Any]) -> None:
        """Adds a group: all of it, or nothing."""
        for parameter in parameters:
            parameter.check_trainable()
        grads = [parameter._grad for parameter in parameters]
        structs, index, count = structs_of(parameters, grads), c_int64(), c_size_t()
        struct = byref(self._struct(options))
        before, first = len(self._group_parameters), len(self._parameters)
        try:
            # Ahead of the call: an interrupt after it must find noted what the library has.
            self._note_group(parameters, grads)
            check(self._add_group(self._handle, struct, structs, len(structs), byref(index)))
        except BaseException:
            check(lib.muon_optimizer_get_group_count(self._handle, byref(count)))
            if count.value == before:
                # New lists, for step() may be reading the old ones.
                self._group_parameters = self._group_parameters[:before]
                self._parameters = self._parameters[:first]
                self._bound = self._bound[:first]
                self._numbers = None
            raise

    def _note_group(self, parameters: list[Parameter], grads: list[Optional[Array]]) -> None:
        self._group_parameters.append(parameters)
        # Before the parameters: step() reads both without the lock.
        self._bound.extend(grads)
        self._parameters.extend(parameters)
        self._numbers = None

    def _struct(self, options: Mapping[str, Any]) -> Structure:
        raise NotImplementedError

    def _read_options(self, group: int) -> dict[str, Any]:
        raise NotImplementedError

    def _write_options(self, group: int, struct: Structure) -> None:
        raise NotImplementedError

    @property
    def grad_scale(self) -> float:
        """What the next step multiplies gradients by, in float32: finite, at least 0.

        It is for one step: when that was made, or skipped or refused for NaN or infinity, it is 1 again.
        clip_grad_norm sets it for several optimizers.
        """
        scale = c_double()
        check(lib.muon_optimizer_get_grad_scale(self._handle, byref(scale)))
        return scale.value

    @grad_scale.setter
    def grad_scale(self, value: float) -> None:
        check(lib.muon_optimizer_set_grad_scale(self._handle, number("grad_scale", value)))

    # ---- Gradients that are not finite

    @property
    def nonfinite(self) -> str:
        """What step() does with NaN or infinity in a gradient, or in the state it would leave.

        "error" raises NonFiniteGradientError, "skip" leaves the whole step out and counts it in
        skipped_steps; both change nothing else. "propagate" goes on.
        """
        policy = c_int()
        check(lib.muon_optimizer_get_nonfinite_policy(self._handle, byref(policy)))
        return NonFinitePolicy(policy.value).name

    @nonfinite.setter
    def nonfinite(self, value: str) -> None:
        policy = member("nonfinite", value, NonFinitePolicy)
        check(lib.muon_optimizer_set_nonfinite_policy(self._handle, policy))

    @property
    def skipped_steps(self) -> int:
        """How many steps were left out because nonfinite is "skip"."""
        count = c_int64()
        check(lib.muon_optimizer_get_skipped_steps(self._handle, byref(count)))
        return count.value

    @property
    def scratch_bytes(self) -> int:
        """The memory that steps use beside parameters, gradients and state; 0 before the first."""
        count = c_size_t()
        check(lib.muon_optimizer_get_scratch_bytes(self._handle, byref(count)))
        return count.value

    # ---- What steps measure

    @property
    def statistics_level(self) -> str:
        """What steps measure, from the next one on: "none", "basic" or "orthogonality".

        "none", the default, costs nothing. "basic" is all of ParameterStatistics but
        orthogonality_error: two more passes over memory, and for Muon a copy of the largest matrix
        for each thread. "orthogonality" is all of it: for Muon one and a half more products, and
        memory for up to three matrices more. What is trained stays the same to the bit.
        """
        return _statistics.read_level(self._handle)

    @statistics_level.setter
    def statistics_level(self, value: str) -> None:
        _statistics.write_level(self._handle, value)

    def statistics(self, parameter: Union[Parameter, int, str]) -> Optional[ParameterStatistics]:
        """The latest measured step of a parameter: one of .parameters, its index there, or its name.

        None if no step of it was measured yet. A step that raises or is skipped, and one in which the
        parameter has no gradient, leave them as they are.
        """
        return _statistics.read(self._handle, self._number(parameter))

    def _number(self, parameter: Union[Parameter, int, str]) -> int:
        """The index of a parameter, which may be given by it, or by its name."""
        if isinstance(parameter, str):
            index = c_int64()
            name = parameter.encode("utf-8", "backslashreplace")
            check(lib.muon_optimizer_find_param(self._handle, name, byref(index)))
            return index.value
        if not isinstance(parameter, Parameter):
            return whole("parameter", parameter)
        with self._lock:
            if self._numbers is None:
                pairs = [*enumerate(self._parameters)]
                # Backwards: an empty one may be there twice, and the first counts.
                self._numbers = {id(each): index for index, each in reversed(pairs)}
            number = self._numbers.get(id(parameter))
        if number is None:
            raise InvalidArgumentError(f"{parameter.label} is not in this optimizer")
        return number

    # ---- Several processes

    def set_exchange(self, exchange: Optional[Exchange]) -> None:
        """From now on the ranks of an exchange train together; libmuon.mpi.attach does this for MPI.

        Each rank has the same parameters, state and options, makes the same calls in the same order and has
        equal gradients in each step; the result is to the bit that of one process. All ranks make this call,
        which compares what they have. Before each step the ranks agree, and where NaN or another failure keeps
        one of them from it, no rank makes the step and all raise the same error. After a step that broke
        off, because another rank was lost, parameters are undefined, and steps raise ExchangeError until a
        checkpoint is loaded and the exchange set again.

        exchange: None: this process trains alone. Raises ExchangeError with the first difference, and what the
        exchange raises; the optimizer keeps the exchange that it had.
        """
        # To the end with the lock: of what two threads set, the one that the library has must be kept.
        with self._lock:
            before = self._connection
            after = None if exchange is None else Connection(exchange)
            # Both, should an interrupt come before it is known which of them the library has.
            self._kept = before, after
            connect(self._handle, after)
            self._connection = after

    def owner(self, parameter: Union[Parameter, int, str]) -> Optional[int]:
        """The rank that works out the steps of a parameter: one of .parameters, its index there, or its name.

        None where there is no one rank: without an exchange, of an AdamW, and of a view whose matrices have
        several.
        """
        return owner_of(self._handle, self._number(parameter))

    # ---- Saving and resuming

    def state_dict(self) -> dict[str, Any]:
        """A copy of the state, laid out as torch does, of plain objects and numpy arrays.

        {"kind": "Muon", "state": {0: {"momentum_buffer": array, "step": 10}, ...},
        "param_groups": [{"lr": 0.02, ..., "params": [0, ...]}]}; for AdamW the state of a parameter
        is "exp_avg", "exp_avg_sq" and "step". The parameters themselves are not in it.
        """
        with self._lock:
            return _state.save(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Goes on from what state_dict() returned: the state, and the options of the groups.

        The kind, the groups and the shapes must be those of this optimizer. Everything is checked
        first: if something does not fit, nothing has changed.
        """
        with self._lock:
            _state.load(self, state_dict)

    def __reduce__(self) -> Any:
        raise TypeError(f"{type(self).__name__} cannot be pickled or copied; use its state_dict()")

    def __repr__(self) -> str:
        groups = "".join(f"\n  {index}: {group}" for index, group in enumerate(self.param_groups))
        return f"{type(self).__name__}({groups}\n)"
