"""The variants of docs/variants.md against other libraries, whose numbers Tests/Fixtures/make_variants.py wrote."""

from __future__ import annotations

import base64
import json
import runpy

import numpy as np
import pytest

import libmuon
import reference
from documents import code_blocks


@pytest.fixture(scope="module")
def uniform(root):
    return runpy.run_path(str(root / "Tests" / "Fixtures" / "inputs.py"))["uniform"]


@pytest.fixture(scope="module")
def cases(root):
    return json.loads((root / "Tests" / "Fixtures" / "variants.json").read_text())["cases"]


@pytest.mark.parametrize("name", ["cautious AdamW", "NorMuon", "hyperball"])
def test_other_libraries(cases, uniform, name):
    found = [case for case in cases if case["case"] == name]
    assert len(found) == 2
    for case in found:
        shape = tuple(case["shape"])
        weight = uniform(1, shape)
        optimizer = getattr(libmuon, case["optimizer"])([weight], **case["options"])
        for step in range(1, 51):
            optimizer.step([uniform(1000 + step, shape)])
        expected = np.frombuffer(base64.b64decode(case["p"]), "<f4").reshape(shape)
        assert reference.error(weight, expected) <= 1e-5, case["shape"]


def test_the_code_of_the_document(root):
    blocks = code_blocks(root / "docs" / "variants.md", "python")
    assert blocks
    for block in blocks:
        exec(block, {})


OPTIONS = {
    "cautious": {"cautious_weight_decay": True, "weight_decay": 0.5, "lr": 0.05},
    "normuon": {"second_moment": "normuon", "weight_decay": 0.5},
    "hyperball": {"hyperball": True},
    "normuon on the hyperball": {"hyperball": True, "second_moment": "normuon"},
    "normuon_long": {"second_moment": "normuon_long", "cautious_weight_decay": True},
}
SHAPES = [(300, 500), (500, 300), (1, 40), (40, 1), (70, 70)]


def run(rng, options, steps, start=None):
    """A Muon over SHAPES after some steps, or what it was saved as and some steps more."""
    weights = [rng.standard_normal(shape, dtype=np.float32) for shape in SHAPES]
    optimizer = libmuon.Muon(weights, **options)
    if start is not None:
        libmuon.checkpoint.loads(start, [optimizer])
    for step in steps:
        grads = np.random.default_rng(step)
        optimizer.step([grads.standard_normal(shape, dtype=np.float32) for shape in SHAPES])
    return optimizer, [weight.tobytes() for weight in weights]


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("backend", ["newtonschulz5", "svd"])
def test_the_bits_are_the_same_for_every_number_of_threads(options, backend):
    before = libmuon.get_num_threads()
    try:
        found = set()
        for threads in (1, 2, 3):
            libmuon.set_num_threads(threads)
            rng = np.random.default_rng(7)
            found.add(tuple(run(rng, {**options, "backend": backend}, range(3))[1]))
        assert len(found) == 1
    finally:
        libmuon.set_num_threads(before)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_checkpoint_goes_on_with_the_same_bits(options):
    """Also into an optimizer that was made without the variant."""
    _, straight = run(np.random.default_rng(7), options, range(6))
    optimizer, _ = run(np.random.default_rng(7), options, range(3))
    saved = libmuon.checkpoint.dumps([optimizer])
    for given in (options, {}):
        loaded, resumed = run(np.random.default_rng(8), given, range(3, 6), saved)
        assert resumed == straight
        assert loaded.param_groups[0].options() == optimizer.param_groups[0].options()


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_measuring_changes_nothing(options):
    plain = run(np.random.default_rng(7), options, range(3))[1]
    for level in ("basic", "orthogonality"):
        rng = np.random.default_rng(7)
        weights = [rng.standard_normal(shape, dtype=np.float32) for shape in SHAPES]
        optimizer = libmuon.Muon(weights, **options)
        optimizer.statistics_level = level
        for step in range(3):
            grads = np.random.default_rng(step)
            optimizer.step([grads.standard_normal(shape, dtype=np.float32) for shape in SHAPES])
        assert [weight.tobytes() for weight in weights] == plain
