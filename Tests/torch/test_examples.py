"""The examples for torch run, in their quick form."""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "bindings" / "python" / "examples"


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *map(str, arguments)],
        # One thread: torch's own wait for each other at length where the processors are shared.
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_gpt(tmp_path):
    picture = tmp_path / "gpt.png"
    output = run("gpt.py", "--quick", "--out", picture)
    assert re.search(r"^tokens\.weight .* AdamW +an embedding$", output, re.MULTILINE)
    assert re.search(r"^blocks\.1\.up\.weight .* Muon +a hidden matrix$", output, re.MULTILINE)
    assert re.search(r"^head\.weight .* AdamW +the output layer", output, re.MULTILINE)
    assert picture.read_bytes().startswith(b"\x89PNG")
    runs = json.loads(picture.with_suffix(".json").read_text())["runs"]
    losses = {each["optimizer"]: each["losses"] for each in runs}
    assert len(runs) == 3
    for curve in losses.values():
        assert 4.5 < curve[0] < 4.7  # every one of 96 characters is as likely: ln 96 = 4.56
        assert curve[-1] < 4.0
    # torch's bfloat16 lies between the two; an AdamW in place of a Muon would be far away.
    apart = [abs(a - b) for a, b in zip(losses["torch's Muon"], losses["libmuon"])]
    assert max(apart) < 0.01
    assert abs(losses["AdamW"][-1] - losses["libmuon"][-1]) > max(apart)


def test_original_loop():
    output = run("original_loop.py")
    [accuracy] = re.findall(r"^accuracy (\S+)$", output, re.MULTILINE)
    assert float(accuracy) > 0.95


def test_original_loop_differs_by_one_line():
    text = (EXAMPLES / "original_loop.py").read_text()
    assert text.count("libmuon") == 2  # the docstring, and the import
    assert re.search(r"^from libmuon\.torch import build_optimizers, build_schedulers", text, re.M)


def test_training_loop(tmp_path):
    text = (ROOT / "docs" / "training-loop.md").read_text()
    [code] = re.findall(r"^```py\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    script = tmp_path / "loop.py"
    script.write_text(code)
    run(script)


def test_readme(tmp_path):
    parts = (ROOT / "bindings" / "python" / "README.md").read_text().split("```")
    [at] = [index for index, part in enumerate(parts) if "import MuonWithAdamW" in part]
    script = tmp_path / "readme.py"
    script.write_text(parts[at].removeprefix("python\n"))
    assert run(script) == parts[at + 2].removeprefix("\n")


# torch 2.15 sometimes aborts a process that has used FSDP2 as it exits, without libmuon too.
WITHOUT_AN_END = """
import os, runpy, sys
runpy.run_path(sys.argv[1])
sys.stdout.flush()
os._exit(0)
"""


def test_fsdp2_is_its_one_process_twin_by_five_lines(tmp_path):
    one, several = ((EXAMPLES / name).read_text() for name in ("one_process.py", "fsdp2.py"))
    # After the docstring.
    lines = [each.split("\n", 1)[1].splitlines() for each in (one, several)]
    added = [each for each in difflib.ndiff(*lines) if each.startswith("+ ")]
    assert len(added) <= 5
    expected = float(run("one_process.py").split()[-1])
    runner = tmp_path / "runner.py"
    runner.write_text(WITHOUT_AN_END)
    program = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*program, str(runner), str(EXAMPLES / "fsdp2.py")],
        env={**os.environ, "OMP_NUM_THREADS": "1", "MUON_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    losses = [float(each) for each in re.findall(r"loss (\d\.\d{6})", done.stdout)]
    # Each of the two has half of the batch.
    assert len(losses) == 2 and expected < 1.0
    assert abs(sum(losses) / 2 - expected) < 1e-3
