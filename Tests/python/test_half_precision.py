"""Parameters and gradients of bfloat16 and float16: the steps are those of float32, to the bit."""
import libmuon
import numpy as np
import pytest
from libmuon import AdamW, Muon, Parameter, View

ml_dtypes = pytest.importorskip("ml_dtypes")
BF16 = ml_dtypes.bfloat16
TYPES = {"bf16": BF16, "f16": np.float16}
STEPS = 50


def bits(array):
    return array.view({2: np.uint16, 4: np.uint32}[array.itemsize])


def start(shape, kind, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) * scale).astype(np.float32).astype(TYPES[kind])


def grads(shape, kind, steps=STEPS, seed=1):
    rng = np.random.default_rng(seed)
    common = rng.standard_normal(shape)
    return [(common + rng.standard_normal(shape)).astype(np.float32).astype(TYPES[kind]) for _ in range(steps)]


def pair(make, shape, kind, view=None, **storage):
    """An optimizer over an array of 16 bits, and one over what it is in float32."""
    half = start(shape, kind)
    wide = half.astype(np.float32)
    return half, make([Parameter(half, "w", view=view, **storage)]), wide, make([Parameter(wide, "w", view=view)])


def state(optimizer, name):
    return optimizer.state_dict()["state"][0][name]


def joined(p, remainder):
    """The float32 that bfloat16 and a remainder are."""
    return ((p.view(np.uint16).astype(np.uint32) << 16) + remainder.astype(np.int32).view(np.uint32)).view(np.float32)


FEATURES = {
    **{backend: {"backend": backend} for backend in (
        "newtonschulz5", "svd", "polar_express", "you", "cans", "deepseekv4", "cubic5", "turbo", "orthogonalize")},
    "decay": {"weight_decay": 0.1},
    "cautious": {"weight_decay": 0.1, "cautious_weight_decay": True},
    "normuon": {"second_moment": "normuon"},
    "hyperball": {"hyperball": True},
    "ema": {"momentum_style": "ema", "nesterov": False},
    "f32": {"precision": "f32"},
    "gram": {"method": "gram", "precision": "f32"},
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("feature", FEATURES)
def test_a_master_is_the_parameter_of_a_run_in_float32(feature, kind):
    half, optimizer, wide, reference = pair(
        lambda params: Muon(params, lr=1e-3, **FEATURES[feature]), (72, 40), kind)
    for g in grads(half.shape, kind):
        optimizer.step([g])
        reference.step([g.astype(np.float32)])
        assert (bits(state(optimizer, "master")) == bits(wide)).all()
        assert (bits(half) == bits(wide.astype(TYPES[kind]))).all()
    assert (state(optimizer, "momentum_buffer") == state(reference, "momentum_buffer")).all()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1, "cautious_weight_decay": True}], ids=str)
def test_a_master_of_adamw(kind, options):
    # More than a part of a step, so that threads share it.
    half, optimizer, wide, reference = pair(
        lambda params: AdamW(params, lr=1e-3, **options), (3, 100_001), kind)
    for g in grads(half.shape, kind, 4):
        optimizer.step([g])
        reference.step([g.astype(np.float32)])
        assert (bits(state(optimizer, "master")) == bits(wide)).all()
        assert (bits(half) == bits(wide.astype(TYPES[kind]))).all()


@pytest.mark.parametrize("make", [Muon, AdamW])
def test_remainders_are_the_other_half_of_a_master(make):
    half, optimizer, wide, reference = pair(
        lambda params: make(params, lr=1e-3, weight_decay=0.1), (72, 40), "bf16", master="remainder")
    for g in grads(half.shape, "bf16"):
        optimizer.step([g])
        reference.step([g.astype(np.float32)])
        remainder = state(optimizer, "remainder")
        assert remainder.dtype == np.int16
        assert (bits(joined(half, remainder)) == bits(wide)).all()
        nearest = np.abs(half.astype(np.float64) - wide)
        assert (nearest <= np.abs(wide.astype(BF16).astype(np.float64) - wide)).all()
    # 4 bytes an element in place of 6.
    assert sum(array.nbytes for array in optimizer.state_dict()["state"][0].values()
               if isinstance(array, np.ndarray)) == 72 * 40 * (6 if make is Muon else 10)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("make", [Muon, AdamW])
