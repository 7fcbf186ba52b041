"""Parameters: what is accepted, and errors that name them."""

from __future__ import annotations

import gc
import pickle
import weakref

import numpy as np
import pytest

import libmuon
from libmuon import AdamW, Muon, Parameter


def matrix(rows=3, cols=4):
    return np.arange(rows * cols, dtype=np.float32).reshape(rows, cols)


def unaligned(shape):
    size = int(np.prod(shape)) * 4
    return np.zeros(size + 1, np.uint8)[1:].view(np.float32).reshape(shape)


def read_only(array):
    array.flags.writeable = False
    return array


def test_it_holds_the_very_array():
    array = matrix()
    parameter = Parameter(array, "w")
    assert parameter.data is array
    assert (parameter.name, parameter.shape, parameter.ndim) == ("w", (3, 4), 2)
    assert parameter.grad is None and parameter.requires_grad is True
    grad = np.ones_like(array)
    parameter.grad = grad
    assert parameter.grad is grad
    parameter.grad = None
    assert parameter.grad is None
    assert "'w'" in repr(parameter) and "(3, 4)" in repr(parameter)


UNUSABLE = {
    "float64": (lambda a: a.astype(np.float64), libmuon.DTypeError, TypeError),
    "big-endian float16": (lambda a: a.astype(">f2"), libmuon.DTypeError, TypeError),
    "big-endian": (lambda a: a.astype(">f4"), libmuon.DTypeError, TypeError),
    "long double": (lambda a: a.astype(np.longdouble), libmuon.DTypeError, TypeError),
    "transposed": (lambda a: a.T.copy().T, libmuon.InvalidArgumentError, ValueError),
    "strided": (lambda a: np.repeat(a, 2, 1)[:, ::2], libmuon.InvalidArgumentError, ValueError),
    "unaligned": (lambda a: unaligned(a.shape), libmuon.InvalidArgumentError, ValueError),
    "list": (lambda a: a.tolist(), TypeError, TypeError),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_data_is_an_error_that_names_the_parameter(case):
    make, error, builtin = UNUSABLE[case]
    with pytest.raises(error, match="'layer.weight'") as caught:
        Parameter(make(matrix()), "layer.weight")
    assert isinstance(caught.value, builtin)
    with pytest.raises(error, match="'layer.weight'"):
        Muon([("layer.weight", make(matrix()))])
    with pytest.raises(error, match="'param1'"):
        AdamW([matrix(), make(matrix())])


def test_read_only_data_is_an_error():
    with pytest.raises(ValueError, match="'w'.*read-only"):
        Parameter(read_only(matrix()), "w")


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_gradient_is_an_error_that_names_the_parameter(case):
    make, error, _ = UNUSABLE[case]
    parameter = Parameter(matrix(), "w")
    with pytest.raises(error, match="'w'.*gradient"):
        parameter.grad = make(matrix())
    assert parameter.grad is None


@pytest.mark.parametrize("shape", [(4, 3), (12,), (3, 4, 1), (0, 4), ()])
def test_a_gradient_of_another_shape_is_an_error(shape):
    parameter = Parameter(matrix(), "w")
    with pytest.raises(libmuon.ShapeError, match="'w'.*(3, 4)"):
        parameter.grad = np.zeros(shape, np.float32)


def test_integers_are_for_builders_only():
    counter = Parameter(np.array([3]), "counter")
    with pytest.raises(libmuon.DTypeError, match="'counter'"):
        AdamW([counter])


def test_one_that_needs_no_gradient_may_be_anything():
    Parameter(np.zeros(3), "table", requires_grad=False)


@pytest.mark.parametrize(
    "shape", [(3,), (), (2, 3, 4), (0,)], ids=["vector", "scalar", "cube", "empty vector"]
)
def test_muon_takes_matrices_only(shape):
    with pytest.raises(libmuon.ShapeError, match="bias"):
        Muon([("bias", np.zeros(shape, np.float32))])


@pytest.mark.parametrize("wrap", [Parameter, lambda array: array])
def test_a_single_parameter_is_not_an_iterable_of_them(wrap):
    with pytest.raises(TypeError, match="list"):
        AdamW(wrap(matrix()))


def test_what_params_may_be():
    def names(params):
        return [parameter.name for parameter in Muon(params).parameters]

    assert names([matrix(), matrix()]) == ["param0", "param1"]
    assert names((each for each in [("a", matrix()), matrix()])) == ["a", "param1"]
    assert names({"a": matrix(), "b": Parameter(matrix())}) == ["a", "b"]
    assert names({"a": matrix(), "b": matrix()}.items()) == ["a", "b"]
    assert names([("a", Parameter(matrix(), "own")), Parameter(matrix())]) == ["own", None]
    assert names([{"params": matrix()}, {"params": {"a": matrix()}}]) == ["param0", "a"]
    for empty in ([], {}, iter(())):
        with pytest.raises(ValueError, match="at least one"):
            Muon(empty)


def test_one_array_twice_is_an_error():
    array = matrix()
    with pytest.raises(libmuon.InvalidArgumentError):
        Muon([("a", array), ("b", array)])
    with pytest.raises(libmuon.InvalidArgumentError):
        Muon([("a", array), ("b", array[1:])])


def test_a_gradient_that_is_a_parameter_is_an_error():
    parameter = Parameter(matrix(), "w")
    optimizer = Muon([parameter])
    parameter.grad = parameter.data
    before = parameter.data.copy()
    with pytest.raises(libmuon.InvalidArgumentError):
        optimizer.step()
    np.testing.assert_array_equal(parameter.data, before)
    parameter.grad = np.ones((3, 4), np.float32)
    optimizer.step()


def test_arrays_live_as_long_as_the_library_has_their_addresses():
    parameter = Parameter(matrix(), "w")
    grad = np.ones((3, 4), np.float32)
    optimizer = AdamW([parameter])
    data, grads = weakref.ref(parameter.data), weakref.ref(grad)
    parameter.grad = grad
    optimizer.step()
    del parameter, grad
    optimizer.parameters[0].grad = None
    gc.collect()
    # The library still has the old gradient, until the next step binds none.
    assert data() is not None and grads() is not None
    optimizer.step()
    gc.collect()
    assert grads() is None
    del optimizer
    gc.collect()
    assert data() is None


def test_pickle():
    parameter = Parameter(matrix(), "w", requires_grad=False)
    parameter.grad = np.ones((3, 4), np.float32)
    again = pickle.loads(pickle.dumps(parameter))
    assert (again.name, again.requires_grad) == ("w", False)
    np.testing.assert_array_equal(again.data, parameter.data)
    np.testing.assert_array_equal(again.grad, parameter.grad)


class Liar(np.ndarray):
    """An array that says of itself what it likes."""

    __array_interface__ = {"data": (4096, False)}  # type: ignore[assignment]
    shape = (1 << 20, 1 << 20)
    size = 1 << 40


def test_a_subclass_is_taken_for_what_it_is():
    """Its memory and shape are those that numpy has, whatever it says of them."""
    data, grad = np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)
    liar = data.view(Liar)
    parameter = libmuon.Parameter(liar, "w")
    assert parameter.shape == (2, 3) and parameter.data is liar
    optimizer = libmuon.AdamW([parameter])
    parameter.grad = grad.view(Liar)
    optimizer.step()
    assert (data < 1).all()
    state = optimizer.state_dict()
    state["state"][0]["exp_avg"] = np.full((2, 3), 5, np.float32).view(Liar)
    optimizer.load_state_dict(state)
    assert (optimizer.state_dict()["state"][0]["exp_avg"] == 5).all()
    square = np.eye(2, dtype=np.float32)
    expected = libmuon.orthogonalize(square)
    assert (libmuon.orthogonalize(square.view(Liar)) == expected).all()
    libmuon.orthogonalize(square, out=square.view(Liar))
    assert (square == expected).all()


@pytest.mark.parametrize("name", [5, b"w", ["w"]])
def test_a_name_is_text(name):
    with pytest.raises(TypeError, match="name: text is expected"):
        libmuon.Parameter(np.ones(2, np.float32), name)


def test_a_name_has_no_nul():
    parameter = libmuon.Parameter(np.ones(2, np.float32))
    with pytest.raises(ValueError, match="NUL"):
        parameter.name = "w\0a"
    assert parameter.name is None
