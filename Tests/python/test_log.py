"""The log, as Python's logger "libmuon"."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from test_processors import best_level

import libmuon


@pytest.fixture
def skipping():
    """An optimizer whose every step is skipped."""
    optimizer = libmuon.Muon([np.ones((3, 4), np.float32)], nonfinite="skip")
    optimizer.parameters[0].grad = np.full((3, 4), np.nan, np.float32)
    return optimizer


def test_a_skipped_step_is_a_warning(skipping, caplog):
    skipping.step()
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("libmuon", logging.WARNING)
    assert "skipped, 1 in all" in record.getMessage()
    assert "param0" in record.getMessage()


def test_a_handler_may_use_the_optimizer(skipping):
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            skipping.step()
            seen.append(skipping.skipped_steps)

    handler = Handler()
    logging.getLogger("libmuon").addHandler(handler)
    try:
        skipping.step()
    finally:
        logging.getLogger("libmuon").removeHandler(handler)
    assert seen == [2]


def messages(run_python, script, **environment):
    """What a process logs, as (level, text)."""
    setup = (
        "import logging, sys\n"
        "logging.basicConfig(level=logging.INFO, stream=sys.stdout, format='%(levelname)s %(message)s')\n"
        "import numpy as np, libmuon\n"
    )
    lines = run_python(setup + script, **environment).splitlines()
    return [tuple(line.split(" ", 1)) for line in lines]


def test_it_introduces_itself_once(run_python):
    made = "for _ in range(3): libmuon.AdamW([np.ones(3, np.float32)])\n"
    said = messages(run_python, made + "print('INFO', libmuon.build_info())")
    info = [each for each in said if each[0] == "INFO"]
    assert len(info) == 2
    assert info[0] == info[1]
    assert messages(run_python, "") == []


@pytest.mark.parametrize("core", ["Prescott", "Nehalem", "Sandybridge", "Haswell"])
def test_openblas_on_an_old_core_is_a_warning(run_python, core):
    """Where the processor has AVX2."""
    script = "libmuon.orthogonalize(np.eye(2, dtype=np.float32))"
    said = messages(run_python, script, OPENBLAS_CORETYPE=core)
    info = next(text for level, text in said if level == "INFO")
    if f"core {core}" not in info:
        pytest.skip(f"OpenBLAS took another core: {info}")
    warnings = [text for level, text in said if level == "WARNING"]
    if core == "Haswell" or best_level() == "baseline":
        assert warnings == []
    else:
        (warning,) = warnings
        assert f"OpenBLAS runs its kernels for {core} on a processor with {best_level()}:" in warning


BAD = {"MUON_NUM_THREADS": ["two", "-1", "1025", "1.5", " 2", "9" * 30], "MUON_MAX_CPU": ["avx1024"]}


@pytest.mark.parametrize("name, value", [(name, value) for name in BAD for value in BAD[name]])
def test_a_setting_that_is_ignored_is_a_warning(run_python, name, value):
    environment = {"OPENBLAS_CORETYPE": "Haswell", name: value}
    said = messages(run_python, "libmuon.AdamW([np.ones(3, np.float32)])", **environment)
    (warning,) = [text for level, text in said if level == "WARNING"]
    assert warning.startswith(f'{name} is "{value}" and is ignored')


def test_nothing_is_printed_where_logging_is_not_set_up(run_python):
    """Not to stderr either, where logging's last resort prints."""
    script = (
        "import os, sys\n"
        "os.dup2(1, 2)\n"
        "import numpy as np, libmuon\n"
        "o = libmuon.Muon([np.ones((3, 3), np.float32)], nonfinite='skip')\n"
        "o.step([np.full((3, 3), np.nan, np.float32)])\n"
        "assert o.skipped_steps == 1\n"
    )
    assert run_python(script, MUON_NUM_THREADS="bad") == ""


def test_it_is_silent_while_the_interpreter_ends(run_python):
    """A message then must not reach Python, which is going."""
    script = (
        "import atexit\n"
        "atexit.register(lambda: print(libmuon.AdamW([np.ones(3, np.float32)]).kind))\n"
        "import logging, sys; logging.basicConfig(stream=sys.stdout)\n"
        "import numpy as np, libmuon\n"
    )
    assert run_python(script, MUON_NUM_THREADS="bad") == "AdamW\n"


def test_the_module_may_be_loaded_anew(run_python):
    """As interactive shells do: the library goes on calling what it was given."""
    script = (
        "import gc, importlib, logging, numpy as np, libmuon\n"
        "logging.basicConfig(format='%(message)s')\n"
        "o = libmuon.Muon([np.ones((3, 4), np.float32)], nonfinite='skip')\n"
        "importlib.reload(libmuon._log); gc.collect()\n"
        "junk = [bytes(range(256)) * n for n in range(200)]\n"
        "o.step([np.full((3, 4), np.nan, np.float32)])\n"
        "print(o.skipped_steps)")
    assert run_python(script).splitlines()[-1] == "1"
