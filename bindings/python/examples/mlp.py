"""A multilayer perceptron on numpy: ReLU between layers, softmax cross-entropy at the end."""

import numpy as np

from libmuon import Parameter


class MLP:
    def __init__(self, sizes, rng):
        self.layers = [
            (he_weight(rng, inputs, outputs, f"fc{i}.weight"), zero_bias(outputs, f"fc{i}.bias"))
            for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:]), start=1)
        ]

    @property
    def parameters(self):
        return [parameter for layer in self.layers for parameter in layer]

    def forward(self, x):
        """The input of every layer, and the logits at the end."""
        activations = [x]
        for weight, bias in self.layers[:-1]:
            activations.append(np.maximum(activations[-1] @ weight.data.T + bias.data, 0))
        weight, bias = self.layers[-1]
        activations.append(activations[-1] @ weight.data.T + bias.data)
        return activations

    def backward(self, x, labels):
        """Adds the gradient of the mean loss to that of each parameter."""
        activations = self.forward(x)
        delta = np.exp(log_softmax(activations.pop()))
        delta[np.arange(len(labels)), labels] -= 1
        delta /= len(labels)
        for weight, bias in reversed(self.layers):
            inputs = activations.pop()
            weight.grad += delta.T @ inputs
            bias.grad += delta.sum(axis=0)
            # A ReLU that gave 0 passes no gradient.
            delta = (delta @ weight.data) * (inputs > 0)

    def loss(self, x, labels):
        log_probabilities = log_softmax(self.forward(x)[-1])
        return -float(log_probabilities[np.arange(len(labels)), labels].mean(dtype=np.float64))

    def accuracy(self, x, labels):
        return float(np.mean(self.forward(x)[-1].argmax(axis=1) == labels))


def he_weight(rng, inputs, outputs, name):
    """Normal with variance 2/inputs, so that the ReLUs keep the size of the signal."""
    deviation = np.float32((2 / inputs) ** 0.5)
    values = deviation * rng.standard_normal((outputs, inputs), dtype=np.float32)
    return with_gradient(Parameter(values, name=name))


def zero_bias(outputs, name):
    return with_gradient(Parameter(np.zeros(outputs, dtype=np.float32), name=name))


def with_gradient(parameter):
    parameter.grad = np.zeros_like(parameter.data)
    return parameter


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)  # without it, a large logit overflows
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
