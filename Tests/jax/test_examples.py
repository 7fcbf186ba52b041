"""The example and the code of docs/jax.md run, and train."""

from __future__ import annotations

import re
import sys

from building import ROOT, run
from documents import accuracy, code_blocks


def test_the_example_trains():
    program = ROOT / "bindings" / "python" / "examples" / "jax_loop.py"
    assert len(program.read_text().splitlines()) <= 60
    output = run([sys.executable, program])
    assert re.search(r"^layer_1\.kernel .* Muon +a matrix$", output, re.MULTILINE)
    assert re.search(r"^head\.kernel .* AdamW +an output layer", output, re.MULTILINE)
    assert accuracy(output) >= 0.92


def test_the_document(tmp_path):
    [block] = code_blocks(ROOT / "docs" / "jax.md", "python")
    (tmp_path / "example.py").write_text(block)
    [loss] = re.findall(r"^loss (\S+)$", run([sys.executable, tmp_path / "example.py"]), re.MULTILINE)
    assert float(loss) < 0.9  # the variance of what it learns is 1
