"""Arrays of other libraries: by DLPack and by __array_interface__, where they are."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import libmuon


class ByDLPack:
    """What torch, JAX and others hand out; device is that of DLPack."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device = array, device

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device


class ByInterface:
    """What numpy reads, and nothing else."""

    def __init__(self, array):
        self.array = array
        self.__array_interface__ = array.__array_interface__


class OnCUDA:
    __cuda_array_interface__ = {"shape": (2, 3), "typestr": "<f4", "data": (1 << 40, False), "version": 3}


KINDS = pytest.mark.parametrize("kind", [ByDLPack, ByInterface])
# Before numpy 2.1 what DLPack gives is read-only.
VERSION = tuple(map(int, np.__version__.split(".")[:2]))
WRITEABLE = pytest.mark.parametrize("kind", [ByDLPack, ByInterface][VERSION < (2, 1):])


@WRITEABLE
def test_orthogonalize_reads_and_writes_them(rng, kind):
    g = rng.standard_normal((3, 4, 6), dtype=np.float32)
    expected = libmuon.orthogonalize(g)
    result = libmuon.orthogonalize(kind(g))
    assert type(result) is np.ndarray and result.tobytes() == expected.tobytes()
    out = kind(np.empty_like(g))
    assert libmuon.orthogonalize(kind(g.transpose(0, 2, 1)).array.transpose(0, 2, 1), out=out) is out
    assert out.array.tobytes() == expected.tobytes()


@WRITEABLE
@pytest.mark.parametrize("by_argument", [False, True])
def test_parameters_and_gradients(rng, kind, by_argument):
    """A run with them has the same bits as one with numpy's; each is given back as it was given."""
    start = rng.standard_normal((4, 6), dtype=np.float32)
    plain, foreign = libmuon.Parameter(start.copy(), "w"), libmuon.Parameter(kind(start.copy()), "w")
    assert isinstance(foreign.data, kind) and foreign.shape == (4, 6)
    assert repr(foreign) == repr(plain)
    one, other = libmuon.Muon([plain]), libmuon.Muon([foreign])
    for _ in range(4):
        grad = rng.standard_normal((4, 6), dtype=np.float32)
        plain.grad = grad
        one.step()
        given = kind(grad.copy())
        if by_argument:
            other.step({"w": given})
        else:
            foreign.grad = given
            other.step()
        assert foreign.grad is given
        assert plain.data.tobytes() == foreign.data.array.tobytes()
    other.zero_grad()
    assert not given.array.any() and foreign.grad is given
    with pytest.raises(libmuon.ShapeError):
        other.step([kind(grad[:2])])
    assert foreign.grad is given


@KINDS
def test_gradients_that_are_there_first(rng, kind):
    grad = rng.standard_normal((4, 6), dtype=np.float32)
    results = []
    for array in grad, kind(grad):
        config = {"training": {"optimizer": "Muon", "learning_rate": 0.1}}
        for make in (lambda p: libmuon.Muon([p]), lambda p: libmuon.build_optimizers([p], config)[0]):
            parameter = libmuon.Parameter(np.ones((4, 6), np.float32))
            parameter.grad = array
            make(parameter).step()
            results.append(parameter.data.tobytes())
    assert results[:2] == results[2:]


def test_what_is_bound_is_kept_alive(rng):
    """Whatever becomes of the array that was given: JAX frees the memory of one that is donated."""
    memory = rng.standard_normal((4, 6), dtype=np.float32)
    alive = weakref.ref(memory)
    parameter = libmuon.Parameter(np.ones((4, 6), np.float32))
    given = ByDLPack(memory)
    parameter.grad = given
    optimizer = libmuon.Muon([parameter])
    del memory, given.array
    gc.collect()
    assert alive() is not None
    optimizer.step()
    parameter.grad = None
    optimizer.step()
    gc.collect()
    assert alive() is None


def test_memory_of_a_device_is_refused(rng):
    array = rng.standard_normal((2, 3), dtype=np.float32)
    parameter = libmuon.Parameter(array.copy(), "w")
    for value, where in [(ByDLPack(array, (2, 1)), "device 1 of kind 2"), (OnCUDA(), "a CUDA device")]:
        for label, call in [
            ("G", lambda value=value: libmuon.orthogonalize(value)),
            ("out", lambda value=value: libmuon.orthogonalize(array, out=value)),
            ("parameter 'v'", lambda value=value: libmuon.Parameter(value, "v")),
            ("parameter 'w': gradient", lambda value=value: setattr(parameter, "grad", value)),
            ("parameter 'w': gradient", lambda value=value: libmuon.Muon([parameter]).step([value])),
        ]:
            with pytest.raises(libmuon.UnsupportedError, match=f"{label}: CPU memory is expected; .* is on {where}"):
                call()


def test_what_cannot_be_used_is_refused(rng):
    array = rng.standard_normal((2, 3), dtype=np.float32)
    frozen = array.copy()
    frozen.flags.writeable = False

    class Reluctant(ByDLPack):
        def __dlpack__(self, **options):
            raise RuntimeError("detach it first")

    class Copies:
        __array_interface__ = property(lambda self: array.copy().__array_interface__)

    with pytest.raises(libmuon.InvalidArgumentError, match="w.*: numpy cannot read this .*: detach it first"):
        libmuon.Parameter(Reluctant(array), "w")
    with pytest.raises(libmuon.InvalidArgumentError, match="read-only"):
        libmuon.Parameter(ByInterface(frozen), "w")
    with pytest.raises(libmuon.DTypeError):
        libmuon.orthogonalize(ByDLPack(array.astype(np.float64)))
    with pytest.raises(libmuon.DTypeError):
        libmuon.Parameter(ByInterface(array.astype(np.float64)))
    with pytest.raises(TypeError, match="a numpy array is expected, not list"):
        libmuon.Parameter([[1.0]])
    for value in array, ByDLPack(array), ByInterface(array):
        with pytest.raises(TypeError, match="into a list"):
            libmuon.Muon(value)
        with pytest.raises(TypeError, match="into a list"):
            libmuon.Muon([array]).step(value)
