"""model.fit of keras with Muon, over torch or JAX: one method of keras's optimizer is libmuon's.

    pip install "libmuon[torch]" keras    # or libmuon[jax]
    KERAS_BACKEND=torch python keras_fit.py [folder]
"""

import sys

import keras
import numpy as np

if keras.backend.backend() == "torch":
    from libmuon.torch import orthogonalize
else:
    from libmuon.jax import orthogonalize


@keras.saving.register_keras_serializable("libmuon")
class Muon(keras.optimizers.Muon):
    """keras.optimizers.Muon, whose matrices libmuon orthogonalizes."""

    def zeropower_via_newtonschulz5(self, x, steps):
        return orthogonalize(x, steps, 1e-7, backend="newtonschulz5", precision="auto")


def spirals(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of three arms, and which arm each is of."""
    arm, turn = rng.integers(3, size=count), rng.uniform(0.2, 1, count)
    angle = 2 * np.pi * (arm / 3 + turn) + 0.1 * rng.standard_normal(count)
    return np.stack([turn * np.cos(angle), turn * np.sin(angle)], 1).astype("float32"), arm


def main() -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = keras.Sequential([
        keras.layers.Dense(64, "relu"), keras.layers.Dense(64, "relu"),
        keras.layers.Dense(64, "relu"), keras.layers.Dense(3, name="output"),
    ])
    # The last layer, biases and embeddings go to AdamW.
    rate = keras.optimizers.schedules.CosineDecay(0.02, 300)
    optimizer = Muon(rate, exclude_layers=["output"], weight_decay=0.01)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    x, y = spirals(rng, 1920)
    model.fit(x, y, batch_size=64, epochs=5, verbose=0)
    if len(sys.argv) > 1:
        path = f"{sys.argv[1]}/model.keras"
        model.save(path)
        model = keras.models.load_model(path)  # goes on with the optimizer's state
    model.fit(x, y, batch_size=64, epochs=5, verbose=0)
    loss, accuracy = model.evaluate(*spirals(rng, 600), verbose=0)
    print(f"{keras.backend.backend()}: loss {loss:.3f}, accuracy {accuracy:.3f}")
    assert accuracy > 0.95


if __name__ == "__main__":
    main()
