"""libmuon.torch.orthogonalize; and torch's tensors for numpy's, and for its optimizers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import libmuon
import libmuon.torch
from libmuon.torch import orthogonalize

EPSILON = {torch.bfloat16: 2**-8, torch.float16: 2**-11}


@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (3, 5, 7), (2, 2, 4, 4), (0, 3, 4)], ids=str)
@pytest.mark.parametrize("options", [{}, {"backend": "polar_express", "method": "gram"}, {"backend": "svd"},
                                     {"steps": 3, "abc": (2, -1.5, 0.5), "precision": "auto"}], ids=str)
def test_it_is_that_of_numpy(shape, options):
    g = torch.randn(shape)
    expected = libmuon.orthogonalize(g.numpy(), **options)
    before = g.clone()
    result = orthogonalize(g, **options)
    assert torch.equal(g, before) and result.dtype is torch.float32
    assert result.numpy().tobytes() == expected.tobytes()
    # What is not contiguous, and what is out.
    other = torch.empty(shape).transpose(-1, -2).contiguous().transpose(-1, -2)
    other.copy_(g)
    assert orthogonalize(other, **options).numpy().tobytes() == expected.tobytes()
    assert orthogonalize(other, **options, out=other) is other
    assert other.contiguous().numpy().tobytes() == expected.tobytes()
    assert libmuon.orthogonalize(g, **options).tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_is_rounded_at_the_end(dtype):
    g = torch.randn(3, 5, 8).to(dtype)
    exact = orthogonalize(g.float())
    result = orthogonalize(g)
    assert result.dtype is dtype and torch.equal(result, exact.to(dtype))
    assert (result.float() - exact).abs().max() <= EPSILON[dtype]
    assert orthogonalize(g, out=g) is g and torch.equal(g, result)


def test_a_contiguous_tensor_is_not_copied():
    g = torch.randn(5, 8)
    place, expected = g.data_ptr(), orthogonalize(g)
    version = g._version
    orthogonalize(g, out=g)
    assert g.data_ptr() == place and torch.equal(g, expected)
    assert g._version == version + 1


def test_it_has_no_derivative():
    g = torch.randn(5, 8, requires_grad=True)
    assert not orthogonalize(g).requires_grad
    square = (g * g).sum()
    orthogonalize(g, out=g)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        square.backward()


def test_what_is_refused():
    g = torch.randn(4, 6)
    nan = g.clone()
    nan[3, 5] = float("nan")
    kept = nan.clone()
    for call, error, text in [
        (lambda: orthogonalize(g.numpy()), TypeError, "a tensor is expected, not ndarray"),
        (lambda: orthogonalize(g.double()), libmuon.DTypeError, "not torch.float64"),
        (lambda: orthogonalize(g.int()), libmuon.DTypeError, "not torch.int32"),
        (lambda: orthogonalize(g.cfloat()), libmuon.UnsupportedError, "complex"),
        (lambda: orthogonalize(g.to_sparse()), libmuon.UnsupportedError, "sparse"),
        (lambda: orthogonalize(g.to("meta")), libmuon.UnsupportedError, "G: CPU memory is expected"),
        (lambda: orthogonalize(g[0]), libmuon.ShapeError, "a matrix is expected"),
        (lambda: orthogonalize(g, out=g[:2]), libmuon.ShapeError, "out: shape"),
        (lambda: orthogonalize(g, out=g.half()), libmuon.DTypeError, "out: torch.float32"),
        (lambda: orthogonalize(g, out=torch.zeros(1).expand(4, 6)), libmuon.InvalidArgumentError, "share memory"),
        (lambda: orthogonalize(nan, out=nan), libmuon.InvalidArgumentError, "NaN or infinity"),
        (lambda: orthogonalize(g, backend="newton"), libmuon.InvalidArgumentError, "backend"),
    ]:
        with pytest.raises(error, match=text):
            call()
    assert torch.equal(nan.nan_to_num(), kept.nan_to_num())


def test_tensors_as_parameters_of_numpys_optimizers():
    """Where they are, of CPU memory; what requires a gradient is torch's to update."""
    start = torch.randn(4, 6)
    tensor, array = start.clone(), start.clone().numpy()
    one, other = libmuon.Parameter(tensor, "w"), libmuon.Parameter(array, "w")
    optimizers = libmuon.Muon([one]), libmuon.Muon([other])
    for _ in range(3):
        grad = torch.randn(4, 6)
        one.grad, other.grad = grad, grad.numpy().copy()
        for each in optimizers:
            each.step()
        assert one.data is tensor and one.grad is grad
        assert np.array_equal(tensor.numpy(), array)
    with pytest.raises(libmuon.InvalidArgumentError, match="detach"):
        libmuon.Parameter(torch.nn.Parameter(start), "w")
    with pytest.raises(libmuon.InvalidArgumentError, match="cannot read this torch.Tensor"):
        libmuon.orthogonalize(start.bfloat16())
    with pytest.raises(libmuon.MuonError, match="G: "):
        libmuon.orthogonalize(start.to("meta"))
    with pytest.raises(libmuon.InvalidArgumentError, match="not C-contiguous"):
        libmuon.Parameter(start.T)
