"""The network of bindings/c/gpt once more, in float64 and by numpy: its loss, from its 16 arrays."""

from __future__ import annotations

import numpy as np


def norm(x, gain, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * gain + bias


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(x, heads):
    """x: (B, T, 3C), Q, K and V side by side, each of all heads."""
    batch, tokens, width = x.shape
    q, k, v = x.reshape(batch, tokens, 3, heads, width // 3 // heads).transpose(2, 0, 3, 1, 4)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    scores = np.where(np.tri(tokens, dtype=bool), scores, -np.inf)
    return (softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(batch, tokens, width // 3)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def loss(p, tokens, targets, heads):
    """The mean of -log of the probability of the targets, which are (B, T) as the tokens."""
    x = p["wte"][tokens] + p["wpe"][: tokens.shape[1]]
    for l in range(len(p["qkvw"])):
        qkv = norm(x, p["ln1w"][l], p["ln1b"][l]) @ p["qkvw"][l].T + p["qkvb"][l]
        x = x + attention(qkv, heads) @ p["attprojw"][l].T + p["attprojb"][l]
        hidden = norm(x, p["ln2w"][l], p["ln2b"][l]) @ p["fcw"][l].T + p["fcb"][l]
        x = x + gelu(hidden) @ p["fcprojw"][l].T + p["fcprojb"][l]
    probabilities = softmax(norm(x, p["lnfw"], p["lnfb"]) @ p["wte"].T)
    return -np.log(np.take_along_axis(probabilities, targets[..., None], -1)).mean()
