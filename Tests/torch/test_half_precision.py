"""bfloat16 and float16: the library's own masters, in torch's state; and its roundings, which are torch's."""
import copy
from ctypes import byref, c_size_t

import libmuon
import libmuon.torch as lt
import numpy as np
import pytest
import torch
from libmuon import Parameter as Array
from libmuon._library import check, lib
from soak import long_or_short
from torch.nn import Parameter

TYPES = {"bf16": torch.bfloat16, "f16": torch.float16}
BOTH = [lt.Muon, lt.AdamW]


def start(shape, dtype, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def gradients(shape, dtype, count, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator).to(dtype) for _ in range(count)]


def bits(tensor):
    return tensor.detach().contiguous().view(torch.int16 if tensor.dtype.itemsize == 2 else torch.int32)


def joined(p, remainder):
    """The float32 that bfloat16 and a remainder are."""
    return ((bits(p).to(torch.int32) << 16) + remainder.to(torch.int32)).view(torch.float32)


def rounded(values, kind):
    """float32 numbers as the library rounds them, by way of a buffer that is set."""
    half = np.zeros(values.size, np.uint16)
    optimizer = libmuon.AdamW([Array(half, "w", dtype=kind, master="none")])
    check(lib.muon_optimizer_set_buffer(
        optimizer._handle, 0, b"data", values.ctypes.data, values.size))
    return torch.from_numpy(half.view(np.int16)).view(TYPES[kind])


def widened(half):
    """And back."""
    kind = next(name for name, dtype in TYPES.items() if dtype is half.dtype)
    array = half.view(torch.int16).numpy().view(np.uint16)
    optimizer = libmuon.AdamW([Array(array, "w", dtype=kind, master="none")])
    out, count = np.empty(array.size, np.float32), c_size_t()
    check(lib.muon_optimizer_get_buffer(
        optimizer._handle, 0, b"data", out.ctypes.data, out.size, byref(count)))
    return torch.from_numpy(out)


def same(one, other):
    """Equal bits, or both NaN."""
    return bool(((bits(one) == bits(other)) | (one.isnan() & other.isnan())).all())


@pytest.mark.parametrize("kind", TYPES)
def test_all_numbers_are_widened_as_torch_does(kind):
    half = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(TYPES[kind])
    assert same(widened(half), half.float())


@pytest.mark.parametrize("kind", TYPES)
def test_numbers_are_rounded_as_torch_does(kind):
    """All float32 numbers at length; else every 1021st, which are of all exponents, and those about each tie."""
    part = 1 << 22
    step = long_or_short(1, 1021)
    for first in range(0, 1 << 32, part * step):
        numbers = np.arange(first, min(first + part * step, 1 << 32), step, dtype=np.uint64).astype(np.uint32)
        values = numbers.view(np.float32)
        assert same(rounded(values, kind), torch.from_numpy(values).to(TYPES[kind])), hex(first)
    every = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(TYPES[kind]).float().view(torch.int32)
    for tie in (0x8000, 0x1000):
        for near in (tie - 1, tie, tie + 1):
            values = (every + near).view(torch.float32).numpy()
            assert same(rounded(values, kind), torch.from_numpy(values).to(TYPES[kind]))


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("dtype", TYPES.values(), ids=str)
@pytest.mark.parametrize("layout", ["plain", "strided", "batch"])
def test_a_master_is_the_parameter_of_a_run_in_float32(cls, dtype, layout):
    shape = (3, 12, 20) if layout == "batch" else (24, 36)
    options = {"higher_dims": "batch"} if cls is lt.Muon and layout == "batch" else {}
    half, wide = Parameter(start(shape, dtype)), Parameter(start(shape, dtype).float())
    if layout == "strided":
        half = Parameter(half.detach().t().contiguous().t())
    one, two = cls([half], **options), cls([wide], **options)
    for number, grad in enumerate(gradients(shape, dtype, 20)):
        half.grad, wide.grad = grad, grad.float()
        if layout == "strided" and number % 2:
            half.grad = grad.t().contiguous().t()
        one.step()
        two.step()
        assert torch.equal(one.state[half]["master"], wide)
        assert torch.equal(bits(half), bits(wide.to(dtype)))


