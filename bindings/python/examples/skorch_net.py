"""A scikit-learn estimator of skorch with Muon and AdamW.

    pip install "libmuon[torch]" skorch
    python skorch_net.py
"""

import numpy as np
from skorch import NeuralNetClassifier
from sklearn.model_selection import cross_val_score
from torch import nn

from libmuon.torch import MuonWithAdamW


def main() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 8), dtype=np.float32)
    y = (np.prod(x[:, :2], axis=1) > 0).astype(np.int64)
    module = nn.Sequential(
        nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2), nn.Softmax(-1)
    )
    # skorch gives the optimizer groups of parameters, by patterns of names.
    groups = [("[02].weight", {"use_muon": True}), ("4.weight", {"use_muon": False})]
    net = NeuralNetClassifier(
        module, max_epochs=30, lr=0.02, optimizer=MuonWithAdamW, optimizer__weight_decay=0.01,
        optimizer__param_groups=groups, verbose=0,
    )
    scores = cross_val_score(net, x, y, cv=3, scoring="accuracy")
    print(f"accuracy {scores.mean():.2f}")
    assert scores.mean() > 0.85


if __name__ == "__main__":
    main()