def test_without_a_master_a_step_is_rounded(make, kind):
    half = start((40, 24), kind)
    optimizer = make([Parameter(half, "w", master="none")], lr=1e-3, weight_decay=0.1)
    assert "master" not in optimizer.state_dict()["state"][0]
    wide = np.empty(half.shape, np.float32)
    reference = make([Parameter(wide, "w")], lr=1e-3, weight_decay=0.1)
    for g in grads(half.shape, kind):
        wide[...] = half
        optimizer.step([g])
        reference.step([g.astype(np.float32)])
        assert (bits(half) == bits(wide.astype(TYPES[kind]))).all()


VIEWS = {
    "boi": ((3, 16, 24), View("boi")),
    "bio": ((3, 16, 24), View("bio")),
    "oiii": ((8, 3, 5, 5), View("oiii")),
    "iiio": ((5, 5, 3, 7), View("iiio")),
    "obi": ((24, 12), View("obi", shape=(12, 2, 12))),
    "split": ((3, 12, 9), View("bio", split=(1, [5, 7]))),
}


@pytest.mark.parametrize("storage", [
    {}, {"master": "remainder"}, {"master": "none"}, {"state_dtype": "bf16"},
    {"grad_dtype": "f32"}, {"state_dtype": "bf16", "master": "remainder"}], ids=str)
@pytest.mark.parametrize("view", VIEWS)
def test_matrices_of_a_view_are_those_of_separate_parameters(view, storage):
    shape, view = VIEWS[view]
    half, kind = start(shape, "bf16"), "f32" if "grad_dtype" in storage else "bf16"
    options = {"lr": 1e-2, "weight_decay": 0.1, "second_moment": "normuon"}
    optimizer = Muon([Parameter(half, "w", view=view, **storage)], **options)

    def matrices(array):
        """Copies, each as a matrix, and how they are laid out."""
        whole = array.reshape(shape if view.shape is None else view.shape)
        sizes = view.split[1] if view.split else None
        cuts = [whole] if sizes is None else np.split(whole, np.cumsum(sizes)[:-1], view.split[0])
        result = []
        for cut in cuts:
            order = [i for letter in "boi" for i, axis in enumerate(view.axes) if axis == letter]
            rows = int(np.prod([cut.shape[i] for i in order if view.axes[i] == "o"]))
            batch = int(np.prod([cut.shape[i] for i in order if view.axes[i] == "b"]))
            result += list(np.ascontiguousarray(cut.transpose(order)).reshape(batch, rows, -1).copy())
        return result

    copies = matrices(half)
    separate = Muon([Parameter(copy, str(i), **storage) for i, copy in enumerate(copies)], **options)
    for g in grads(shape, "bf16", 5):
        g = g.astype(np.float32) * np.float32(1.001) if kind == "f32" else g
        optimizer.step([g])
        separate.step(matrices(g))
        for is_, meant in zip(matrices(half), copies):
            assert (bits(is_) == bits(meant)).all()


@pytest.mark.parametrize("kind", ["f32", "bf16", "f16"])
def test_momentum_in_bfloat16(kind):
    """u is of the momentum before it is rounded; what is kept is the nearest."""
    rng = np.random.default_rng(3)
    w = rng.standard_normal((40, 24)).astype(np.float32)
    half = w.astype(TYPES.get(kind, np.float32))
    optimizer = Muon([Parameter(half, "w", state_dtype="bf16", master="f32")], lr=1e-3, nesterov=True)
    m = np.zeros(w.shape, np.float32)
    other = half.astype(np.float32)
    for g in grads(w.shape, "bf16", 20):
        g = g.astype(half.dtype)
        optimizer.step([g])
        # A run in float32 that begins with the momentum as it was kept.
        reference = Muon([Parameter(other, "w")], lr=1e-3, nesterov=True)
        saved = reference.state_dict()
        saved["state"][0]["momentum_buffer"][...] = m
        reference.load_state_dict(saved)
        reference.step([g.astype(np.float32)])
        m = state(reference, "momentum_buffer").astype(BF16).astype(np.float32)
        assert (bits(state(optimizer, "momentum_buffer")) == bits(m)).all()
        assert (bits(half) == bits(other.astype(half.dtype))).all()
    assert optimizer.state_dict()["state"][0]["step"] == 20


