"""Which torch tensors the library can use as they are, and which through a copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
import torch
from torch import Tensor, nn

from .._enums import DType
from .._options import number, require_unmasked
from ..errors import InvalidArgumentError, ShapeError, UnsupportedError

# What C calls the types that it reads and writes.
DTYPES = {
    torch.float32: DType.f32,
    torch.bfloat16: DType.bf16,
    torch.float16: DType.f16,
    torch.int16: DType.i16,
}
# Those of parameters and gradients.
FLOATS = (torch.float32, torch.bfloat16, torch.float16)
FLOAT32 = (torch.float32,)
# In the state of a parameter of 16 bits: the parameter in float32, or the lower half of its bits.
MASTER, REMAINDER = "master", "remainder"
# Tensors that stand for others, such as DTensor, have their own.
PLAIN = Tensor.__torch_dispatch__


def plain(value: Any) -> Any:
    """An option without tensors and arrays in it: they may change in place, and C takes numbers."""
    if isinstance(value, Tensor):
        check_memory("an option that is a tensor", value)
        return value.item() if value.numel() == 1 else plain(value.tolist())
    if isinstance(value, np.ndarray):
        require_unmasked("an option that is an array", value)
        return value.item() if value.size == 1 else plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return tuple(plain(each) for each in value)
    return value


def address(tensor: Tensor) -> int:
    """Where the elements begin, whatever a subclass says of itself."""
    if type(tensor) is Tensor or type(tensor) is nn.Parameter:
        return int(tensor.data_ptr())
    with torch._C.DisableTorchFunctionSubclass():
        return int(torch._C.TensorBase.data_ptr(tensor))


def storage(tensor: Tensor) -> Any:
    """What owns the elements. Who has it keeps them alive, whatever others set .data to."""
    if type(tensor) is Tensor or type(tensor) is nn.Parameter:
        return tensor.untyped_storage()
    with torch._C.DisableTorchFunctionSubclass():
        return torch._C.TensorBase.untyped_storage(tensor)


def memory_of(tensor: Tensor) -> tuple[Any, int]:
    """The storage and the address, of one moment: another thread may set .data in between."""
    for _ in range(100):
        memory, place = storage(tensor), address(tensor)
        begin = memory.data_ptr()
        if not place or begin <= place <= begin + memory.nbytes():
            break
    return memory, place


def check_memory(label: str, tensor: Tensor) -> None:
    """Raises where others have freed or shrunk the memory of a strided tensor."""
    if tensor.layout is not torch.strided or not tensor.numel():
        return
    extent = 1 + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride()))
    if storage(tensor).nbytes() < (tensor.storage_offset() + extent) * tensor.element_size():
        raise InvalidArgumentError(f"{label}: its memory has been freed or shrunk")


def check_tensor(optimizer: str, label: str, tensor: Tensor) -> None:
    """Raises unless the elements are real numbers in CPU memory, dense or strided."""
    if tensor.is_complex():
        raise UnsupportedError(f"{optimizer} does not support complex parameters: {label}")
    if tensor.layout is not torch.strided:
        raise UnsupportedError(
            f"{optimizer} does not support sparse gradients or parameters: {label} is "
            f"{tensor.layout}"
        )
    if not tensor.is_cpu:
        raise UnsupportedError(f"{label}: CPU memory is expected, but it is on {tensor.device}")
    if type(tensor).__torch_dispatch__ is not PLAIN:
        raise UnsupportedError(
            f"{label}: a plain tensor is expected, not a {type(tensor).__name__}, which has no "
            "memory of its own"
        )
    check_memory(label, tensor)


def check_parameter(optimizer: str, label: str, parameter: Tensor) -> None:
    """Raises unless the library can train it, if need be in a contiguous copy."""
    check_tensor(optimizer, label, parameter)
    if parameter.dtype not in FLOATS:
        raise UnsupportedError(
            f"{label}: float32, bfloat16 or float16 is expected, not {parameter.dtype}"
        )
    if parameter.is_inference() and not usable(parameter):
        raise UnsupportedError(
            f"{label}: made in torch.inference_mode(), it has to be contiguous"
        )
    check_shared(label, parameter)


def check_shared(label: str, tensor: Tensor) -> None:
    """Raises where a copy, written back, would land in one element several times."""
    if any(size > 1 and stride == 0 for size, stride in zip(tensor.shape, tensor.stride())):
        raise InvalidArgumentError(
            f"{label}: its elements share memory (strides {tensor.stride()} for shape "
            f"{tuple(tensor.shape)}); pass a clone of it"
        )


def usable(tensor: Tensor, dtypes: Sequence[torch.dtype] = FLOATS) -> bool:
    """Whether C can read the tensor, of one of these types, where it is."""
    return (
        tensor.dtype in dtypes
        and tensor.layout is torch.strided
        and tensor.is_contiguous()
        and tensor.is_cpu
        and not tensor.is_neg()
        and type(tensor).__torch_dispatch__ is PLAIN
    )


def float32_copy(tensor: Tensor) -> Tensor:
    """Its values as contiguous float32 in memory of its own."""
    return copy_of(tensor, torch.float32)


def copy_of(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Its values as contiguous numbers of a type in memory of its own."""
    return torch.empty(tensor.shape, dtype=dtype, device="cpu").copy_(tensor.detach())


