#!/usr/bin/env python3
"""What each variant of Muon does to the loss of a small GPT, trained with that variant alone.

The model, the text, the batches, the schedule of the rate and the rate itself are those of bindings/python/examples/gpt.py. Prints
the table of docs/features.md, in Markdown. From the root of a checkout that `make demo-torch` has set up:

    nice -n 19 .venv-torch/bin/python benchmarks/features.py

Each run ends up in the file --out as soon as it is done; runs that are there are not made again.
"""

import argparse
import json
import statistics
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bindings" / "python" / "examples"))

import gpt  # noqa: E402
from gpt_model import GPT  # noqa: E402
from gpt_text import Characters, load_text  # noqa: E402
from machine import processor  # noqa: E402

import libmuon  # noqa: E402
from libmuon.torch import LinearLR, MuonWithAdamW, Trapezoid  # noqa: E402


class FusedGPT(GPT):
    """The same model, from the same initial weights, with q, k and v of each block as one layer."""

    def __init__(self, *arguments, **shape):
        super().__init__(*arguments, **shape)
        for block in self.blocks:
            parts = [block.query, block.key, block.value]
            block.qkv = nn.Linear(parts[0].in_features, 3 * parts[0].out_features, bias=False)
            block.qkv.weight = nn.Parameter(torch.cat([part.weight.detach() for part in parts]))
            for name, index in (("query", 0), ("key", 1), ("value", 2)):
                delattr(block, name)
                # No modules: the layer is the block's alone.
                object.__setattr__(block, name, Part(block.qkv, index))


class Part:
    """A third of what a layer gives."""

    def __init__(self, layer, index):
        self.layer, self.index = layer, index

    def __call__(self, x):
        return nn.functional.linear(x, self.layer.weight.chunk(3)[self.index])


class UnitGPT(GPT):
    """The same model, whose hidden matrices begin with a standard deviation of 1/sqrt(inputs), and not of 0.02."""

    def __init__(self, *arguments, **shape):
        super().__init__(*arguments, **shape)
        for layer in self.blocks.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=layer.in_features**-0.5)


class HalfGPT(GPT):
    """The same model in bfloat16; its loss is computed in float32."""

    def __init__(self, *arguments, **shape):
        super().__init__(*arguments, **shape)
        self.bfloat16()

    def forward(self, tokens):
        return super().forward(tokens).float()


@dataclass(frozen=True)
class Feature:
    """A variant: options of Muon, of both sides, and what else differs."""

    name: str
    muon: dict = field(default_factory=dict)
    adamw: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    model: type = GPT
    schedulers: tuple = ()


def momentum_schedule(optimizer, steps):
    """From 0.85 to 0.95 in the first half, and back in the last twelfth, as modded-nanogpt's 300 and 50 of 600."""
    ratio = 0.85 / 0.95
    return Trapezoid(optimizer, steps // 2, steps // 12, steps, ratio, ratio, option="momentum")


def decay_schedule(optimizer, steps):
    """In a straight line to 0, as nanochat's."""
    return LinearLR(optimizer, 1.0, 0.0, steps, option="weight_decay")


FEATURES = [
    Feature("Muon"),
    Feature("`cautious_weight_decay`", {"cautious_weight_decay": True}, {"cautious_weight_decay": True}),
    Feature("`second_moment` `normuon`", {"second_moment": "normuon"}),
    Feature("`second_moment` `normuon_long`", {"second_moment": "normuon_long"}),
    Feature("`hyperball`", {"hyperball": True, "weight_decay": 0.0}),
    Feature("`update_scale` 0.9", {"update_scale": 0.9}),
    Feature("a schedule of the momentum", schedulers=(momentum_schedule,)),
    Feature("a schedule of the weight decay", schedulers=(decay_schedule,)),
    Feature("q, k and v in one matrix", model=FusedGPT),
    Feature("the same, with `split_fused`", options={"split_fused": True}, model=FusedGPT),
    Feature("larger weights at first", model=UnitGPT),
    Feature(
        "the same, `hyperball`, Muon's rate 0.064",
        {"hyperball": True, "weight_decay": 0.0, "lr": 0.064}, model=UnitGPT,
    ),
    *(Feature(f"`precision` `{each}`", {"precision": each}) for each in ("f32", "bf16", "int16", "int8")),
    *(
        Feature(f"in bfloat16, `master` `{each}`", {"master": each}, {"master": each}, model=HalfGPT)
        for each in ("f32", "remainder", "none")
    ),
]


def make_optimizers(feature, run, model, steps):
    optimizer = MuonWithAdamW(
        model, run.learning_rate, gpt.WEIGHT_DECAY, muon=feature.muon,
        adamw={"betas": gpt.BETAS, **feature.adamw}, **feature.options,
    )
    others = [make(optimizer, steps) for make in feature.schedulers]
    return [optimizer], [gpt.schedule(optimizer, steps), *others]


def key_of(run):
    return run["optimizer"], run["seed"], run["steps"][-1], run["learning_rate"]


def table(runs, steps, seeds, rate):
    """A line a feature: the loss of each seed, and the mean beside that of Muon without it."""
    losses = {}
    for feature in FEATURES:
        found = [runs.get((feature.name, seed, steps, rate)) for seed in range(seeds)]
        losses[feature.name] = [run["losses"][-1] for run in found if run is not None]
    plain = losses[FEATURES[0].name]
    yield f"| trained with | loss, {seeds} seeds | mean less that of Muon |"
    yield "|---|---|---|"
    for name, own in losses.items():
        if own:
            less = statistics.mean(a - b for a, b in zip(own, plain))
            yield f"| {name} | {', '.join(f'{loss:.3f}' for loss in own)} | {less:+.3f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=64, help="of the model; gpt.py's is 128")
    parser.add_argument("--depth", type=int, default=2, help="its blocks; gpt.py has 4")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=gpt.RATES["Muon"], help="the learning rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="+", help="features with one of these in their names")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "features.json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    libmuon.set_num_threads(options.threads)
    text, shape = Characters(load_text()), {"width": options.width, "depth": options.depth, "heads": 4}

    options.out.parent.mkdir(parents=True, exist_ok=True)
    saved = json.loads(options.out.read_text()) if options.out.exists() else []
    runs = {key_of(run): run for run in saved}
    wanted = [
        (feature, seed) for seed in range(options.seeds) for feature in FEATURES
        if not options.only or any(part in feature.name for part in options.only)
    ]
    with tqdm(total=len(wanted) * options.steps, unit="step") as progress:
        for feature, seed in wanted:
            if (feature.name, seed, options.steps, options.rate) in runs:
                progress.update(options.steps)
                continue
            progress.set_description(f"{feature.name}, seed {seed}")
            run = gpt.Run(feature.name, options.rate, seed)
            gpt.train(
                run, shape, options.steps, text, progress, feature.model,
                lambda run, model, steps, feature=feature: make_optimizers(feature, run, model, steps),
            )
            runs[key_of(asdict(run))] = asdict(run)
            options.out.write_text(json.dumps([*runs.values()]))
    print(
        f"\n{processor()['name']}, {options.threads} threads, width {options.width}, "
        f"{options.depth} blocks, {options.steps} steps, lr {options.rate:g}, torch {torch.__version__}, "
        f"{libmuon.build_info()}\n"
    )
    print(*table(runs, options.steps, options.seeds, options.rate), sep="\n")


if __name__ == "__main__":
    main()
