"""A user's `mypy --strict` knows the types of the installed package, by its py.typed."""

from __future__ import annotations

import re
import subprocess
import sys

from commands import ENVIRONMENT, ROOT, output

SCRIPT = ROOT / "Tests" / "python" / "typing_public_names.py"


def mypy(python, folder):
    """The command that checks the script with the packages that python has."""
    where = ["--python-executable", python, "--cache-dir", folder, "--config-file", ""]
    return [sys.executable, "-m", "mypy", "--strict", *where, SCRIPT]


def test_the_script_has_every_public_name(run):
    public = run("-c", "import libmuon; print(*libmuon.__all__)").split()
    assert set(re.findall(r"\blibmuon\.(\w+)", SCRIPT.read_text())) == set(public)


def test_mypy_accepts_the_script(run, python, tmp_path):
    output(mypy(python, tmp_path))
    run(SCRIPT)


def test_mypy_uses_the_annotations_of_the_wheel(python, tmp_path):
    """A wrong type is found, so that the success above is not for want of annotations."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import libmuon\nlibmuon.set_num_threads('two')\n")
    found = subprocess.run(
        [*map(str, mypy(python, tmp_path)[:-1]), wrong], cwd="/", env=ENVIRONMENT,
        capture_output=True, text=True,
    )
    assert found.returncode == 1 and 'incompatible type "str"; expected "int"' in found.stdout