def gradient_type(grad: Tensor) -> torch.dtype:
    """What C reads a gradient as."""
    return grad.dtype if grad.dtype in FLOATS else torch.float32


def gradient(optimizer: str, label: str, grad: Tensor, negate: bool, dtype: torch.dtype) -> Tensor:
    """A gradient as C reads it: itself, or a contiguous copy of this type."""
    check_tensor(optimizer, f"the gradient of {label}", grad)
    if negate:
        return copy_of(grad, dtype).neg_()
    return grad if usable(grad, (dtype,)) else copy_of(grad, dtype)


def state_tensor(
    label: str,
    name: str,
    value: Optional[Any],
    shape: torch.Size,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """A state buffer as C updates it: the tensor that is there, a copy of it in its type, or zeros."""
    if value is None:
        return torch.zeros(shape, dtype=dtype, device="cpu")
    check_state(label, name, value, shape)
    return value if usable(value, (dtype,)) and not value.is_inference() else copy_of(value, dtype)


def step_tensor(value: Any, label: str = "step") -> Tensor:
    """AdamW's count of steps as torch keeps it: a float32 scalar, or one that can be added to."""
    if not isinstance(value, Tensor):
        return torch.tensor(number("step", value), dtype=torch.float32, device="cpu")
    check_memory(label, value)
    can_be_added_to = value.is_floating_point() and not value.is_inference() and not value.is_neg()
    return value if can_be_added_to else float32_copy(value)


def step_count(label: str, step: Any) -> int:
    """The number in it, which others may have written."""
    if isinstance(step, Tensor):
        check_memory(f"{label}: step", step)
    steps = plain(step)
    try:
        if 0 <= steps < 2**63 and float(steps).is_integer():
            return int(steps)
    except TypeError:
        pass
    raise InvalidArgumentError(f"{label}: step: a whole number >= 0 is expected, not {steps!r}")


def check_state(label: str, name: str, value: Any, shape: torch.Size) -> None:
    """Raises unless a state buffer has the shape of its parameter and can be read as its type."""
    if not isinstance(value, Tensor):
        raise InvalidArgumentError(f"{label}: {name}: a tensor is expected, not {value!r}")
    if value.shape != shape:
        raise ShapeError(
            f"{label}: {name}: shape {tuple(shape)} is expected, not {tuple(value.shape)}"
        )
    is_number = value.dtype is torch.int16 if name == REMAINDER else value.is_floating_point()
    if not is_number or value.layout is not torch.strided:
        numbers = "numbers of int16" if name == REMAINDER else "floating-point numbers"
        raise InvalidArgumentError(f"{label}: {name}: dense {numbers} are expected")
    check_memory(f"{label}: {name}", value)
