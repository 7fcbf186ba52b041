"""Views: each matrix of a parameter is treated exactly as a parameter of its own."""

import numpy as np
import pytest

import libmuon
from libmuon import View

E, O, I = 3, 24, 40

# docs/views.md: shape, view, and the indices of each matrix: a function from the array to dense copies of them, as r outputs
# by c inputs, that writes them back too.
def _matrices(array, extents, order, split=None):
    """numpy's own: axes moved to batch, outputs, inputs, and the blocks of an axis apart."""
    axes, (batch, outputs, inputs) = array.reshape(extents), order
    parts = [axes]
    if split is not None:
        axis, sizes = split
        parts = np.split(axes, np.cumsum(sizes)[:-1], axis=axis)
    found = []
    for part in parts:
        moved = part.transpose(*batch, *outputs, *inputs)
        counts = [int(np.prod([part.shape[a] for a in group])) for group in (batch, outputs, inputs)]
        lead = [part.shape[a] for a in batch]
        for index in np.ndindex(*lead):
            found.append((moved[index], counts[1:]))
    return found


LAYOUTS = {
    "conv OIHW": ((O, 5, 3, 3), View("oiii"), (O, 5, 3, 3), ([], [0], [1, 2, 3]), None),
    "conv HWIO": ((3, 3, 5, O), View("iiio"), (3, 3, 5, O), ([], [3], [0, 1, 2]), None),
    "experts (E, out, in)": ((E, O, I), View("boi"), (E, O, I), ([0], [1], [2]), None),
    "experts (E, in, out)": ((E, I, O), View("bio"), (E, I, O), ([0], [2], [1]), None),
    "JAX kernel": ((I, O), View("io"), (I, O), ([], [1], [0]), None),
    "heads in rows": ((O, I), View("boi", shape=(4, -1, I)), (4, O // 4, I), ([0], [1], [2]), None),
    "heads of the output projection": ((O, I), View("obi", shape=(O, 5, -1)), (O, 5, I // 5), ([1], [0], [2]), None),
    "[Q;K;V]": ((2 * O, I), View(split=(0, [O, O // 2, O // 2])), (2 * O, I), ([], [0], [1]), (0, [O, O // 2, O // 2])),
    "Megatron's groups": ((O, I), View("ooi", shape=(4, -1, I), split=(1, [4, 1, 1])), (4, 6, I),
                          ([], [0, 1], [2]), (1, [4, 1, 1])),
    "MLA per head": ((O, I), View("boi", shape=(3, -1, I), split=(1, [5, 3])), (3, 8, I), ([0], [1], [2]), (1, [5, 3])),
    "alternating rows": ((2 * O, I), View("obi", shape=(O, 2, I)), (O, 2, I), ([1], [0], [2]), None),
    "split inputs": ((10, I), View(split=(1, [25, 15])), (10, I), ([], [0], [1]), (1, [25, 15])),
    "llm.c": ((2, 3 * O, O), View("boi", split=(1, [O, O, O])), (2, 3 * O, O), ([0], [1], [2]), (1, [O, O, O])),
    "inputs around outputs": ((4, O, 5), View("ioi"), (4, O, 5), ([], [1], [0, 2]), None),
    "two batches": ((2, O, 3, I), View("bobi"), (2, O, 3, I), ([0, 2], [1], [3]), None),
}
OPTIONS = {
    "default": {},
    "scaled": dict(shape_scale="spectral", weight_decay=0.1, momentum_style="ema"),
    "svd": dict(backend="svd", weight_decay=0.1),
    "cautious": dict(weight_decay=0.3, cautious_weight_decay=True, precision="f32"),
    "normuon": dict(second_moment="normuon", weight_decay=0.1),
    "normuon_long": dict(second_moment="normuon_long"),
    "hyperball": dict(hyperball=True, lr=0.05),
}


def uniform(seed, shape):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def dense(array, layout):
    """Copies of the matrices."""
    _, _, extents, order, split = layout
    return [np.array(view, order="C").reshape(counts) for view, counts in _matrices(array, extents, order, split)]


def train(layout, options, steps=3, threads=1, level="none"):
    """A view, and its matrices as parameters of their own."""
    libmuon.set_num_threads(threads)
    shape, view = layout[:2]
    whole = libmuon.Parameter(uniform(1, shape), "whole", view=view)
    parts = [libmuon.Parameter(copy, f"part{i}") for i, copy in enumerate(dense(whole.data, layout))]
    one, many = libmuon.Muon([whole], **options), libmuon.Muon(parts, **options)
    one.statistics_level = many.statistics_level = level
    for step in range(steps):
        whole.grad = uniform(10 + step, shape)
        for part, grad in zip(parts, dense(whole.grad, layout)):
            part.grad = grad
        one.step()
        many.step()
    return one, many


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_view_is_its_matrices(name, options):
    """To the bit: parameter and momentum, as copies of the matrices are trained."""
    layout = LAYOUTS[name]
    one, many = train(layout, OPTIONS[options], threads=1 + len(name) % 3)
    before = uniform(1, layout[0])
    assert not np.array_equal(one.parameters[0].data, before)
    momentum = one.state_dict()["state"][0]["momentum_buffer"]
    assert momentum.shape == layout[0]
    for array, get in ((one.parameters[0].data, lambda i: many.parameters[i].data),
                       (momentum, lambda i: many.state_dict()["state"][i]["momentum_buffer"])):
        for i, matrix in enumerate(dense(array, layout)):
            assert matrix.tobytes() == get(i).tobytes(), f"matrix {i}"


@pytest.mark.parametrize("name", ["experts (E, out, in)", "conv HWIO", "Megatron's groups"])
@pytest.mark.parametrize("shape_factor", [1, 12])
def test_the_number_of_threads_changes_nothing(name, shape_factor):
    """Also where matrices are for the whole team."""
    shape, view, extents, order, split = LAYOUTS[name]
    if shape_factor > 1:
        shape, view = {"experts (E, out, in)": ((2, 300, 400), View("boi")),
                       "conv HWIO": ((1, 1, 400, 300), View("iiio")),
                       "Megatron's groups": ((600, 500), View("ooi", shape=(4, -1, 500), split=(1, [100, 50])))}[name]
    results = []
    for threads in (1, 2, 3):
        libmuon.set_num_threads(threads)
        parameter = libmuon.Parameter(uniform(1, shape), "w", view=view)
        parameter.grad = uniform(2, shape)
        optimizer = libmuon.Muon([parameter])
        optimizer.statistics_level = "orthogonality"
        optimizer.step()
        found = optimizer.statistics(0)
        results.append((parameter.data.tobytes(), found))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("name", LAYOUTS)
def test_statistics(name):
    """Norms are of the whole, the orthogonality of the worst matrix, the rate a root mean square."""
    layout = LAYOUTS[name]
    options = dict(shape_scale="spectral", weight_decay=0.1)
    plain, _ = train(layout, options)
    one, many = train(layout, options, level="orthogonality")
    assert one.parameters[0].data.tobytes() == plain.parameters[0].data.tobytes()
    found = one.statistics(0)
    parts = [many.statistics(i) for i in range(len(many.parameters))]
    sizes = [part.data.size for part in many.parameters]
    assert found.grad_norm == pytest.approx(np.sqrt(sum(p.grad_norm**2 for p in parts)), rel=1e-12)
    mean = sum(size * p.update_rms**2 for size, p in zip(sizes, parts)) / sum(sizes)
    assert found.update_rms == pytest.approx(np.sqrt(mean), rel=1e-12)
    assert found.orthogonality_error == max(p.orthogonality_error for p in parts)
    rates = [p.effective_lr for p in parts]
    assert found.effective_lr == pytest.approx(np.sqrt(np.mean(np.square(rates))), rel=1e-12)


BAD = {
    "a letter": (View("ox"), (4, 6), libmuon.InvalidArgumentError, "each must be 'o', 'i' or 'b'"),
    "no input": (View("ob"), (4, 6), libmuon.InvalidArgumentError, "at least one 'o' and one 'i'"),
    "no output": (View("ii"), (4, 6), libmuon.InvalidArgumentError, "at least one 'o' and one 'i'"),
    "nothing": (View(""), (4, 6), libmuon.InvalidArgumentError, "at least one 'o' and one 'i'"),
    "too few axes": (View("oi"), (4, 6, 2), libmuon.InvalidArgumentError, "has 2 axes"),
    "too many axes": (View("boi"), (4, 6), libmuon.InvalidArgumentError, "has 3 axes"),
    "very many axes": (View("oi" * 500), (4, 6), libmuon.InvalidArgumentError, "axes"),
    "another count": (View(shape=(4, 5)), (4, 6), libmuon.ShapeError, "of 20 elements"),
    "no whole rest": (View(shape=(5, -1)), (4, 6), libmuon.ShapeError, "24 elements"),
    "two rests": (View(shape=(-1, -1)), (4, 6), libmuon.ShapeError, "negative"),
    "a negative extent": (View(shape=(-2, -12)), (4, 6), libmuon.ShapeError, "negative"),
    "a rest of nothing": (View("boi", shape=(0, -1, 3)), (0, 6), libmuon.ShapeError, "0 elements"),
    "huge extents": (View(shape=(2**62, 2**62)), (4, 6), libmuon.ShapeError, "more elements"),
    "too many dimensions": (View("o" * 8 + "i", shape=(1,) * 9), (1,), libmuon.InvalidArgumentError, "at most 8"),
    "a split batch": (View("boi", split=(0, [1, 1])), (2, 3, 4), libmuon.InvalidArgumentError, "splits axis 0"),
    "a split past the axes": (View(split=(2, [1])), (4, 6), libmuon.InvalidArgumentError, "splits axis 2"),
    "a short split": (View(split=(0, [1, 2])), (4, 6), libmuon.ShapeError, "add up"),
    "a long split": (View(split=(0, [3, 2])), (4, 6), libmuon.ShapeError, "add up"),
    "an empty block": (View(split=(0, [4, 0])), (4, 6), libmuon.ShapeError, "at least 1"),
    "a negative block": (View(split=(0, [6, -2])), (4, 6), libmuon.ShapeError, "at least 1"),
    "a huge block": (View(split=(0, [2**63 - 1, 2**63 - 1])), (4, 6), libmuon.ShapeError, "at least 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_view_is_refused(name):
    view, shape, error, text = BAD[name]
    kept = libmuon.Parameter(uniform(1, (3, 4)), "kept")
    bad = libmuon.Parameter(uniform(2, shape), "bad", view=view)
    with pytest.raises(error, match=text) as caught:
        libmuon.Muon([kept, bad])
    assert "parameter bad" in str(caught.value)
    optimizer = libmuon.Muon([kept])
    with pytest.raises(error):
        optimizer.add_param_group({"params": [bad]})
    assert len(optimizer.parameters) == 1


def test_what_is_no_view():
    for make in (lambda: View(3), lambda: View(split=3), lambda: View(split=(0, ["a"])), lambda: View(shape=("a", 3)),
                 lambda: libmuon.Parameter(uniform(1, (2, 3)), view="boi")):
        with pytest.raises(TypeError):
            make()
    for make in (lambda: View("o\0i"), lambda: View(split=(0, []))):
        with pytest.raises(libmuon.InvalidArgumentError):
            make()
    for view in (View(shape=()), View(split=(-1, [4]))):
        with pytest.raises(libmuon.InvalidArgumentError):
            libmuon.Muon([libmuon.Parameter(uniform(1, (4, 6)), view=view)])


def test_empty_parameters():
    for shape, view in (((0, 3, 4), View("boi")), ((3, 0, 4), View("boi")), ((0, 2**20, 2**20), View("obi")),
                        ((2**20, 0, 2**20, 5), View("bbio"))):
        parameter = libmuon.Parameter(np.zeros(shape, np.float32), view=view)
        parameter.grad = np.zeros(shape, np.float32)
        libmuon.Muon([parameter]).step()


def test_adamw_ignores_it():
    results = []
    for view in (None, View("bio")):
        parameter = libmuon.Parameter(uniform(1, (2, 3, 4)), "w", view=view)
        parameter.grad = uniform(2, (2, 3, 4))
        optimizer = libmuon.AdamW([parameter])
        optimizer.statistics_level = "basic"
        optimizer.step()
        results.append((parameter.data.tobytes(), optimizer.statistics(0)))
    assert results[0] == results[1]


def test_builders_send_it_to_muon():
    parameters = [libmuon.Parameter(uniform(1, (2, 6, 4)), "stack", view=View("boi")), uniform(2, (2, 6, 4))]
    routes = libmuon.route_params(parameters, {"training": {"optimizer": "Muon", "learning_rate": 0.1}})
    assert [(route.optimizer, route.reason) for route in routes] == [
        ("Muon", "it has a view as matrices"), ("AdamW", "it does not have 2 dimensions")]


def test_checkpoints(tmp_path):
    """Resumed to the bit; another view is a mismatch."""
    def made(view, shape=(2, 6, 4)):
        parameter = libmuon.Parameter(uniform(1, shape), "w", view=view)
        parameter.grad = uniform(2, shape)
        return libmuon.Muon([parameter])

    file = tmp_path / "run.safetensors"
    saved = made(View("boi", split=(1, [2, 4])))
    saved.step()
    libmuon.checkpoint.save(file, saved)
    loaded = made(View("boi", shape=(2, -1, 4), split=(1, [2, 4])))
    libmuon.checkpoint.load(file, loaded)
    for optimizer in (saved, loaded):
        optimizer.step()
    assert saved.parameters[0].data.tobytes() == loaded.parameters[0].data.tobytes()
    for view in (View("boi"), View("bio", split=(1, [2, 4])), View("boi", split=(1, [4, 2])), View("bio")):
        other = made(view)
        before = other.parameters[0].data.tobytes()
        with pytest.raises(libmuon.MismatchError, match="view"):
            libmuon.checkpoint.load(file, other)
        assert other.parameters[0].data.tobytes() == before

    plain = made(None, (6, 4))
    libmuon.checkpoint.save(file, plain)
    with pytest.raises(libmuon.MismatchError, match="view"):
        libmuon.checkpoint.load(file, made(View("io"), (6, 4)))
    libmuon.checkpoint.save(file, made(View("io"), (6, 4)))
    with pytest.raises(libmuon.MismatchError, match="view"):
        libmuon.checkpoint.load(file, plain)


def test_second_moments_of_unlike_blocks_are_refused():
    """Rows of one block would be normalized, and columns of another."""
    parameter = libmuon.Parameter(uniform(1, (20, 8)), "w", view=View(split=(0, [16, 4])))
    with pytest.raises(libmuon.UnsupportedError, match="parameter w"):
        libmuon.Muon([parameter], second_moment="normuon_long")


def test_state_has_the_shape_of_the_view():
    """v has 1 for what a line runs over, or the number of blocks; so has the radius."""
    for view, v, radius in ((View("boi"), (3, 8, 1), (3, 1, 1)), (View("bio"), (3, 1, 6), (3, 1, 1)),
                            (View("obi", split=(2, [2, 4])), (3, 8, 2), (1, 8, 2)),
                            (View("boi", split=(1, [2, 4, 2])), (3, 8, 1), (3, 3, 1))):
        for options, name, shape in ((dict(second_moment="normuon"), "second_momentum_buffer", v),
                                     (dict(hyperball=True), "radius", radius)):
            optimizer = libmuon.Muon([libmuon.Parameter(uniform(1, (3, 8, 6)), view=view)], **options)
            assert optimizer.state_dict()["state"][0][name].shape == shape


def test_a_zero_matrix_has_no_norm_to_keep():
    array = uniform(1, (3, 4, 5))
    array[1] = 0
    parameter = libmuon.Parameter(array, "w", view=View("boi"))
    parameter.grad = uniform(2, (3, 4, 5))
    before = array.copy()
    with pytest.raises(libmuon.InvalidArgumentError, match="matrix 1 of parameter w"):
        libmuon.Muon([parameter], hyperball=True).step()
    assert np.array_equal(array, before)