def test_adamw_keeps_its_state_in_float32():
    with pytest.raises(libmuon.UnsupportedError, match="exp_avg_sq"):
        AdamW([Parameter(start((4,), "bf16"), "w", state_dtype="bf16")])
    with pytest.raises(libmuon.UnsupportedError, match="state_dtype|momentum"):
        Muon([Parameter(start((4, 4), "bf16"), "w", state_dtype="f16")])


def test_remainders_are_of_bfloat16():
    for array in (start((4, 4), "f16"), np.ones((4, 4), np.float32)):
        with pytest.raises(libmuon.DTypeError, match="remainder"):
            Muon([Parameter(array, "w", master="remainder")])


@pytest.mark.parametrize("kind", TYPES)
def test_bits_are_as_good_as_numbers(kind):
    half, g = start((12, 8), kind), grads((12, 8), kind, 1)[0]
    other = half.view(np.uint16).copy()
    Muon([Parameter(half, "w")]).step([g])
    Muon([Parameter(other, "w", dtype=kind)]).step([g.view(np.uint16)])
    assert (bits(half) == other).all()
    with pytest.raises(libmuon.DTypeError, match="float32"):
        Muon([Parameter(other, "w", dtype=kind, grad_dtype="f32")]).step([g])
    with pytest.raises(libmuon.DTypeError, match="float32"):
        Parameter(other, "w", dtype="f32")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("make", [Muon, AdamW])
def test_what_is_written_into_the_parameter_counts(make, kind):
    half = start((12, 8), kind)
    optimizer = make([Parameter(half, "w")], lr=1e-4)
    g = grads(half.shape, kind, 3)
    optimizer.step([g[0]])
    before = state(optimizer, "master").copy()
    half[0] = 0
    half[1] *= TYPES[kind](2)
    optimizer.zero_grad(set_to_none=True)
    wide = np.where(np.arange(12)[:, None] < 2, half.astype(np.float32), before)
    wide = np.ascontiguousarray(wide, np.float32)
    reference = make([Parameter(wide, "w")], lr=1e-4)
    saved, old = reference.state_dict(), optimizer.state_dict()
    for key in saved["state"][0]:
        saved["state"][0][key] = old["state"][0][key]
    reference.load_state_dict(saved)
    optimizer.step([g[1]])
    reference.step([g[1].astype(np.float32)])
    assert (bits(state(optimizer, "master")) == bits(wide)).all()


def test_zeros_that_are_written_beside_remainders_are_zeros():
    half = start((12, 8), "bf16")
    optimizer = Muon([Parameter(half, "w", master="remainder")], lr=1e-3)
    optimizer.step([grads(half.shape, "bf16", 1)[0]])
    half[...] = 0
    optimizer.step([np.zeros_like(half)])
    assert np.isfinite(half.astype(np.float32)).all()
    assert (np.abs(half.astype(np.float32)) < 0.01).all()


def test_numbers_past_float16_are_infinity_and_the_master_goes_on():
    half = np.full((4, 4), 65504, np.float16)
    optimizer = AdamW([Parameter(half, "w")], lr=100.0, weight_decay=0.0)
    optimizer.step([np.full((4, 4), -1, np.float16)])
    assert np.isinf(half).all() and np.isfinite(state(optimizer, "master")).all()
    optimizer.step([np.full((4, 4), 1, np.float16)])
    optimizer.step([np.full((4, 4), 1, np.float16)])
    optimizer.step([np.full((4, 4), 1, np.float16)])
    assert np.isfinite(half).all()


