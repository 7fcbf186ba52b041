"""The example of the package's README runs and does what it shows."""

from __future__ import annotations

import re

import numpy as np


def test_the_example_trains(root):
    text = (root / "bindings" / "python" / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    # The others are torch's, and run in Tests/torch.
    (code,) = [block for block in blocks if "torch" not in block]
    names = {}
    exec(code, names)
    distance = np.linalg.norm(names["weight"].data - names["target"])
    assert distance < 0.1 * np.linalg.norm(names["target"])
