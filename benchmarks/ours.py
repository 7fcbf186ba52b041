"""libmuon as a contender: through Python, over numpy arrays, as a user calls it."""

import numpy as np

import libmuon

# What every contender is asked for, so that all compute the same function: torch's conventions.
LEARNING_RATE = 0.02
WEIGHT_DECAY = 0.1
MOMENTUM = 0.95


class LibMuon:
    """libmuon.Muon with a precision."""

    def __init__(self, grads, precision, **options):
        self.parameters = [libmuon.Parameter(np.zeros_like(grad)) for grad in grads]
        for parameter, grad in zip(self.parameters, grads):
            parameter.grad = grad
        self.optimizer = libmuon.Muon(
            self.parameters,
            lr=LEARNING_RATE,
            momentum=MOMENTUM,
            weight_decay=WEIGHT_DECAY,
            momentum_style="ema",
            shape_scale="original",
            precision=precision,
            **options,
        )
        self.step = self.optimizer.step

    def parameter(self, index):
        return self.parameters[index].data


class LibAdamW:
    """libmuon.AdamW."""

    def __init__(self, grads, nonfinite="error"):
        self.parameters = [libmuon.Parameter(np.zeros_like(grad)) for grad in grads]
        for parameter, grad in zip(self.parameters, grads):
            parameter.grad = grad
        self.optimizer = libmuon.AdamW(self.parameters, nonfinite=nonfinite)
        self.step = self.optimizer.step

    def parameter(self, index):
        return self.parameters[index].data


def auto(grads):
    return LibMuon(grads, "auto")


def bf16(grads):
    return LibMuon(grads, "bf16")


def int16(grads):
    return LibMuon(grads, "int16")


def int8(grads):
    return LibMuon(grads, "int8")


def f32(grads):
    return LibMuon(grads, "f32")


def adamw_unchecked(grads):
    return LibAdamW(grads, nonfinite="propagate")
