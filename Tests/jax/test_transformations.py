"""Under jit, vmap, scan and donation, from several threads, inside optax's own transformations."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from building import run

import libmuon
import libmuon.jax as libmuon_jax
from libmuon.jax import muon, orthogonalize, scale_by_muon


def test_the_same_bits_either_way_and_as_numpy(rng, implementation):
    batch = rng.standard_normal((2, 3, 40, 24)).astype(np.float32)
    for options in ({}, {"backend": "newtonschulz5", "precision": "auto"}, {"abc": [(3.0, -3.2, 1.2)], "steps": 3}):
        expected = np.empty_like(batch)
        for index in np.ndindex(2, 3):
            expected[index] = libmuon.orthogonalize(batch[index], **options)

        def function(x, options=options):
            return orthogonalize(x, **options)

        for each in (function, jax.jit(function), jax.vmap(function), jax.jit(jax.vmap(jax.vmap(function)))):
            np.testing.assert_array_equal(each(jnp.array(batch)), expected)
        outer = jax.vmap(function, in_axes=2, out_axes=2)(jnp.moveaxis(jnp.array(batch), 0, 2))
        np.testing.assert_array_equal(jnp.moveaxis(outer, 2, 0), expected)


def test_an_argument_is_not_written(rng, implementation):
    g = jnp.array(rng.standard_normal((64, 64)).astype(np.float32))
    before = np.array(g)
    jax.jit(orthogonalize)(g)
    assert orthogonalize(g) is not g
    np.testing.assert_array_equal(g, before)


def updated(optimizer, params, state, gradient):
    updates, state = optimizer.update(gradient, state, params)
    return optax.apply_updates(params, updates), state


def test_scan_donation_and_single_steps_agree(params, random_like, implementation):
    gradients = [random_like(params) for _ in range(5)]
    # Without Nesterov the orthogonalization reads the new state itself, which it must not write.
    for options in ({}, {"nesterov": False}):
        optimizer = muon(0.02, precision="f32", **options)

        def step(carry, gradient, optimizer=optimizer):
            return updated(optimizer, *carry, gradient)

        start = jax.tree.map(jnp.array, params)
        plain = (start, optimizer.init(start))
        for gradient in gradients:
            plain = jax.jit(step)(plain, gradient)
        scanned, _ = jax.jit(lambda carry, gs: jax.lax.scan(lambda c, g: (step(c, g), None), carry, gs))(
            (start, optimizer.init(start)), jax.tree.map(lambda *each: jnp.stack(each), *gradients))
        donated = jax.tree.map(jnp.copy, (start, optimizer.init(start)))
        donating = jax.jit(step, donate_argnums=0)
        for gradient in gradients:
            given, donated = donated, donating(donated, gradient)
            assert jax.tree.leaves(given)[0].is_deleted()
        for one, two, three in zip(*map(jax.tree.leaves, (plain, scanned, donated))):
            np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)
            np.testing.assert_array_equal(one, three)


def test_vmap_over_models(rng, implementation):
    """An ensemble: each its own parameters, state and gradient."""
    optimizer = muon(0.02, precision="f32", shape_scale="original")
    params = {"w": jnp.array(rng.standard_normal((4, 24, 16)).astype(np.float32)), "b": jnp.zeros((4, 16))}
    gradient = jax.tree.map(lambda x: jnp.array(rng.standard_normal(x.shape).astype(np.float32)), params)

    def one(params, gradient):
        return updated(optimizer, params, optimizer.init(params), gradient)[0]

    together = jax.jit(jax.vmap(one))(params, gradient)
    for i in range(4):
        alone = one(*jax.tree.map(lambda x, i=i: x[i], (params, gradient)))
        np.testing.assert_allclose(together["w"][i], alone["w"], rtol=0, atol=1e-6)


def test_several_threads(rng, implementation):
    inputs = [jnp.array(rng.standard_normal((96, 64 + 8 * i)).astype(np.float32)) for i in range(4)]
    function = jax.jit(orthogonalize)
    expected = [np.array(function(each)) for each in inputs]

    def work(index):
        for _ in range(25):
            np.testing.assert_array_equal(function(inputs[index]), expected[index])
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


def test_inject_hyperparams(params, random_like):
    """Rates, momentum and decay are arrays then, to be changed between steps."""
    gradients = [random_like(params) for _ in range(3)]
    options = {"weight_decay": 0.1, "momentum": 0.9, "precision": "f32"}
    injected, plain = optax.inject_hyperparams(muon)(learning_rate=0.02, **options), muon(0.02, **options)
    start = jax.tree.map(jnp.array, params)
    one, other = (start, injected.init(start)), (start, plain.init(start))
    step = jax.jit(lambda carry, gradient: updated(injected, *carry, gradient))
    for gradient in gradients:
        one, other = step(one, gradient), updated(plain, *other, gradient)
    for a, b in zip(jax.tree.leaves(one[0]), jax.tree.leaves(other[0])):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
    one[1].hyperparams["learning_rate"] = jnp.float32(0)
    still, _ = step(one, gradients[0])
    np.testing.assert_array_equal(still["square"], one[0]["square"])


def test_partition_and_missing_gradients(params, random_like):
    """scale_by_muon beside another transformation, and None where a leaf has no gradient."""
    labels = jax.tree.map(lambda x: "m" if x.ndim == 2 else "s", params)
    optimizer = optax.partition({"m": optax.chain(scale_by_muon(), optax.scale(-0.02)), "s": optax.sgd(0.1)}, labels)
    gradient = random_like(params)
    updates, _ = optimizer.update(gradient, optimizer.init(params), params)
    np.testing.assert_allclose(updates["gain"], -0.1 * gradient["gain"], rtol=1e-6)
    expected = -0.02 * libmuon_jax.orthogonalize(
        jnp.array(1.95 * gradient["square"]), 5, 1e-7, backend="newtonschulz5", precision="auto")
    np.testing.assert_allclose(updates["square"], expected, rtol=0, atol=1e-5)


def test_apply_if_finite_skips_a_step(params, random_like, implementation):
    optimizer = optax.apply_if_finite(muon(0.02), 5)
    start = jax.tree.map(jnp.array, params)
    good = random_like(params)
    bad = {**good, "square": np.full((32, 32), np.nan, np.float32)}
    step = jax.jit(lambda params, state, gradient: updated(optimizer, params, state, gradient))
    same, state = step(start, optimizer.init(start), bad)
    for a, b in zip(jax.tree.leaves(same), jax.tree.leaves(params)):
        np.testing.assert_array_equal(a, b)
    moved, _ = step(same, state, good)
    assert np.isfinite(moved["square"]).all() and (moved["square"] != params["square"]).any()


IN_A_PROCESS = """
import jax, jax.numpy as jnp, numpy as np, optax
from libmuon.jax import muon, orthogonalize
{}
"""


def test_with_float64_enabled():
    """float32 stays float32, in the state and in the updates."""
    run([sys.executable, "-c", IN_A_PROCESS.format("""
