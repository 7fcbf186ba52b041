"""A run that was saved, and goes on in another process, ends in the same bits."""

from __future__ import annotations

import subprocess
import sys

import pytest
from soak import long_or_short
from training_run import SCHEDULES, Run

BACKENDS = ["newtonschulz5", "svd", "polar_express", "custom", "turbo", "cans", "deepseekv4", "you",
            "cubic5", "orthogonalize"]
STEPS = 200
# One that has its products in bfloat16 where there are any, and is worth several threads.
SHAPES = ((160, 200), (8, 3), (4, 4))

CHILD = """
import sys
from training_run import Run
backend, schedule, path, start, end = sys.argv[1:]
run = Run(seed=99, backend=backend, schedule=schedule, shapes=%s)
run.load(path)
for number in range(int(start), int(end)):
    run.step(number)
run.save(path)
""" % (SHAPES,)


def cases():
    """Each backend and each schedule at least once; all pairs of them in the long form."""
    pairs = [(b, s) for b in BACKENDS for s in SCHEDULES]
    first = list(zip(BACKENDS, [*SCHEDULES, *SCHEDULES]))
    return long_or_short(pairs, first)


@pytest.mark.parametrize(("backend", "schedule"), cases())
def test_resuming_in_a_new_process_is_exact(backend, schedule, tmp_path, rng):
    whole = Run(backend=backend, schedule=schedule, shapes=SHAPES)
    for number in range(STEPS):
        whole.step(number)

    path = tmp_path / "run.safetensors"
    part = Run(backend=backend, schedule=schedule, shapes=SHAPES)
    stops = sorted(rng.choice(range(1, STEPS), long_or_short(5, 2), replace=False).tolist())
    print("stops", stops)
    for number in range(stops[0]):
        part.step(number)
    part.save(path)
    for start, end in zip(stops, [*stops[1:], STEPS]):
        arguments = [backend, schedule, str(path), str(start), str(end)]
        subprocess.run([sys.executable, "-c", CHILD, *arguments], check=True)
    part.load(path)
    assert part.state() == whole.state()
    assert path.read_bytes() == whole.dumps()


def test_everything_comes_back():
    """Into a run whose every option is another."""
    saved = Run(seed=1, backend="custom")
    for number in range(9):
        saved.step(number)
    saved.muon.param_groups[1]["lr"] = 0.123  # after the scheduler's step
    saved.muon.nonfinite = "propagate"
    other = Run(seed=2, backend="turbo")
    other.muon.param_groups[0]["momentum"] = 0.5
    other.muon.param_groups[0]["initial_lr"] = None
    other.adamw.param_groups[0]["betas"] = (0.1, 0.2)
    other.adamw.nonfinite = "error"
    for number in range(3):
        other.step(60 + number)
    assert other.state() != saved.state()
    other.loads(saved.dumps())
    assert other.state() == saved.state()
    for number in range(9, 20):
        other.step(number)
        saved.step(number)
    assert other.state() == saved.state()


def test_without_the_parameters(tmp_path):
    saved, other = Run(seed=1), Run(seed=2)
    for number in range(3):
        saved.step(number)
    for data in (saved.dumps(data=False), saved.dumps()):
        before = [parameter.data.copy() for parameter in other.matrices]
        other.loads(data, data=False)
        assert all((p.data == b).all() for p, b in zip(other.matrices, before))
        assert other.muon.state_dict()["state"][0]["step"] == 3
    assert len(saved.dumps(data=False)) < len(saved.dumps())
