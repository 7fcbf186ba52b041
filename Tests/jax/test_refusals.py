"""What cannot be done is said when it is traced; what only a run can show, by name."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import libmuon
from libmuon.jax import muon, orthogonalize, scale_by_muon
from libmuon._options import muon_defaults

# Options of libmuon.Muon that libmuon.jax does not have.
OTHERS = ("cautious_weight_decay", "second_moment", "beta2", "hyperball")


@pytest.mark.parametrize("options, error, text", [
    ({"backend": "newton"}, libmuon.InvalidArgumentError, "backend: 'newton' is not one of"),
    ({"backend": "svd", "coefficients": [(1, 0, 0)]}, libmuon.MuonError, "coefficients"),
    ({"momentum": 1.0}, libmuon.InvalidArgumentError, "momentum"),
    ({"update_scale": 0.0}, libmuon.InvalidArgumentError, "update_scale"),
    ({"backend_steps": 100}, libmuon.InvalidArgumentError, "backend_steps"),
    ({"eps": -1.0}, libmuon.InvalidArgumentError, "eps"),
    ({"eps": jnp.float32(1e-7)}, TypeError, r"eps: .*static_args=\('eps',\)"),
    ({"method": "gram", "backend": "svd"}, libmuon.UnsupportedError, "svd"),
    ({"nonfinite": "skip"}, libmuon.InvalidArgumentError, "optax.apply_if_finite"),
    ({"higher_dims": "stack"}, libmuon.InvalidArgumentError, "higher_dims: 'stack' is not one of 'refuse'"),
    ({"beta": 0.9}, TypeError, "libmuon.jax has no option 'beta'; there are momentum"),
    ({"lr": 0.1}, TypeError, "learning_rate"),
    ({"hyperball": True}, TypeError, "libmuon.jax has no option 'hyperball'"),
])
@pytest.mark.parametrize("make", [muon, scale_by_muon])
def test_options_when_it_is_made(make, options, error, text):
    with pytest.raises(error, match=text):
        make(**options)


def test_rates_when_it_is_made():
    with pytest.raises(libmuon.InvalidArgumentError, match="lr"):
        muon(-1.0)
    with pytest.raises(libmuon.InvalidArgumentError, match="weight_decay"):
        muon(0.02, weight_decay=-1.0)
    with pytest.raises(TypeError, match="add_decayed_weights"):
        scale_by_muon(weight_decay=0.1)


def test_leaves_when_it_is_traced():
    optimizer = scale_by_muon()
    good = {"a": {"w": jnp.ones((4, 3))}}
    state = optimizer.init(good)
    for bad, error, text in (
        (jnp.ones((4, 3), jnp.bfloat16), libmuon.DTypeError, "a.w: float32 is expected, not bfloat16"),
        (jnp.ones((4, 3), jnp.int32), libmuon.DTypeError, "a.w: float32 is expected, not int32"),
        (jnp.ones(4), libmuon.ShapeError, r"a.w: a matrix is expected, not shape \(4,\)"),
        (jnp.ones((2, 4, 3)), libmuon.ShapeError, "a.w: .*higher_dims"),
    ):
        with pytest.raises(error, match=text):
            optimizer.init({"a": {"w": bad}})
        with pytest.raises(error, match=text):
            jax.jit(optimizer.update).lower({"a": {"w": bad}}, state)
    with pytest.raises(libmuon.DTypeError, match="G: float32 is expected, not float16"):
        jax.jit(orthogonalize).lower(jnp.ones((4, 3), jnp.float16))
    with pytest.raises(TypeError, match="G: an array is expected, not list"):
        orthogonalize([[1.0]])


def test_another_device(implementation):
    """It is refused when it is compiled, which needs no such device."""
    optimizer = muon(0.02)
    params = {"w": jnp.ones((4, 3))}
    traced = jax.jit(optimizer.update).trace(params, optimizer.init(params), params)
    with pytest.raises(libmuon.UnsupportedError, match="on the CPU only, and this computation is for 'cuda'"):
        traced.lower(lowering_platforms=("cuda",))
    traced.lower(lowering_platforms=("cpu",))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nonfinite(implementation, value):
    params = {"good": jnp.ones((4, 3)), "layers": [{"w": jnp.ones((2, 5, 3))}]}
    gradient = {"good": jnp.ones((4, 3)), "layers": [{"w": jnp.ones((2, 5, 3)).at[1, 0, 0].set(value)}]}

    def step(nonfinite):
        optimizer = scale_by_muon(higher_dims="batch", nonfinite=nonfinite)
        return jax.block_until_ready(jax.jit(optimizer.update)(gradient, optimizer.init(params))[0])

    with pytest.raises(jax.errors.JaxRuntimeError, match="layers.0.w: .*NaN or infinity"):
        step("error")
    updates = step("propagate")
    assert np.isnan(updates["layers"][0]["w"][1]).all()
    assert np.isfinite(updates["layers"][0]["w"][0]).all() and np.isfinite(updates["good"]).all()


def test_empty_matrices(implementation):
    for shape in ((0, 3), (3, 0), (0, 4, 3)):
        optimizer = scale_by_muon(higher_dims="batch", shape_scale="spectral")
        empty = jnp.zeros(shape)
        assert jax.jit(optimizer.update)(empty, optimizer.init(empty))[0].shape == shape


def test_signatures_are_the_librarys():
    """By name and default; what must be known when a step is compiled is None, which is the default."""
    for function, but in (muon, "lr"), (scale_by_muon, "lr weight_decay"):
        signature = inspect.signature(function)
        for name, default in muon_defaults().items():
            if name in (*but.split(), *OTHERS):
                assert name not in signature.parameters
                continue
            assert signature.parameters[name].default == (None if name == "eps" else default)
    assert inspect.signature(muon).parameters["learning_rate"].default == muon_defaults()["lr"]
    gradient = jnp.ones((2, 2))
    optimizer = optax.inject_hyperparams(scale_by_muon)()
    optimizer.update(gradient, optimizer.init(gradient))
    optimizer = optax.inject_hyperparams(muon)()
    assert set(optimizer.init({"w": jnp.ones((2, 2))}).hyperparams) >= {"learning_rate", "momentum", "weight_decay"}
