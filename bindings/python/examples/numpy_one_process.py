"""Trains a small model of numpy arrays in one process. numpy_ranks.py is the same program on several ranks."""

import libmuon
import numpy as np

random = np.random.default_rng(0)
inputs = random.standard_normal((512, 64), np.float32)
targets = np.tanh(inputs @ random.standard_normal((64, 10), np.float32))
first = libmuon.Parameter(0.1 * random.standard_normal((64, 128), np.float32), "first")
second = libmuon.Parameter(0.1 * random.standard_normal((128, 10), np.float32), "second")
muon = libmuon.Muon([first, second], lr=0.01)

rows = slice(None)
for _ in range(30):
    hidden = np.tanh(inputs[rows] @ first.data)
    difference = (hidden @ second.data - targets[rows]) / len(inputs)
    second.grad = hidden.T @ difference
    first.grad = inputs[rows].T @ (difference @ second.data.T * (1 - hidden**2))
    muon.step()
error = np.tanh(inputs @ first.data) @ second.data - targets
print(f"error {np.mean(error**2):.4f}")
