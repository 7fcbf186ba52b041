#!/usr/bin/env python3
"""Writes optimizers.json and schedulers.json beside itself: numbers from PyTorch that the tests
compare libmuon with. The format is described in README.md. Needs torch 2.15 and numpy."""

import base64
import inspect
import itertools
import json
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch.optim import lr_scheduler

import inputs

HERE = Path(__file__).resolve().parent
PARAM_SEED = 1
GRAD_SEED = 1000  # the gradient of step t, from 1, has seed 1000 + t
STEPS = 50
KEPT_STEPS = (1, 10, 50)
SCHEDULE_STEPS = 200
BASE_LRS = (0.1, 0.3)


def uniform(seed, shape):
    return torch.from_numpy(inputs.uniform(seed, shape))


# ---- Optimizers ----------------------------------------------------------------------------------


class Arrays:
    """Float32 arrays as base64 text. Cases share many of them; each is stored once."""

    def __init__(self):
        self.texts = []
        self.index = {}

    def add(self, values):
        raw = np.ascontiguousarray(values, dtype="<f4").tobytes()
        text = base64.b64encode(raw).decode("ascii")
        if text not in self.index:
            self.index[text] = len(self.texts)
            self.texts.append(text)
        return self.index[text]


def run(optimizer, param, buffers):
    """Steps the optimizer; yields each step to keep, with the parameter and its buffers."""
    for step in range(1, STEPS + 1):
        param.grad = uniform(GRAD_SEED + step, tuple(param.shape))
        optimizer.step()
        if step in KEPT_STEPS:
            state = optimizer.state[param]
            yield step, param.detach().numpy(), {name: state[key].numpy() for name, key in buffers}


def muon_trajectory(shape, options):
    """torch's Muon in float32. Its orthogonalization casts to torch.bfloat16, whatever that is."""
    param = torch.nn.Parameter(uniform(PARAM_SEED, shape))
    adjust = {"spectral": "spectral_unclamped"}.get(options["shape_scale"], options["shape_scale"])
    optimizer = torch.optim.Muon(
        [param],
        lr=options["lr"],
        momentum=options["momentum"],
        nesterov=options["nesterov"],
        weight_decay=options["weight_decay"],
        eps=options["eps"],
        ns_steps=options["backend_steps"],
    )
    # Set here because the constructor refuses "none", for which torch's code has the factor 1.
    optimizer.param_groups[0]["adjust_lr_fn"] = adjust
    with mock.patch.object(torch, "bfloat16", torch.float32):
        yield from run(optimizer, param, [("momentum", "momentum_buffer")])


def muon_cases(arrays):
    shapes = [(16, 16), (24, 10), (10, 24)]
    scales = ["none", "original", "match_rms_adamw", "spectral"]
    for shape, scale, decay, nesterov, style in itertools.product(
        shapes, scales, [0.0, 0.1], [True, False], ["classic", "ema"]
    ):
        options = {
            "lr": 0.02,
            "momentum": 0.95,
            "nesterov": nesterov,
            "momentum_style": style,
            "weight_decay": decay,
            "shape_scale": scale,
            "eps": 1e-7,
            "backend": "newtonschulz5",
            "backend_steps": 5,
        }
        # The classic momentum is torch's / (1 - momentum). The direction of the update does not
        # depend on that factor, so the parameters are torch's, but for eps.
        unit = 1.0 if style == "ema" else 1 / (1 - options["momentum"])
        after = {}
        for step, param, buffers in muon_trajectory(shape, options):
            momentum = buffers["momentum"].astype(np.float64) * unit
            after[str(step)] = {"param": arrays.add(param), "momentum": arrays.add(momentum)}
        yield {"optimizer": "muon", "shape": list(shape), "options": options, "after": after}


def adamw_cases(arrays):
    settings = [
        {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01},
        {"lr": 0.02, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1},
        {"lr": 0.02, "betas": [0.8, 0.95], "eps": 1e-2, "weight_decay": 0.0},
    ]
    buffers = [("exp_avg", "exp_avg"), ("exp_avg_sq", "exp_avg_sq")]
    for shape, options in itertools.product([(5, 7), (9,), ()], settings):
        param = torch.nn.Parameter(uniform(PARAM_SEED, shape))
        optimizer = torch.optim.AdamW([param], **options)
        after = {}
        for step, values, states in run(optimizer, param, buffers):
            after[str(step)] = {"param": arrays.add(values)}
            after[str(step)] |= {name: arrays.add(state) for name, state in states.items()}
        yield {"optimizer": "adamw", "shape": list(shape), "options": options, "after": after}


# ---- Schedulers ----------------------------------------------------------------------------------


def linear(start_factor, end_factor, total_iters):
    return {
        "kind": "linear",
        "start_factor": start_factor,
        "end_factor": end_factor,
        "total_iters": total_iters,
    }


def constant(factor, total_iters):
    return {"kind": "constant", "factor": factor, "total_iters": total_iters}


def cosine(t_max, eta_min=0.0):
    return {"kind": "cosine", "t_max": t_max, "eta_min": eta_min}


def sequential(schedules, milestones):
    return {"kind": "sequential", "schedules": schedules, "milestones": milestones}


def chained(*schedules):
    # torch gets some ways of nesting wrong: README.md names those left out.
    return {"kind": "chained", "schedules": list(schedules)}


def trapezoid(warmup_steps, decay_steps, total_steps, start_factor, end_factor):
    return {
        "kind": "trapezoid",
        "warmup_steps": warmup_steps,
        "decay_steps": decay_steps,
        "total_steps": total_steps,
        "start_factor": start_factor,
        "end_factor": end_factor,
    }


