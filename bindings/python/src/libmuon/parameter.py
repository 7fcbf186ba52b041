"""Parameter: a numpy array that an optimizer updates in place, and its gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ctypes import byref, c_int64, pointer, sizeof
from typing import Any, Optional, Union, cast

import numpy as np
import numpy.typing as npt

from . import _abi
from ._enums import DType, Master
from ._foreign import AnyArray, address, as_array, given, is_array, plain
from ._library import check, lib
from ._options import member, ordered
from .errors import DTypeError, InvalidArgumentError, ShapeError
from .view import View

Array = npt.NDArray[Any]

FLOATS = {"float16": DType.f16, "bfloat16": DType.bf16, "float32": DType.f32, "float64": DType.f64}
NUMPY_NAMES = {
    DType.f32: "float32",
    DType.bf16: "bfloat16, or uint16 for its bits,",
    DType.f16: "float16, or uint16 for its bits,",
}


class Parameter:
    """An array to be trained and its gradient; an optimizer updates the array in place.

    array: a numpy array of float32, float16 or ml_dtypes.bfloat16: C-contiguous, aligned and writeable, of
        any shape; or one of another library in CPU memory, such as torch's, by __array_interface__ or
        DLPack, which is read-only before numpy 2.1. It is never copied: what cannot be used as it is raises
        an error that names the parameter. Do not resize it while an optimizer has it. Other dtypes are for
        the builders alone, which leave out what is not floating point, and what does not require a gradient.
    name: for error messages, gradients and routes by name, and checkpoints. An optimizer keeps the name
        that the parameter has when it is added.
    requires_grad: read by the builders only. False leaves the parameter out.
    view: how Muon sees the array as matrices, a View; None: as the one that it is. AdamW ignores it.
    dtype: "f32", "bf16" or "f16": what the array's elements are; None: what its dtype says. It has to be
        said of an array of uint16, which is taken for the bits of bfloat16 or float16.
    grad_dtype: the same of the gradient; None: as the array.
    state_dtype: of Muon's momentum: "f32", or "bf16", to which it is rounded after each step.
    master: what the state keeps of an array that is not float32, so that small updates are not lost:
        "f32", the parameter in float32, 4 bytes an element; "remainder", for bfloat16, the other half of
        its bits, 2 bytes an element, for the same steps; "none": nothing. See docs/half-precision.md.

    Raises TypeError if array is no array, name no str or view no View, DTypeError if it is floating point of
    another kind, InvalidArgumentError for a layout that cannot be used, for a dtype or master that there is not, and
    for an array that its library does not hand out, and UnsupportedError for memory of another device.
    """

    __slots__ = (
        "__weakref__",
        "_data",
        "_dtype",
        "_grad",
        "_grad_dtype",
        "_master",
        "_memory",
        "_name",
        "_state_dtype",
        "_view",
        "requires_grad",
    )

    requires_grad: bool

    def __init__(
        self,
        array: AnyArray,
        name: Optional[str] = None,
        requires_grad: bool = True,
        *,
        view: Optional[View] = None,
        dtype: Optional[str] = None,
        grad_dtype: Optional[str] = None,
        state_dtype: str = "f32",
        master: str = "f32",
    ) -> None:
        self._grad: Optional[Array] = None
        self.name = name
        self.requires_grad = bool(requires_grad)
        memory = plain(as_array(array, self.label))
        if view is not None and not isinstance(view, View):
            raise TypeError(f"{self.label}: view: a View is expected, not {type(view).__name__}")
        self._view = view
        self._data = cast(Array, array)
        self._memory = memory
        self._dtype = dtype_of(self._memory) if dtype is None else float_type("dtype", dtype)
        self._grad_dtype = None if grad_dtype is None else float_type("grad_dtype", grad_dtype)
        self._state_dtype = float_type("state_dtype", state_dtype)
        self._master = Master(member("master", master, Master))
        if self.requires_grad and self._dtype != DType.not_float:
            self.check_trainable()

    @property
    def name(self) -> Optional[str]:
        """The name, if there is one."""
        return self._name

    @name.setter
    def name(self, value: Optional[str]) -> None:
        if value is not None and not isinstance(value, str):
            raise TypeError(f"a parameter's name: text is expected, not {type(value).__name__}")
        if value is not None and "\0" in value:
            raise InvalidArgumentError(f"a parameter's name: {value!r} has a NUL character in it")
        self._name = value

    @property
    def data(self) -> Array:
        """The array that was given; not a copy."""
        return self._data

    @data.setter
    def data(self, value: Array) -> None:
        # For `parameter.data -= x`, which changes the array in place and then sets it to itself.
        if value is not self._data:
            raise AttributeError(f"{self.label}: data cannot be exchanged; write into it: data[:] = x")

    @property
    def grad(self) -> Optional[Array]:
        """The gradient: None, or a C-contiguous, aligned array of the parameter's shape, and of its dtype unless
        grad_dtype said otherwise; of numpy or, in CPU memory, of another library, such as JAX.

        It is kept, not copied: writing into it later is writing the gradient. The optimizers read
        it in step(); only zero_grad() writes it.
        """
        return given(self._grad)  # type: ignore[no-any-return]

    @grad.setter
    def grad(self, value: Optional[AnyArray]) -> None:
        self._grad = self.check_grad(value)

    @property
    def view(self) -> Optional[View]:
        """How Muon sees the array as matrices; None: as the one that it is."""
        return self._view

    @property
    def dtype(self) -> str:
        """What the array's elements are: "f32", "bf16", "f16", or what the builders leave out."""
        return self._dtype.name

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents of the array."""
        return self._memory.shape

    @property
    def ndim(self) -> int:
        """The number of extents: 2 for a matrix, 1 for a vector, 0 for a scalar."""
        return self._memory.ndim

    @property
    def label(self) -> str:
        """The parameter as error messages call it."""
        return "unnamed parameter" if self.name is None else f"parameter '{self.name}'"

    def label_at(self, index: int) -> str:
        """The same in an optimizer, where it has this number: the library calls it by that, too."""
        return f"parameter 'param{index}'" if self.name is None else self.label

    def check_trainable(self) -> None:
        """Raises unless an optimizer can update the array in place."""
        check_array(self._memory, self._dtype, self.label)
        if not self._memory.flags.writeable:
            raise InvalidArgumentError(f"{self.label}: the array is read-only")

    def check_grad(self, value: Optional[AnyArray], label: Optional[str] = None) -> Optional[Array]:
        """Value as an array of numpy. Raises unless it can be the gradient."""
        if value is None:
            return None
        name = f"{label or self.label}: gradient"
        array = as_array(value, name)
        memory = check_array(array, self._grad_dtype or self._dtype, name)
        if memory.shape != self.shape:
            raise ShapeError(f"{name}: shape {self.shape} is expected, not {memory.shape}")
        return array

    def struct(self, grad: Optional[Array]) -> _abi.Param:
        """The parameter as C sees it. The struct keeps its name and shape alive, not the arrays.

        grad: its gradient, which a caller that has to keep it alive has read before, once: another
            thread may set .grad at any time.
        """
        param = _abi.Param()
        check(lib.muon_param_init(byref(param), sizeof(param)))
        if self.name is not None:
            param.name = self.name.encode("utf-8", "replace")
        param.dtype = self._dtype
        param.grad_dtype = self._grad_dtype or 0
        param.state_dtype = self._state_dtype
        param.master = self._master
        param.requires_grad = self.requires_grad
        param.ndim = self.ndim
        param.shape = (c_int64 * self.ndim)(*self.shape)
        if self._view is not None:
            param.view = pointer(self._view.struct())
        param.data, param.data_count = address(self._memory), self._memory.size
        if grad is not None:
            memory = plain(grad)
            param.grad, param.grad_count = address(memory), memory.size
        return param

    def __repr__(self) -> str:
        name = "" if self.name is None else f"{self.name!r}, "
        return f"Parameter({name}shape={self.shape}, dtype={self._memory.dtype})"


# What one parameter can be given as.
ParameterLike = Union[Parameter, AnyArray, tuple[str, Union[AnyArray, Parameter]]]


def structs_of(parameters: list[Parameter], grads: list[Optional[Array]]) -> Any:
    """An array of them for C, with these gradients."""
    structs = (parameter.struct(grad) for parameter, grad in zip(parameters, grads))
    return (_abi.Param * len(parameters))(*structs)


def dtype_of(array: Array) -> DType:
    """The element type as the library numbers it. Floats of unknown kinds count as float64."""
    unlisted = DType.f64 if array.dtype.kind == "f" else DType.not_float
    return FLOATS.get(array.dtype.name, unlisted)


def float_type(name: str, value: str) -> DType:
    """An element type that a parameter can be said to have."""
    dtype = DType(member(name, value, DType))
    if dtype not in (DType.f32, DType.bf16, DType.f16):
        raise DTypeError(f"{name}: 'f32', 'bf16' or 'f16' is expected, not {value!r}")
    return dtype


def holds(array: Array, dtype: DType) -> bool:
    """Whether the elements of an array are of a type, as far as numpy knows them."""
    if dtype == DType.bf16:
        return array.dtype.name == "bfloat16" or array.dtype == np.uint16
    # Unequal for the other byte order.
    if dtype == DType.f16:
        return array.dtype in (np.float16, np.uint16)
    return dtype == DType.f32 and array.dtype == np.float32


def check_array(array: AnyArray, dtype: DType, label: str) -> Array:
    """The array as a plain one. Raises unless its elements are of this type, C-contiguous and aligned, so that
    C can use it as it is."""
    array = plain(as_array(array, label))
    if not holds(array, dtype):
        expected = NUMPY_NAMES.get(dtype, "float32, float16 or bfloat16")
        found = array.dtype.name if array.dtype.isnative else array.dtype.str
        raise DTypeError(f"{label}: dtype {expected} is expected, not {found}")
    if not array.flags.c_contiguous:
        raise InvalidArgumentError(
            f"{label}: the array is not C-contiguous (strides {array.strides} for shape "
            f"{array.shape}); pass numpy.ascontiguousarray of it"
        )
    if not array.flags.aligned:
        raise InvalidArgumentError(
            f"{label}: the array is not aligned to its {array.itemsize}-byte elements"
        )
    return array


def as_parameters(
    items: Union[Iterable[ParameterLike], Mapping[str, Union[AnyArray, Parameter]]], first: int = 0
) -> list[Parameter]:
    """Parameters from Parameters, arrays, (name, array) pairs, or a dict of name to array.

    A bare array is named "param" and its number, counted from first. A Parameter in a pair keeps
    its own name, if it has one.
    """
    if isinstance(items, Parameter) or is_array(items):
        raise TypeError("an iterable of parameters is expected; put a single one into a list")
    listed = items.items() if isinstance(items, Mapping) else ordered("params", items)
    parameters = []
    for index, item in enumerate(listed, first):
        name = None
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str):
            name, item = item
        if isinstance(item, Parameter):
            if item.name is None:
                item.name = name
            parameters.append(item)
        else:
            parameters.append(Parameter(item, f"param{index}" if name is None else name))
    return parameters
