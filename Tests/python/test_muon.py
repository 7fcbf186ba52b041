"""Muon against a float64 reference."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import reference
from libmuon import InvalidArgumentError, Muon, NonFiniteGradientError, Parameter

SHAPES = {"square": (24, 24), "tall": (40, 12), "wide": (12, 40), "odd": (17, 31)}
BACKENDS = [*(each for each in reference.TABLES if each != "orthogonalize"), "svd"]


def train(rng, shape, steps=50, **options):
    """Makes the same steps with the library and with the reference."""
    weight = rng.standard_normal(shape, dtype=np.float32)
    parameter = Parameter(weight, "w")
    expected = reference.Muon(weight, **options)
    optimizer = Muon([parameter], **options)
    for _ in range(steps):
        parameter.grad = rng.standard_normal(shape, dtype=np.float32)
        given = parameter.grad.copy()
        expected.step(given)
        optimizer.step()
        np.testing.assert_array_equal(parameter.grad, given)
    return optimizer, expected


def compare(optimizer, expected, tolerance=1e-5):
    state = optimizer.state_dict()["state"][0]
    assert reference.error(optimizer.parameters[0].data, expected.p) <= tolerance
    assert reference.error(state["momentum_buffer"], expected.momentum_buffer) <= tolerance


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("style", "nesterov"), [*itertools.product(["classic", "ema"], [True, False])]
)
def test_momentum_styles(rng, shape, style, nesterov):
    optimizer, expected = train(rng, SHAPES[shape], momentum_style=style, nesterov=nesterov)
    compare(optimizer, expected)
    assert optimizer.state_dict()["state"][0]["step"] == 50


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", ["none", "original", "match_rms_adamw", "spectral"])
def test_shape_scales_and_decay(rng, shape, scale):
    compare(*train(rng, SHAPES[shape], shape_scale=scale, weight_decay=0.1, lr=0.05))


@pytest.mark.parametrize("factor", [1e-3, 0.7, 20.0])
def test_update_scale(rng, factor):
    """A factor on the update, and not on the decay."""
    compare(*train(rng, (20, 30), update_scale=factor, weight_decay=0.3, shape_scale="original", lr=0.05))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("backend", ["newtonschulz5", "svd"])
def test_cautious_weight_decay(rng, shape, backend):
    """A decay that is large enough to show if it were of all elements."""
    options = {"weight_decay": 0.5, "lr": 0.05, "shape_scale": "original", "backend": backend}
    optimizer, expected = train(rng, SHAPES[shape], cautious_weight_decay=True, **options)
    compare(optimizer, expected, 1e-4 if backend == "svd" else 1e-5)


@pytest.mark.parametrize("shape", [*SHAPES.values(), (1, 30), (30, 1), (3, 700)], ids=str)
@pytest.mark.parametrize("second_moment", ["normuon", "normuon_long"])
@pytest.mark.parametrize("options", [{}, {"cautious_weight_decay": True}, {"backend": "svd"}], ids=str)
def test_normuon(rng, shape, second_moment, options):
    options = {"weight_decay": 0.5, "lr": 0.05, "shape_scale": "original", **options}
    optimizer, expected = train(rng, shape, second_moment=second_moment, beta2=0.8, **options)
    compare(optimizer, expected, 1e-4 if "backend" in options else 1e-5)
    v = optimizer.state_dict()["state"][0]["second_momentum_buffer"]
    assert v.shape == np.shape(expected.second_momentum_buffer)
    assert reference.error(v, expected.second_momentum_buffer) <= 1e-4


def test_normuon_leaves_a_zero_gradient_alone():
    weight = np.ones((3, 4), np.float32)
    optimizer = Muon([weight], second_moment="normuon")
    optimizer.step([np.zeros((3, 4), np.float32)])
    assert (weight == 1).all()


def test_the_second_momentum_comes_and_goes_with_its_option(rng):
    weight = rng.standard_normal((5, 9), dtype=np.float32)
    optimizer = Muon([weight])
    state = optimizer.state_dict()
    group = optimizer.param_groups[0]
    shapes = {"none": None, "normuon": (5, 1), "normuon_long": (1, 9)}
    for kind in ("normuon", "none", "normuon_long", "normuon"):
        group["second_moment"] = kind
        found = optimizer.state_dict()["state"][0]
        if shapes[kind] is None:
            assert "second_momentum_buffer" not in found
        else:
            assert found["second_momentum_buffer"].shape == shapes[kind]
            assert not found["second_momentum_buffer"].any()
        optimizer.step([rng.standard_normal((5, 9), dtype=np.float32)])
    with_it = optimizer.state_dict()
    assert with_it["state"][0]["second_momentum_buffer"].all()
    optimizer.load_state_dict(state)
    assert group["second_moment"] == "none"
    optimizer.load_state_dict(with_it)
    found = optimizer.state_dict()["state"][0]["second_momentum_buffer"]
    np.testing.assert_array_equal(found, with_it["state"][0]["second_momentum_buffer"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_second_momentum_that_is_not_finite_is_refused(rng, value):
    weight = rng.standard_normal((5, 9), dtype=np.float32)
    optimizer = Muon([weight], second_moment="normuon")
    state = optimizer.state_dict()
    state["state"][0]["second_momentum_buffer"][2] = value
    optimizer.load_state_dict(state)
    before = weight.copy()
    with pytest.raises(NonFiniteGradientError, match="second_momentum of"):
        optimizer.step([rng.standard_normal((5, 9), dtype=np.float32)])
    np.testing.assert_array_equal(weight, before)


@pytest.mark.parametrize("shape", [*SHAPES.values(), (1, 1), (1, 30), (30, 1), (150, 500)], ids=str)
@pytest.mark.parametrize("options", [{}, {"second_moment": "normuon"}, {"backend": "svd"}], ids=str)
def test_hyperball(rng, shape, options):
    """Scales make no difference."""
    options = {"precision": "f32", "hyperball": True, "lr": 0.05, "shape_scale": "original", "update_scale": 3.0, **options}
    steps = 50 if np.prod(shape) < 1000 else 3
    optimizer, expected = train(rng, shape, steps, **options)
    compare(optimizer, expected, 1e-4 if "backend" in options else 1e-5)
    radius = optimizer.state_dict()["state"][0]["radius"]
    assert radius.shape == (1, 1) and radius[0, 0] == pytest.approx(expected.radius, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_hyperball_keeps_the_norm_at_every_step(rng, scale):
    weight = rng.standard_normal((40, 60), dtype=np.float32) * np.float32(scale)
    norm = np.linalg.norm(weight.astype(np.float64))
    optimizer = Muon([weight], hyperball=True, lr=0.3)
    for step in range(30):
        before = weight.copy()
        # Without a direction it stays where it is.
        size = 0 if step == 0 else 1
        optimizer.step([size * rng.standard_normal(weight.shape, dtype=np.float32)])
        assert np.linalg.norm(weight.astype(np.float64)) == pytest.approx(norm, rel=1e-6, abs=0)
        assert (before == weight).all() == (step == 0)


def test_hyperball_comes_out_on_the_other_side():
    """Where p - lr R O/|O| is 0."""
    weight = np.full((1, 1), 4.0, np.float32)
    Muon([weight], hyperball=True, lr=1.0).step([np.ones((1, 1), np.float32)])
    assert weight == -4.0


@pytest.mark.parametrize(("bad", "what"), [(0.0, "zero"), (np.nan, "not finite"), (3e38, "not finite")])
def test_hyperball_refuses_what_has_no_norm(rng, bad, what):
    good = rng.standard_normal((4, 6), dtype=np.float32)
    weights = [good.copy(), np.full((3, 5), bad, np.float32)]
    optimizer = Muon([("good", weights[0]), ("bad", weights[1])], hyperball=True)
    grads = [rng.standard_normal(each.shape, dtype=np.float32) for each in weights]
    for _ in range(2):
        with pytest.raises(InvalidArgumentError, match=f"parameter bad is {what}|norm of parameter bad is {what}"):
            optimizer.step(grads)
    np.testing.assert_array_equal(weights[0], good)
    state = optimizer.state_dict()["state"]
    assert not state[0]["momentum_buffer"].any() and not state[0]["radius"].any() and state[0]["step"] == 0
    # Without a gradient nothing is asked of it.
    optimizer.step([grads[0], None])
    assert optimizer.state_dict()["state"][0]["radius"].all()


@pytest.mark.parametrize("other", [{"weight_decay": 0.1}, {"cautious_weight_decay": True}], ids=str)
def test_hyperball_goes_without_weight_decay(other):
    with pytest.raises(InvalidArgumentError, match="hyperball goes without weight decay"):
        Muon([np.ones((2, 2), np.float32)], hyperball=True, **other)


def test_a_negative_radius_is_refused(rng):
    optimizer = Muon([("w", np.ones((2, 2), np.float32))], hyperball=True)
    state = optimizer.state_dict()
    state["state"][0]["radius"][:] = -1
    optimizer.load_state_dict(state)
    with pytest.raises(InvalidArgumentError, match="the radius of parameter w is negative"):
        optimizer.step([np.ones((2, 2), np.float32)])


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99])
def test_momentum(rng, momentum):
    compare(*train(rng, (20, 30), momentum=momentum))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_backends(rng, shape, backend):
    # One step, so that the parameter moves by the backend's result and nothing else.
    optimizer, expected = train(rng, SHAPES[shape], steps=1, backend=backend, lr=1.0)
    limit = reference.tolerance(expected.momentum_buffer, backend)
    assert reference.error(optimizer.parameters[0].data, expected.p) <= limit


@pytest.mark.parametrize("backend", ["svd", "polar_express", "turbo"])
def test_backends_over_many_steps(rng, backend):
    compare(*train(rng, (24, 36), backend=backend), 1e-4 if backend == "svd" else 1e-5)


def test_custom_coefficients_repeat_their_last_row(rng):
    rows = [(3.4445, -4.7750, 2.0315), (2.0, -1.5, 0.5)]
    weight = rng.standard_normal((12, 20), dtype=np.float32)
    grad = rng.standard_normal((12, 20), dtype=np.float32)
    expected = weight - reference.polynomial(grad, [rows[0]] + [rows[1]] * 5, 1e-7)
    optimizer = Muon([weight], lr=1.0, momentum=0.0, coefficients=rows, backend_steps=6)
    optimizer.step([grad])
    assert reference.error(weight, expected) <= 1e-5
    assert optimizer.param_groups[0]["backend"] == "custom"
    assert optimizer.param_groups[0]["coefficients"] == rows


@pytest.mark.parametrize(("backend", "steps"), [("newtonschulz5", 7), ("you", 3), ("cans", 8)])
def test_backend_steps(rng, backend, steps):
    weight = rng.standard_normal((12, 20), dtype=np.float32)
    grad = rng.standard_normal((12, 20), dtype=np.float32)
    expected = weight - reference.polynomial(grad, reference.rows(backend, steps), 1e-7)
    Muon([weight], lr=1.0, momentum=0.0, backend=backend, backend_steps=steps).step([grad])
    assert reference.error(weight, expected) <= 1e-5


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (1, 1)])
def test_thin_matrices(rng, shape):
    compare(*train(rng, shape, shape_scale="spectral"))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_empty_matrices(shape):
    weight = np.zeros(shape, np.float32)
    optimizer = Muon([weight])
    optimizer.step([np.zeros(shape, np.float32)])
    assert optimizer.state_dict()["state"][0]["momentum_buffer"].shape == shape


def test_a_zero_gradient_only_decays(rng):
    weight = rng.standard_normal((6, 8), dtype=np.float32)
    expected = weight.astype(np.float64) * (1 - 0.5 * 0.1)
    Muon([weight], lr=0.5, weight_decay=0.1).step([np.zeros((6, 8), np.float32)])
    assert reference.error(weight, expected) <= 1e-6


def test_a_parameter_without_a_gradient_is_left_alone(rng):
    first, second = (rng.standard_normal((4, 6), dtype=np.float32) for _ in range(2))
    before = second.copy()
    optimizer = Muon([first, second], weight_decay=0.1)
    optimizer.step([first.copy(), None])
    state = optimizer.state_dict()["state"]
    np.testing.assert_array_equal(second, before)
    assert not state[1]["momentum_buffer"].any()
    assert (state[0]["step"], state[1]["step"]) == (1, 0)


def test_gradients_by_position_by_name_and_by_attribute_are_the_same(rng):
    start = rng.standard_normal((5, 7), dtype=np.float32)
    grads = [rng.standard_normal((5, 7), dtype=np.float32) for _ in range(6)]
    results = []
    for way in range(3):
        pair = [Parameter(start.copy(), "a"), Parameter(start.copy(), "b")]
        optimizer = Muon(pair)
        for one, two in zip(grads[::2], grads[1::2]):
            if way == 0:
                optimizer.step([one, two])
            elif way == 1:
                optimizer.step({"b": two, "a": one})
            else:
                pair[0].grad, pair[1].grad = one, two
                optimizer.step()
        results.append([each.data for each in pair])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_gradients_given_to_step_stay(rng):
    optimizer = Muon({"a": np.ones((2, 3), np.float32), "b": np.ones((2, 3), np.float32)})
    grad = np.ones((2, 3), np.float32)
    optimizer.step({"a": grad})
    assert [parameter.grad is grad for parameter in optimizer.parameters] == [True, False]


def test_wrong_gradients_change_nothing(rng):
    optimizer = Muon([("a", np.ones((2, 3), np.float32)), ("b", np.ones((2, 3), np.float32))])
    good, bad = np.ones((2, 3), np.float32), np.ones((3, 2), np.float32)
    for grads, error in [
        ([good, bad], ValueError),
        ([good], ValueError),
        ([good, good, good], ValueError),
        ({"a": good, "c": good}, KeyError),
        (good, TypeError),
    ]:
        with pytest.raises(error):
            optimizer.step(grads)
        assert [parameter.grad for parameter in optimizer.parameters] == [None, None]
        assert (optimizer.parameters[0].data == 1).all()


def test_names_that_are_not_unique_cannot_name_gradients():
    optimizer = Muon([("a", np.ones((2, 3), np.float32)), ("a", np.ones((2, 3), np.float32))])
    with pytest.raises(KeyError, match="2 parameters"):
        optimizer.step({"a": np.ones((2, 3), np.float32)})


def test_a_gradient_written_in_place_and_one_replaced(rng):
    """The library is told about a new gradient array, and reads an old one anew."""
    parameter = Parameter(rng.standard_normal((4, 6), dtype=np.float32))
    expected = reference.Muon(parameter.data)
    optimizer = Muon([parameter])
    parameter.grad = np.empty((4, 6), np.float32)
    for replace in [False, False, True, False, True]:
        values = rng.standard_normal((4, 6), dtype=np.float32)
        if replace:
            parameter.grad = values.copy()
        else:
            parameter.grad[...] = values
        expected.step(values)
        optimizer.step()
    compare(optimizer, expected)


def test_zero_grad():
    parameters = [Parameter(np.ones((2, 3), np.float32), name) for name in "ab"]
    optimizer = Muon(parameters)
    parameters[0].grad = grad = np.ones((2, 3), np.float32)
    optimizer.zero_grad()
    assert parameters[0].grad is grad and not grad.any() and parameters[1].grad is None
    optimizer.zero_grad(set_to_none=True)
    assert parameters[0].grad is None
    optimizer.step()
    assert (parameters[0].data == 1).all()
    frozen = np.ones((2, 3), np.float32)
    frozen.flags.writeable = False
    parameters[1].grad = frozen
    optimizer.step()
    with pytest.raises(ValueError, match="'b'.*read-only"):
        optimizer.zero_grad()


def test_a_parameter_without_a_name_has_its_number():
    parameters = [Parameter(np.ones((2, 3), np.float32)) for _ in range(2)]
    optimizer = Muon(parameters)
    parameters[1].grad = frozen = np.full((2, 3), np.nan, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="parameter 'param1'.*read-only"):
        optimizer.zero_grad()
    with pytest.raises(ArithmeticError, match="parameter param1 "):
        optimizer.step()
    with pytest.raises(ValueError, match="parameter 'param1': gradient: shape"):
        optimizer.step([None, np.ones((3, 2), np.float32)])
    state = optimizer.state_dict()
    state["state"][1]["step"] = -1
    with pytest.raises(ValueError, match="parameter 'param1': step"):
        optimizer.load_state_dict(state)


def test_results_do_not_depend_on_the_number_of_threads(rng):
    import libmuon

    shapes = [(33, 65), (64, 64), (7, 90)]
    start = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
    grads = [rng.standard_normal(each.shape, dtype=np.float32) for each in start]
    results = []
    try:
        for threads in (1, 2, 3):
            libmuon.set_num_threads(threads)
            weights = [each.copy() for each in start]
            optimizer = Muon(weights)
            for _ in range(3):
                optimizer.step(grads)
            results.append(weights)
    finally:
        libmuon.set_num_threads(0)
    for other in results[1:]:
        for one, two in zip(results[0], other):
            np.testing.assert_array_equal(one, two)