def test_denormal_numbers_of_float16_are_numbers():
    tiny = np.float16(3e-7)
    half = np.full((8, 8), tiny, np.float16)
    optimizer = Muon([Parameter(half, "w")], lr=0.0)
    g = (np.eye(8) * tiny).astype(np.float16)
    optimizer.step([g])
    assert (half == tiny).all()
    assert (state(optimizer, "momentum_buffer") == g.astype(np.float32)).all()
    assert (state(optimizer, "master") == np.float32(tiny)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("make", [Muon, AdamW])
def test_gradients_that_are_not_finite_change_nothing(make, kind, bad):
    half = start((12, 8), kind)
    optimizer = make([Parameter(half, "w")], lr=1e-3)
    g = grads(half.shape, kind, 2)
    optimizer.step([g[0]])
    g[1][3, 3] = bad
    half[0] = 1
    before, saved = half.copy(), state(optimizer, "master").copy()
    with pytest.raises(libmuon.NonFiniteGradientError, match="gradient of parameter w"):
        optimizer.step([g[1]])
    assert (bits(half) == bits(before)).all() and (bits(state(optimizer, "master")) == bits(saved)).all()
    optimizer.nonfinite = "skip"
    optimizer.step([g[1]])
    assert optimizer.skipped_steps == 1 and (bits(half) == bits(before)).all()


def test_a_momentum_past_bfloat16_is_refused():
    g = np.full((4, 4), 3.4e38, np.float32)
    w = np.ones((4, 4), np.float32)
    Muon([Parameter(w, "w")], momentum=0.0, nesterov=False).step([g])
    optimizer = Muon([Parameter(w.copy(), "w", state_dtype="bf16")], momentum=0.0, nesterov=False)
    with pytest.raises(libmuon.NonFiniteGradientError, match="past bfloat16"):
        optimizer.step([g])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("make", [Muon, AdamW])
def test_norms_and_statistics_are_those_of_float32(make, kind):
    half, optimizer, wide, reference = pair(lambda params: make(params, lr=1e-3), (300, 300), kind)
    optimizer.statistics_level = reference.statistics_level = "orthogonality"
    for g in grads(half.shape, kind, 5):
        optimizer.parameters[0].grad, reference.parameters[0].grad = g, g.astype(np.float32)
        assert libmuon.clip_grad_norm([optimizer], 0.5) == libmuon.clip_grad_norm([reference], 0.5)
        libmuon.step([optimizer])
        libmuon.step([reference])
        assert str(optimizer.statistics(0)) == str(reference.statistics(0))
        assert (bits(state(optimizer, "master")) == bits(wide)).all()


@pytest.mark.parametrize("master", ["f32", "remainder", "none"])
@pytest.mark.parametrize("shape", [(1100, 900), (64, 64)])
def test_results_do_not_depend_on_the_number_of_threads(shape, master):
    results = []
    try:
        for count in (1, 2, 5):
            libmuon.set_num_threads(count)
            half, flat = start(shape, "bf16"), start((1_100_000,), "bf16")
            optimizers = [Muon([Parameter(half, "w", master=master, state_dtype="bf16")]),
                          AdamW([Parameter(flat, "b", master=master)])]
            for g, h in zip(grads(shape, "bf16", 2), grads(flat.shape, "bf16", 2)):
                optimizers[0].parameters[0].grad, optimizers[1].parameters[0].grad = g, h
                libmuon.step(optimizers)
            results.append((half, flat))
    finally:
        libmuon.set_num_threads(0)
    for half, flat in results[1:]:
        assert (bits(half) == bits(results[0][0])).all() and (bits(flat) == bits(results[0][1])).all()


@pytest.mark.parametrize("storage", [
    {}, {"master": "remainder", "state_dtype": "bf16"}, {"master": "none"}], ids=str)
@pytest.mark.parametrize("way", ["checkpoint", "state_dict"])
def test_training_goes_on_after_loading(tmp_path, way, storage):
    def make(array):
        return Muon([Parameter(array, "w", **storage)], lr=1e-3)

    one, g = start((20, 12), "bf16"), grads((20, 12), "bf16", 6)
    first = make(one)
    for each in g[:3]:
        first.step([each])
    if way == "checkpoint":
        libmuon.checkpoint.save(tmp_path / "c", [first])
        two = np.zeros_like(one)
        second = make(two)
        libmuon.checkpoint.load(tmp_path / "c", [second])
    else:
        two = one.copy()
        second = make(two)
        second.load_state_dict(first.state_dict())
    for each in g[3:]:
        first.step([each])
        second.step([each])
    assert (bits(one) == bits(two)).all()
    for key, value in first.state_dict()["state"][0].items():
        assert np.all(value == second.state_dict()["state"][0][key]), key


def test_a_checkpoint_of_other_types_is_a_mismatch(tmp_path):
    def make(array, **storage):
        return Muon([Parameter(array, "w", **storage)])

    arrays = {"f32": np.ones((4, 4), np.float32), "bf16": start((4, 4), "bf16"), "f16": start((4, 4), "f16")}
    others = [make(arrays[kind].copy(), **storage) for kind in arrays
              for storage in ({}, {"master": "none"}, {"state_dtype": "bf16"}, {"master": "remainder"})
              if kind == "bf16" or storage.get("master") != "remainder"]
    for data in (True, False):
        for one in others:
            libmuon.checkpoint.save(tmp_path / "c", [one], data=data)
            for other in others:
                # Without a master of its own, a float32 parameter is the same whatever it says.
                if one.parameters[0].dtype == other.parameters[0].dtype == "f32":
                    if one.state_dict()["state"].keys() == other.state_dict()["state"].keys():
                        continue
                if one is other:
                    libmuon.checkpoint.load(tmp_path / "c", [other], data=data)
                    continue
                with pytest.raises(libmuon.MismatchError, match="is stored as|has dtype"):
                    libmuon.checkpoint.load(tmp_path / "c", [other], data=data)


def test_sets_and_single_steps_take_them():
    half, flat = start((20, 12), "bf16"), start((7,), "f16")
    config = {"training": {"optimizer": "Muon", "learning_rate": 0.02}}
    optimizers = libmuon.build_optimizers([Parameter(half, "w"), Parameter(flat, "b")], config)
    assert [each.kind for each in optimizers] == ["Muon", "AdamW"]
    before = half.copy(), flat.copy()
    for optimizer, g in zip(optimizers, (grads(half.shape, "bf16", 1)[0], grads(flat.shape, "f16", 1)[0])):
        optimizer.parameters[0].grad = g
    libmuon.step(optimizers)
    assert (half != before[0]).any() and (flat != before[1]).any()
    for optimizer in optimizers:
        optimizer.zero_grad()
        assert (optimizer.parameters[0].grad.astype(np.float32) == 0).all()


@pytest.mark.parametrize("kind", TYPES)
def test_memory_is_looked_at_in_its_own_elements(kind):
    memory = np.zeros(100, TYPES[kind])
    # Side by side, and not aligned to float32.
    one, two = memory[1:17].reshape(4, 4), memory[17:33].reshape(4, 4)
    Muon([one, two])
    with pytest.raises(libmuon.InvalidArgumentError, match="overlaps"):
        Muon([one, memory[16:32].reshape(4, 4)])
    odd = np.frombuffer(bytearray(35), np.uint8)[1:33].view(TYPES[kind]).reshape(4, 4)
    with pytest.raises(libmuon.InvalidArgumentError, match="2-byte elements"):
        Muon([odd])


def test_steps_allocate_nothing_after_the_first():
    half = start((200, 300), "bf16")
    optimizer = Muon([Parameter(half, "w", master="none", state_dtype="bf16")])
    g = grads(half.shape, "bf16", 3)
    optimizer.step([g[0]])
    scratch = optimizer.scratch_bytes
    optimizer.step([g[1]])
    assert optimizer.scratch_bytes == scratch