jax.config.update("jax_enable_x64", True)
params = {"w": jnp.ones((8, 4), jnp.float32), "b": jnp.ones(4, jnp.float32)}
for optimizer in (muon(0.02, weight_decay=0.1, shape_scale="spectral"),
                  optax.inject_hyperparams(muon)(learning_rate=0.02, momentum=0.9)):
    state = optimizer.init(params)
    updates, new = jax.jit(optimizer.update)(params, state, params)
    assert {each.dtype.name for each in jax.tree.leaves(updates)} == {"float32"}
    kinds = [[each.dtype for each in jax.tree.leaves(tree)] for tree in (state, new)]
    assert kinds[0] == kinds[1]
""")])


def test_parameters_over_several_devices():
    """Sharded over two devices of the CPU, the result is that of one."""
    run([sys.executable, "-c", IN_A_PROCESS.format("""
from jax.sharding import Mesh, NamedSharding, PartitionSpec
x = jnp.array(np.random.default_rng(0).standard_normal((4, 32, 16)).astype(np.float32))
expected = np.array(orthogonalize(x))
for axes in (("d",), (None, "d")):
    sharded = jax.device_put(x, NamedSharding(Mesh(jax.devices(), "d"), PartitionSpec(*axes)))
    assert len(sharded.devices()) == 2
    np.testing.assert_array_equal(jax.jit(orthogonalize)(sharded), expected)
""")], XLA_FLAGS="--xla_force_host_platform_device_count=2")


def test_without_the_handler_it_goes_through_python(tmp_path):
    """And says so only where there is a handler that cannot be used."""
    run([sys.executable, "-c", """
import logging
from pathlib import Path
import jax.numpy as jnp
lines = []
handler = logging.Handler(); handler.emit = lambda record: lines.append(record.getMessage())
logging.getLogger("libmuon").addHandler(handler)
exists = Path.exists
Path.exists = lambda self: self.name != "libmuon_xla.so" and exists(self)
import libmuon.jax
assert libmuon.jax.implementation() == "callback" and not lines
assert libmuon.jax.orthogonalize(jnp.ones((1, 1)))[0, 0] != 0
"""])
    run([sys.executable, "-c", """
import ctypes, logging
lines = []
handler = logging.Handler(); handler.emit = lambda record: lines.append(record.getMessage())
logging.getLogger("libmuon").addHandler(handler)
import jax, jax.numpy as jnp
def refuse(*_, **__):
    # Later, jax would note the handler, and fail when it starts its backend.
    assert jax._src.xla_bridge.backends_are_initialized()
    raise RuntimeError("another version")
jax.ffi.register_ffi_target = refuse
import libmuon.jax
assert not jax._src.xla_bridge.backends_are_initialized()
assert libmuon.jax.implementation() == "callback"
assert libmuon.jax.orthogonalize(jnp.ones((1, 1)))[0, 0] != 0
[line] = [each for each in lines if "another version" in each]
assert "libmuon_xla.so" in line
"""])


@pytest.mark.parametrize("module", ["jax", "optax"])
def test_it_says_what_is_missing(module):
    text = run([sys.executable, "-c", f"""
import sys
sys.modules[{module!r}] = None
import libmuon
try:
    import libmuon.jax
except ImportError as error:
    print(error)
"""])
    assert 'pip install "libmuon[jax]"' in text
