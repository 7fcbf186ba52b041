"""Training on made-up gradients, and how far two results are apart."""

from __future__ import annotations

import torch
from torch.nn import Parameter


def parameters(*shapes, dtype=torch.float32):
    return [Parameter(torch.randn(shape).to(dtype)) for shape in shapes]


def copies(params):
    return [Parameter(p.detach().clone()) for p in params]


def gradients(params, steps, seed=1):
    """The same for parameters of the same shapes and types, whatever their values."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        yield [torch.randn(p.shape, generator=generator).to(p.dtype) for p in params]


def train(optimizer, params, steps=20, seed=1, each=None):
    for index, grads in enumerate(gradients(params, steps, seed)):
        if each is not None:
            each(index)
        for p, grad in zip(params, grads):
            p.grad = grad
        optimizer.step()


def error(out, expected):
    """The relative error, in the Frobenius norm."""
    expected = torch.as_tensor(expected).detach().double()
    out = torch.as_tensor(out).detach().double()
    return float((out - expected).norm() / max(float(expected.norm()), 1e-30))


def moved(out, expected, start):
    """The relative error of what training has added to the start."""
    start = start.detach().double()
    return error(out.detach().double() - start, expected.detach().double() - start)


def snapshot(optimizer, params):
    """Everything a failed step must leave as it was."""
    state = {
        index: {key: value.clone() for key, value in optimizer.state[p].items()}
        for index, p in enumerate(params)
        if p in optimizer.state
    }
    return [p.detach().clone() for p in params], state


def assert_same(before, after):
    for one, two in zip(before[0], after[0], strict=True):
        assert torch.equal(one, two)
    assert before[1].keys() == after[1].keys()
    for index, state in before[1].items():
        assert state.keys() == after[1][index].keys()
        for key, value in state.items():
            assert torch.equal(value, after[1][index][key])
