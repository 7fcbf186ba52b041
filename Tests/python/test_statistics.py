"""What steps measure, against float64."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import reference

import libmuon

SHAPES = [(1, 1), (1, 30), (30, 1), (7, 5), (64, 64), (70, 523), (523, 70)]


def orthogonality_error(o):
    gram = o @ o.T if o.shape[0] <= o.shape[1] else o.T @ o
    return np.linalg.norm(gram - np.eye(len(gram))) / np.sqrt(len(gram))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("backend", ["newtonschulz5", "svd", "polar_express"])
@pytest.mark.parametrize("cautious", [False, True])
def test_muon_measures_what_the_formula_says(rng, shape, backend, cautious):
    options = {"weight_decay": 0.1, "backend": backend, "cautious_weight_decay": cautious}
    weight = rng.standard_normal(shape, dtype=np.float32)
    expected = reference.Muon(weight, **options)
    muon = libmuon.Muon([weight.copy()], precision="f32", **options)
    muon.statistics_level = "orthogonality"
    for step in (1, 2):
        g = rng.standard_normal(shape, dtype=np.float32)
        before = np.array(expected.p, np.float64)
        expected.step(g)
        muon.step([g])
        kept = reference.kept(before, expected.direction, 0.02 * 0.1, cautious)
        change = expected.p - kept * before
        measured = muon.statistics(0)
        assert measured.step == step
        assert measured.grad_norm == pytest.approx(np.linalg.norm(g.astype(np.float64)), rel=1e-12)
        assert measured.update_rms == pytest.approx(np.sqrt(np.mean(change**2)), rel=2e-5)
        assert measured.effective_lr == 0.02
        error = orthogonality_error(change / -0.02)
        assert measured.orthogonality_error == pytest.approx(error, rel=1e-5, abs=2e-5)


@pytest.mark.parametrize("count", [1, 17, 70_000, 300_001])
@pytest.mark.parametrize("cautious", [False, True])
def test_adamw_measures_what_the_formula_says(rng, count, cautious):
    weight = rng.standard_normal(count, dtype=np.float32)
    options = {"weight_decay": 30.0, "cautious_weight_decay": cautious}
    expected = reference.AdamW(weight, **options)
    adamw = libmuon.AdamW([weight.copy()], **options)
    adamw.statistics_level = "basic"
    for step in (1, 2):
        g = rng.standard_normal(count, dtype=np.float32)
        before = np.array(expected.p, np.float64)
        expected.step(g)
        adamw.step([g])
        kept = reference.kept(before, expected.exp_avg, 1e-3 * 30, cautious)
        change = expected.p - kept * before
        measured = adamw.statistics(adamw.parameters[0])
        assert measured.step == step
        assert measured.grad_norm == pytest.approx(np.linalg.norm(g.astype(np.float64)), rel=1e-12)
        # p is about 1, and float32 has room for 6e-8 of the update's 1e-3.
        assert measured.update_rms == pytest.approx(np.sqrt(np.mean(change**2)), rel=1e-4)
        assert (measured.effective_lr, measured.orthogonality_error) == (1e-3, None)


@pytest.mark.parametrize(
    "scale, factor",
    [("none", 1), ("original", 2), ("match_rms_adamw", 0.2 * 8), ("spectral", 2)],
)
def test_the_effective_rate_has_the_shape_scale_in_it(rng, scale, factor):
    muon = libmuon.Muon([np.ones((64, 16), np.float32)], lr=0.25, shape_scale=scale)
    muon.statistics_level = "basic"
    muon.step([rng.standard_normal((64, 16), dtype=np.float32)])
    assert muon.statistics(0).effective_lr == pytest.approx(0.25 * factor, rel=1e-15)


def test_they_are_off_until_asked_for_and_then_of_the_last_good_step(rng):
    optimizer = libmuon.Muon([np.ones((3, 4), np.float32)], nonfinite="skip")
    good, bad = rng.standard_normal((3, 4), dtype=np.float32), np.full((3, 4), np.inf, np.float32)
    optimizer.step([good])
    assert optimizer.statistics_level == "none"
    assert optimizer.statistics(0) is None
    scratch = optimizer.scratch_bytes
    optimizer.statistics_level = "basic"
    optimizer.step([good])
    measured = optimizer.statistics(0)
    assert measured.step == 2
    assert measured.orthogonality_error is None
    assert optimizer.scratch_bytes > scratch
    optimizer.step([bad])
    assert optimizer.statistics(0) == measured
    optimizer.nonfinite = "error"
    with pytest.raises(FloatingPointError):
        optimizer.step([bad])
    optimizer.step([None])
    assert optimizer.statistics(0) == measured
    with pytest.raises(dataclasses.FrozenInstanceError):
        measured.step = 3


def test_what_is_wrong_is_refused():
    optimizer = libmuon.Muon([np.ones((3, 4), np.float32)])
    with pytest.raises(ValueError, match="statistics_level: 'all' is not one of 'none', 'basic'"):
        optimizer.statistics_level = "all"
    with pytest.raises(TypeError, match="statistics_level"):
        optimizer.statistics_level = 2.5
    assert optimizer.statistics_level == "none"
    for index in (-1, 1):
        with pytest.raises(ValueError, match=f"no parameter {index}"):
            optimizer.statistics(index)
    with pytest.raises(ValueError, match="not in this optimizer"):
        optimizer.statistics(libmuon.Parameter(np.ones((3, 4), np.float32)))
    assert optimizer.statistics("param0") is optimizer.statistics(0)
    with pytest.raises(ValueError, match='there is no parameter "other"'):
        optimizer.statistics("other")
    with pytest.raises(TypeError):
        optimizer.statistics(0.5)
