"""What libmuon is measured beside: torch's Muon and AdamW, KellerJordan's update, optax's Muon.

Each framework is imported when it is first used, and owns its tensors, as it would in a program
that is written with it.
"""

import numpy as np

from ours import LEARNING_RATE, MOMENTUM, WEIGHT_DECAY

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
STEPS = 5


def prepare_torch(threads):
    """Sets torch's threads. Returns its version and its instruction set, or what is wrong."""
    try:
        import torch
    except ImportError as error:
        return f"cannot be imported: {error}"
    torch.set_num_threads(threads)
    return f"{torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"


def torch_parameters(grads):
    import torch

    parameters = []
    for grad in grads:
        parameter = torch.nn.Parameter(torch.zeros(grad.shape))
        parameter.grad = torch.from_numpy(grad).clone()
        parameters.append(parameter)
    return parameters


class TorchMuon:
    """torch.optim.Muon; its products are in bf16 whatever the parameters are."""

    def __init__(self, grads):
        import torch

        self.parameters = torch_parameters(grads)
        self.optimizer = torch.optim.Muon(
            self.parameters,
            lr=LEARNING_RATE,
            momentum=MOMENTUM,
            weight_decay=WEIGHT_DECAY,
            adjust_lr_fn="original",
        )
        self.step = self.optimizer.step

    def parameter(self, index):
        return self.parameters[index].detach().numpy()


class KellerJordan:
    """The update of github.com/KellerJordan/Muon: bf16 throughout the iteration, products by `@`.

    One departure, which costs nothing: the gradient is not overwritten.
    """

    def __init__(self, grads):
        import torch

        self.parameters = torch_parameters(grads)
        self.momenta = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.step = torch.no_grad()(self.update_all)

    def update_all(self):
        for parameter, momentum in zip(self.parameters, self.momenta):
            momentum.lerp_(parameter.grad, 1 - MOMENTUM)
            update = orthogonalized(parameter.grad.lerp(momentum, MOMENTUM))
            rows, columns = parameter.shape
            update *= max(1, rows / columns) ** 0.5
            parameter.mul_(1 - LEARNING_RATE * WEIGHT_DECAY)
            parameter.add_(update, alpha=-LEARNING_RATE)

    def parameter(self, index):
        return self.parameters[index].detach().numpy()


def orthogonalized(matrix):
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.bfloat16()
    if tall:
        x = x.mT
    x = x / (x.norm() + 1e-7)
    for _ in range(STEPS):
        gram = x @ x.mT
        polynomial = b * gram + c * gram @ gram
        x = a * x + polynomial @ x
    return x.mT if tall else x


class Optax:
    """optax.contrib.muon, one jitted function a step, its parameters and state donated.

    Its products are in f32: XLA's default on CPUs.
    """

    def __init__(self, grads):
        import jax
        import jax.numpy as jnp
        import optax

        optimizer = optax.contrib.muon(
            LEARNING_RATE, beta=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY
        )

        def update(parameters, state, gradients):
            updates, state = optimizer.update(gradients, state, parameters)
            return optax.apply_updates(parameters, updates), state

        self.block = jax.block_until_ready
        self.jitted = jax.jit(update, donate_argnums=(0, 1))
        self.gradients = [jnp.array(grad) for grad in grads]
        self.parameters = [jnp.zeros(grad.shape, jnp.float32) for grad in grads]
        self.state = optimizer.init(self.parameters)
        self.block((self.gradients, self.parameters, self.state))

    def step(self):
        self.parameters, self.state = self.block(
            self.jitted(self.parameters, self.state, self.gradients)
        )

    def parameter(self, index):
        return np.asarray(self.parameters[index])


class TorchAdamW:
    """torch.optim.AdamW(fused=True)."""

    def __init__(self, grads):
        import torch

        self.parameters = torch_parameters(grads)
        self.optimizer = torch.optim.AdamW(self.parameters, fused=True)
        self.step = self.optimizer.step

    def parameter(self, index):
        return self.parameters[index].detach().numpy()