WARMUP = linear(1e-5, 1.0, 10)

SCHEDULES = [
    linear(1e-5, 1.0, 10),
    linear(1.0, 1e-5, 150),
    linear(1.0, 0.0, 50),
    linear(0.25, 0.75, 1),
    linear(1 / 3, 1.0, 5),
    linear(0.5, 0.5, 20),
    linear(1.0, 0.1, 500),
    constant(0.25, 7),
    constant(1 / 3, 5),
    constant(1.0, 10),
    *(cosine(t_max, eta_min) for t_max in (50, 200, 7, 1) for eta_min in (0.0, 0.01)),
    sequential([WARMUP, cosine(190)], [10]),
    sequential([WARMUP, cosine(60, 0.01)], [10]),
    sequential([WARMUP, linear(1.0, 1e-5, 150)], [10]),
    sequential([WARMUP, linear(1.0, 1e-5, 300)], [5]),  # the warmup is cut off halfway
    sequential([linear(0.1, 1.0, 20), cosine(100)], [40]),  # the warmup ends before its turn
    sequential([constant(0.25, 7), linear(1.0, 0.1, 80), cosine(30, 0.01)], [15, 110]),
    sequential([cosine(20), linear(0.5, 1.0, 10), constant(0.25, 12)], [30, 31]),
    sequential([linear(0.1, 1.0, 250), cosine(100)], [1000]),
    chained(constant(0.25, 7), linear(1.0, 0.1, 100)),
    chained(linear(0.1, 1.0, 20), cosine(150)),
    chained(linear(0.1, 1.0, 20), cosine(60, 0.01)),
    chained(constant(0.25, 7), cosine(60)),
    chained(cosine(60, 0.01), constant(0.25, 90)),
    chained(linear(0.5, 1.0, 10)),
    sequential([chained(constant(0.5, 10), linear(0.1, 1.0, 20)), cosine(100)], [30]),
    chained(sequential([WARMUP, cosine(100)], [10]), linear(1.0, 0.1, 150)),
    chained(sequential([WARMUP, linear(1.0, 0.1, 100)], [10]), constant(0.25, 40)),
    trapezoid(20, 50, 180, 1e-5, 1e-5),
    trapezoid(0, 100, 150, 0.1, 0.0),
    trapezoid(30, 120, 150, 0.1, 0.05),
    trapezoid(10, 100, 1000, 0.5, 0.1),
]


def torch_trapezoid(optimizer, spec):
    """Linear up, constant, linear down, one after the other."""
    warmup, decay, total = spec["warmup_steps"], spec["decay_steps"], spec["total_steps"]
    parts = [constant(1.0, total), linear(1.0, spec["end_factor"], decay)]
    milestones = [total - decay]
    if warmup > 0:
        parts.insert(0, linear(spec["start_factor"], 1.0, warmup))
        milestones.insert(0, warmup)
    return torch_scheduler(optimizer, sequential(parts, milestones))


def torch_scheduler(optimizer, spec):
    kind, values = spec["kind"], {k: v for k, v in spec.items() if k != "kind"}
    if kind == "linear":
        return lr_scheduler.LinearLR(optimizer, **values)
    if kind == "constant":
        return lr_scheduler.ConstantLR(optimizer, **values)
    if kind == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, spec["t_max"], spec["eta_min"])
    if kind == "trapezoid":
        return torch_trapezoid(optimizer, spec)
    children = [torch_scheduler(optimizer, child) for child in spec["schedules"]]
    if kind == "sequential":
        return lr_scheduler.SequentialLR(optimizer, children, spec["milestones"])
    return lr_scheduler.ChainedScheduler(children, optimizer)


def schedule_case(spec):
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in BASE_LRS]
    optimizer = torch.optim.SGD(groups)
    scheduler = torch_scheduler(optimizer, spec)
    rates = [[] for _ in BASE_LRS]
    for step in range(SCHEDULE_STEPS + 1):
        if step > 0:
            scheduler.step()
        for group, rate in zip(rates, scheduler.get_last_lr()):
            group.append(float(f"{rate:.12g}"))
    return {"schedule": spec, "rates": rates}


# ---- Files ---------------------------------------------------------------------------------------


def write(name, limit, header, **lists):
    """JSON with one element of each list on a line, so that a change shows as the lines it is."""
    parts = [f'"{key}": {json.dumps(value)}' for key, value in header.items()]
    for key, rows in lists.items():
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        parts.append(f'"{key}": [\n{lines}\n]')
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    assert len(text) <= limit, f"{name} has {len(text)} bytes, {limit} is the limit"
    (HERE / name).write_text(text, encoding="ascii")
    print(f"{name}: {len(text)} bytes")


def main():
    warnings.simplefilter("error")
    # The schedules run without an optimizer step between theirs.
    warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
    torch.set_num_threads(1)
    # What the patch in muon_trajectory relies on.
    assert "dtype=torch.bfloat16" in inspect.getsource(torch.optim._muon)
    version = torch.__version__.split("+")[0]
    print("torch", version)

    arrays = Arrays()
    cases = [*muon_cases(arrays), *adamw_cases(arrays)]
    write("optimizers.json", 300_000, {"torch": version}, cases=cases, arrays=arrays.texts)
    print(f"  {len(cases)} cases, {len(arrays.texts)} arrays")

    cases = [schedule_case(spec) for spec in SCHEDULES]
    header = {"torch": version, "base_lrs": list(BASE_LRS), "steps": SCHEDULE_STEPS}
    write("schedulers.json", 250_000, header, cases=cases)
    print(f"  {len(cases)} cases")


if __name__ == "__main__":
    main()