@pytest.mark.parametrize("cls", BOTH)
def test_other_masters(cls):
    shape = (24, 36)
    kept, lost = Parameter(start(shape, torch.bfloat16)), Parameter(start(shape, torch.bfloat16))
    wide = Parameter(kept.detach().float())
    one, two, three = cls([kept], master="remainder"), cls([lost], master="none"), cls([wide])
    for grad in gradients(shape, torch.bfloat16, 10):
        before = Parameter(lost.detach().float())
        reference = cls([before])
        if two.state[lost]:
            reference.load_state_dict({**two.state_dict(), "param_groups": reference.state_dict()["param_groups"]})
        kept.grad, lost.grad, wide.grad, before.grad = grad, grad, grad.float(), grad.float()
        for optimizer in (one, two, three, reference):
            optimizer.step()
        state = one.state[kept]
        assert state["remainder"].dtype is torch.int16 and "master" not in state
        assert torch.equal(joined(kept, state["remainder"]), wide)
        assert torch.equal(bits(lost), bits(before.bfloat16())) and "master" not in two.state[lost]


def test_a_momentum_in_bfloat16():
    half, wide = Parameter(start((24, 36), torch.bfloat16)), Parameter(start((24, 36), torch.bfloat16).float())
    one, two = lt.Muon([half], state_dtype="bf16"), lt.Muon([wide])
    (grad,) = gradients((24, 36), torch.bfloat16, 1)
    half.grad, wide.grad = grad, grad.float()
    one.step()
    two.step()
    momentum = one.state[half]["momentum_buffer"]
    assert momentum.dtype is torch.bfloat16
    assert torch.equal(momentum, two.state[wide]["momentum_buffer"].bfloat16())
    assert torch.equal(one.state[half]["master"], wide)


@pytest.mark.parametrize("options, error", [
    ({"master": "f16"}, "master"), ({"state_dtype": "f16"}, "state_dtype"), ({"state_dtype": "x"}, "state_dtype")])
def test_what_there_is_not_is_refused_by_name(options, error):
    with pytest.raises(libmuon.InvalidArgumentError, match=error):
        lt.Muon([Parameter(torch.ones(2, 3))], **options)
    with pytest.raises(libmuon.InvalidArgumentError, match=error):
        lt.Muon([{"params": [Parameter(torch.ones(2, 3))], **options}])


def test_a_gradient_of_another_type():
    half = Parameter(start((6, 8), torch.bfloat16))
    if not hasattr(half, "grad_dtype"):
        pytest.skip("this torch has gradients of the parameter's type alone")
    optimizer = lt.Muon([half])
    wide = Parameter(half.detach().float())
    reference = lt.Muon([wide])
    for number, grad in enumerate(gradients((6, 8), torch.float32, 6)):
        dtype = (torch.bfloat16, torch.float32, torch.float16)[number % 3]
        half.grad = None
        half.grad_dtype = dtype
        half.grad, wide.grad = grad.to(dtype), grad.to(dtype).float()
        optimizer.step()
        reference.step()
        assert torch.equal(optimizer.state[half]["master"], wide)


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("options", [{}, {"master": "remainder"}, {"state_dtype": "bf16", "master": "none"}], ids=str)
def test_training_goes_on_after_loading(cls, options):
    if cls is lt.AdamW:
        options = {key: value for key, value in options.items() if key == "master"}
    one = Parameter(start((24, 36), torch.bfloat16))
    first, grads = cls([one], **options), gradients((24, 36), torch.bfloat16, 6)
    for grad in grads[:3]:
        one.grad = grad
        first.step()
    two = Parameter(one.detach().clone())
    second = cls([two])
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for grad in grads[3:]:
        one.grad, two.grad = grad, grad
        first.step()
        second.step()
    assert torch.equal(bits(one), bits(two))
    for key, value in first.state[one].items():
        assert torch.equal(value, second.state[two][key]) and value.dtype is second.state[two][key].dtype, key


@pytest.mark.parametrize("cls", BOTH)
def test_state_dicts_of_before_load(cls):
    """Whose groups do not say what is kept, and whose state has a master in float32."""
    one = Parameter(start((24, 36), torch.bfloat16))
    first, grads = cls([one]), gradients((24, 36), torch.bfloat16, 4)
    for grad in grads[:2]:
        one.grad = grad
        first.step()
    saved = copy.deepcopy(first.state_dict())
    for group in saved["param_groups"]:
        group.pop("master")
        group.pop("state_dtype", None)
    two = Parameter(one.detach().clone())
    second = cls([two])
    second.load_state_dict(saved)
    for grad in grads[2:]:
        one.grad, two.grad = grad, grad
        first.step()
        second.step()
    assert torch.equal(second.state[two]["master"], first.state[one]["master"])
    assert torch.equal(bits(one), bits(two))
