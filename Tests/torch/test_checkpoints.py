"""State dicts: between torch's optimizers and ours, copies, pickles, and what is refused."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest
import torch

import libmuon
from libmuon.torch import AdamW, Muon
from training import assert_same, copies, gradients, moved, parameters, snapshot, train

# Ours, torch's, and how closely they agree: torch's Muon multiplies in bfloat16.
PAIRS = [(Muon, torch.optim.Muon, 3e-2), (AdamW, torch.optim.AdamW, 1e-5)]
ORIGINAL = {"backend": "newtonschulz5", "backend_steps": 5}


def resumed(first, second, start, convert=lambda state_dict: state_dict):
    """Ten steps with one optimizer and ten more with another, which takes over its state dict."""
    params = copies(start)
    one = first(params)
    train(one, params, 10, seed=1)
    saved = io.BytesIO()
    torch.save(convert(one), saved)
    saved.seek(0)
    params = copies(params)
    two = second(params)
    two.load_state_dict(torch.load(saved, weights_only=True))
    train(two, params, 10, seed=2)
    return params


def straight(cls, start):
    params = copies(start)
    optimizer = cls(params)
    train(optimizer, params, 10, seed=1)
    train(optimizer, params, 10, seed=2)
    return params


@pytest.mark.parametrize(("ours", "torchs", "tolerance"), PAIRS)
def test_between_torch_and_ours(ours, torchs, tolerance):
    # What must come from the dict is not what the second optimizer would take by itself.
    def options(cls):
        return lambda params: cls(params, lr=0.01, weight_decay=0.2, eps=1e-6)

    def saved(optimizer):
        return optimizer.state_dict()

    start = parameters((24, 36), (40, 12))
    expected = straight(options(torchs), start)
    for first, second in [(options(torchs), ours), (options(ours), torchs)]:
        params = resumed(first, second, start, saved)
        for p, each, zero in zip(params, expected, start):
            assert moved(p, each, zero) <= tolerance


@pytest.mark.parametrize("options", [{}, ORIGINAL, {"backend": "svd"}])
def test_muon_resumes_to_the_bit(options):
    def make(params):
        return Muon(params, lr=0.01, **options)

    start = parameters((24, 36), (40, 12))
    expected = straight(make, start)
    # The second one is made with other options, and takes those of the first.
    for p, each in zip(resumed(make, Muon, start, lambda o: o.state_dict()), expected):
        assert torch.equal(p, each)


def test_adamw_resumes_to_the_bit():
    start = parameters((24, 36), (7,))
    expected = straight(AdamW, start)
    params = resumed(AdamW, lambda p: AdamW(p, lr=1.0), start, lambda o: o.state_dict())
    for p, each in zip(params, expected):
        assert torch.equal(p, each)


@pytest.mark.parametrize(
    "options",
    [
        ORIGINAL,
        {"backend_steps": 7, "shape_scale": "match_rms_adamw"},
        {"coefficients": [(3.4, -4.7, 2.0)], "backend_steps": 5, "shape_scale": "spectral"},
        {"coefficients": (3.0, -3.2, 1.2), "backend_steps": 5},
        {"ns_coefficients": [(3.0, -3.2, 1.2)] * 3, "ns_steps": 3},
        {"momentum_style": "ema", "shape_scale": "original"},
        {},
    ],
)
def test_torch_goes_on_from_the_original_systems_way(options):
    def make(params):
        return Muon(params, lr=0.02, weight_decay=0.1, **options)

    start = parameters((24, 36), (40, 12))
    expected = straight(make, start)
    params = resumed(make, torch.optim.Muon, start, lambda o: o.torch_state_dict())
    for p, each, zero in zip(params, expected, start):
        assert moved(p, each, zero) <= 3e-2
    # And back again, to ours.
    params = resumed(make, Muon, start, lambda o: o.torch_state_dict())
    for p, each, zero in zip(params, expected, start):
        assert moved(p, each, zero) <= 3e-2


@pytest.mark.parametrize(
    "options",
    [
        {"backend": "svd"},
        {"backend": "polar_express"},
        {"backend": "turbo"},
        {"update_scale": 0.5},
        {"cautious_weight_decay": True},
        {"second_moment": "normuon"},
        {"hyperball": True, "weight_decay": 0.0},
        {"coefficients": [(3.4, -4.7, 2.0), (2.0, -1.5, 0.5)]},
    ],
)
def test_what_torch_does_not_have_is_not_exported(options):
    params = parameters((4, 6))
    optimizer = Muon(params, **options)
    train(optimizer, params, 2)
    with pytest.raises(libmuon.UnsupportedError, match="same three coefficients|torch's Muon has no"):
        optimizer.torch_state_dict()


def test_a_dict_of_the_original_system():
    """{lr, momentum, nesterov, backend, backend_steps}, a classic momentum, and nothing else."""
    start = parameters((24, 36))
    expected = straight(lambda params: Muon(params, lr=0.03, **ORIGINAL), start)

    def make(optimizer):
        saved = optimizer.state_dict()
        keys = ("lr", "momentum", "nesterov", "backend", "backend_steps", "params")
        saved["param_groups"] = [{key: saved["param_groups"][0][key] for key in keys}]
        return saved

    params = resumed(
        lambda params: Muon(params, lr=0.03, **ORIGINAL),
        lambda params: Muon(params, weight_decay=0.0),
        start,
        make,
    )
    assert torch.equal(params[0], expected[0])


def test_the_momentum_is_that_of_the_numpy_optimizer():
    params = parameters((6, 9))
    array = params[0].detach().numpy().copy()
    one, two = Muon(params, backend="newtonschulz5"), libmuon.Muon([array])
    for grads in gradients(params, 3):
        params[0].grad = grads[0]
        one.step()
        two.step([grads[0].numpy()])
    np.testing.assert_array_equal(
        one.state_dict()["state"][0]["momentum_buffer"].numpy(),
        two.state_dict()["state"][0]["momentum_buffer"],
    )


@pytest.mark.parametrize("cls", [Muon, AdamW])
@pytest.mark.parametrize(
    "duplicate",
    [
        copy.deepcopy,
        lambda pair: pickle.loads(pickle.dumps(pair)),
        lambda pair: torch.load(save(pair), weights_only=False),
    ],
)
def test_copies_go_on_alone(cls, duplicate):
    params = parameters((8, 6), (5, 5))
    optimizer = cls([("first", params[0]), ("second", params[1])], nonfinite="skip")
    train(optimizer, params, 3)
    twin, twins = duplicate((optimizer, params))
    assert twin.param_groups[0]["params"][0] is twins[0]
    assert twin.nonfinite == "skip" and twin.param_groups[0]["param_names"] == ["first", "second"]
    before = snapshot(optimizer, params)
    train(twin, twins, 3, seed=2)
    assert_same(before, snapshot(optimizer, params))
    train(optimizer, params, 3, seed=2)
    assert_same(snapshot(twin, twins), snapshot(optimizer, params))


def save(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return file


@pytest.mark.parametrize("cls", [Muon, AdamW])
def test_loading_copies(cls):
    """Two optimizers that go on from one dict do not share memory."""
    params = parameters((8, 6))
    optimizer = cls(params)
    train(optimizer, params, 3)
    twins = copies(params)
    twin = cls(twins)
    twin.load_state_dict(optimizer.state_dict())
    before = snapshot(optimizer, params)
    train(twin, twins, 2)
    assert_same(before, snapshot(optimizer, params))


def wrong(saved, **changes):
    saved = copy.deepcopy(saved)
    saved["state"][1].update(changes)
    return saved


@pytest.mark.parametrize("cls", [Muon, AdamW])
def test_a_dict_that_does_not_fit_changes_nothing(cls):
    params = parameters((8, 6), (5, 4))
    optimizer = cls([("first", params[0]), ("second", params[1])])
    train(optimizer, params, 2)
    saved = optimizer.state_dict()
    name = "momentum_buffer" if cls is Muon else "exp_avg_sq"
    missing = copy.deepcopy(saved)
    missing["state"][1] = {"other": torch.zeros(5, 4)}
    options = copy.deepcopy(saved)
    options["param_groups"][0]["eps"] = -1.0
    fewer = copy.deepcopy(saved)
    fewer["param_groups"][0]["params"] = [0]
    cases = [
        (wrong(saved, **{name: torch.zeros(4, 5)}), f"second: {name}: shape"),
        (wrong(saved, **{name: torch.zeros(5, 4, dtype=torch.int32)}), f"second: {name}: dense"),
        (wrong(saved, **{name: [0.0]}), f"second: {name}: a tensor"),
        (missing, "second: '.*' is missing"),
        (options, "eps"),
        (fewer, "doesn't match the size"),
    ]
    if cls is AdamW:
        cases += [
            (wrong(saved, step=torch.tensor(1.5)), "second: step: a whole number"),
            (wrong(saved, step=-1), "second: step: a whole number"),
            (wrong(saved, step="3"), "second: step: a whole number"),
        ]
    before, groups = snapshot(optimizer, params), copy.deepcopy(optimizer.param_groups)
    for case, text in cases:
        with pytest.raises(ValueError, match=text):
            optimizer.load_state_dict(case)
        assert_same(before, snapshot(optimizer, params))
        assert [{**g, "params": 0} for g in groups] == [
            {**g, "params": 0} for g in optimizer.param_groups
        ]
    train(optimizer, params, 2)


def test_dicts_of_unsupported_options():
    params = parameters((5,))
    theirs = torch.optim.AdamW(copies(params), amsgrad=True)
    train(theirs, theirs.param_groups[0]["params"], 2)
    with pytest.raises(NotImplementedError, match="amsgrad"):
        AdamW(params).load_state_dict(theirs.state_dict())


def test_state_of_another_kind_is_refused():
    params = parameters((5, 4))
    adamw = AdamW(copies(params))
    train(adamw, adamw.param_groups[0]["params"], 2)
    with pytest.raises(ValueError, match="'momentum_buffer' is missing"):
        Muon(params).load_state_dict(adamw.state_dict())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("cls", [Muon, AdamW])
def test_masters_survive(cls, dtype):
    """Resuming gives the bits of not having stopped: the state is not rounded."""
    start = parameters((24, 36), dtype=dtype)
    expected = straight(lambda params: cls(params, lr=1e-3), start)
    params = resumed(lambda params: cls(params, lr=1e-3), cls, start, lambda o: o.state_dict())
    assert params[0].dtype is dtype and torch.equal(params[0], expected[0])


@pytest.mark.parametrize(("ours", "torchs", "tolerance"), PAIRS)
def test_between_torch_and_ours_in_bfloat16(ours, torchs, tolerance):
    """torch keeps its state in bfloat16 then, and ours takes it over in float32."""
    params = parameters((24, 36), dtype=torch.bfloat16)
    theirs = torchs(params)
    train(theirs, params, 5)
    optimizer = ours(params)
    optimizer.load_state_dict(theirs.state_dict())
    for name, value in theirs.state[params[0]].items():
        mine = optimizer.state[params[0]][name]
        assert mine.dtype is torch.float32 and torch.equal(mine, value.float())
    train(optimizer, params, 5)
    theirs.load_state_dict(optimizer.state_dict())
    train(theirs, params, 5)
    assert params[0].isfinite().all()


def test_steps_that_others_set():
    params = parameters((6,))
    optimizer, expected = AdamW(params), None
    train(optimizer, params, 3)
    twins = copies(params)
    theirs = torch.optim.AdamW(twins)
    theirs.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each, p in ((optimizer, params[0]), (theirs, twins[0])):
        each.state[p]["step"].fill_(100.0)
    start = copies(params)
    train(optimizer, params, 3)
    train(theirs, twins, 3)
    assert moved(params[0], twins[0], start[0]) <= 1e-5
    assert optimizer.state[params[0]]["step"].item() == 103
    optimizer.state[params[0]]["step"].fill_(0.5)
    with pytest.raises(ValueError, match="param0: step: a whole number"):
        optimizer.step()
