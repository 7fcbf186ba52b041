"""The recipe for keras, with both backends: it trains, and its step is that of keras's own Muon."""

from __future__ import annotations

import sys

import pytest
from building import ROOT, run

EXAMPLES = ROOT / "bindings" / "python" / "examples"
STEP = """
import keras
import numpy as np
import keras_fit

rng = np.random.default_rng(0)
for shape in (40, 60), (60, 40):
    start, grads = rng.standard_normal(shape), rng.standard_normal((3, *shape))
    ends = []
    for kind in keras.optimizers.Muon, keras_fit.Muon:
        weight = keras.Variable(start, dtype="float32", name="kernel")
        optimizer = kind(0.1, weight_decay=0.01)
        for grad in grads:
            optimizer.apply([keras.ops.convert_to_tensor(grad, "float32")], [weight])
        ends.append(keras.ops.convert_to_numpy(weight))
    moved, apart = np.linalg.norm(ends[0] - start), np.linalg.norm(ends[0] - ends[1])
    assert 0 < apart < 2e-3 * moved, (apart, moved)
print("the same")
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_model_is_trained_and_goes_on(backend, tmp_path):
    printed = run([sys.executable, "-W", "ignore", EXAMPLES / "keras_fit.py", tmp_path], cwd=tmp_path,
                  KERAS_BACKEND=backend)
    assert printed.strip().rsplit("\n", 1)[-1].startswith(f"{backend}: loss 0.0")
    assert (tmp_path / "model.keras").exists()


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_its_step_is_that_of_keras(backend):
    """Not to the bit: libmuon multiplies otherwise. So they differ, and by little."""
    assert run([sys.executable, "-W", "ignore", "-c", STEP], cwd=EXAMPLES, KERAS_BACKEND=backend).endswith("the same\n")
