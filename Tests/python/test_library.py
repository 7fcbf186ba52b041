"""How the library is found and loaded, and how the package presents itself."""

from __future__ import annotations

import pickle
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import libmuon
from libmuon import _library, errors
from libmuon._enums import Status


def fails_to_import(**environment):
    import os

    result = subprocess.run(
        [sys.executable, "-c", "import libmuon"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    return result.stderr


def test_the_package_under_test_is_the_one_meant(root, installed):
    assert (root in Path(libmuon.__file__).resolve().parents) != installed


def test_environment_names_the_library(run_python):
    script = "import libmuon._library as l; print(l.candidates(), l.path)"
    assert run_python(script, LIBMUON_LIBRARY=_library.path).split() == [
        f"['{_library.path}']",
        _library.path,
    ]


def test_a_library_that_is_asked_for_is_not_replaced(tmp_path):
    missing = str(tmp_path / "none.so")
    text = fails_to_import(LIBMUON_LIBRARY=missing)
    assert "ImportError" in text and missing in text and "LIBMUON_LIBRARY" in text


def test_another_library_is_refused(tmp_path):
    # Any shared library without our functions will do.
    other = tmp_path / "other.so"
    subprocess.run(["cc", "-shared", "-xc", "/dev/null", "-o", other], check=True)
    assert "muon_version_number" in fails_to_import(LIBMUON_LIBRARY=str(other))


def test_another_version_is_refused(tmp_path):
    source = tmp_path / "old.c"
    source.write_text("unsigned muon_version_number(void) { return 9903; }\n")
    other = tmp_path / "old.so"
    subprocess.run(["cc", "-shared", source, "-o", other], check=True)
    assert "its version is 0.99.3" in fails_to_import(LIBMUON_LIBRARY=str(other))


def test_candidates_are_listed_in_order(monkeypatch, root, installed):
    monkeypatch.delenv("LIBMUON_LIBRARY", raising=False)
    names = _library.candidates()
    assert names[0].endswith("libmuon/lib/libmuon.so.0")
    in_tree = [] if installed else [str(root / ".build/dist/release/libmuon.so")]
    assert names[1:] == [*in_tree, "libmuon.so.0"]

    def refuse(candidate):
        raise OSError(f"no {len(candidate)}")

    monkeypatch.setattr(_library, "open_library", refuse)
    with pytest.raises(ImportError) as caught:
        _library.load()
    positions = [str(caught.value).index(f"{name}: no {len(name)}") for name in names]
    assert positions == sorted(positions)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (libmuon.InvalidArgumentError, ValueError),
        (libmuon.ShapeError, ValueError),
        (libmuon.DTypeError, TypeError),
        (libmuon.ConfigError, ValueError),
        (libmuon.OutOfMemoryError, MemoryError),
        (libmuon.NonFiniteGradientError, FloatingPointError),
        (libmuon.UnsupportedError, NotImplementedError),
        (libmuon.InvalidHandleError, ValueError),
        (libmuon.NotConvergedError, ArithmeticError),
        (libmuon.InternalError, RuntimeError),
    ],
)
def test_errors_are_both_kinds(error, builtin):
    assert issubclass(error, libmuon.MuonError) and issubclass(error, builtin)
    again = pickle.loads(pickle.dumps(error("text")))
    assert type(again) is error and str(again) == "text"


def test_an_unknown_status_is_an_error():
    assert isinstance(_library.failure(99), errors.InternalError)


def test_every_status_has_its_exception_and_name():
    for status in Status:
        if status != Status.ok:
            assert errors.BY_STATUS[status].status == status
            text = _library.lib.muon_status_name(status).decode()
            assert text == f"MUON_ERR_{status.name.upper()}"
    assert len(errors.BY_STATUS) == len(Status) - 1
    assert _library.lib.muon_status_name(0) == b"MUON_OK"
    assert _library.lib.muon_status_name(99) == b"MUON_ERR_UNKNOWN"


def test_the_package_and_the_library_have_one_version():
    major, minor, patch = map(int, libmuon.__version__.split("."))
    assert _library.lib.muon_version_number() == major * 10000 + minor * 100 + patch
    assert libmuon.__version__ in libmuon.build_info()


def test_a_failure_has_the_librarys_text():
    with pytest.raises(libmuon.InvalidArgumentError) as caught:
        libmuon.set_num_threads(-1)
    assert len(str(caught.value)) > 10


def test_threads():
    before = libmuon.get_num_threads()
    assert before >= 1
    libmuon.set_num_threads(1)
    assert libmuon.get_num_threads() == 1
    libmuon.set_num_threads(0)
    assert libmuon.get_num_threads() == before
    for wrong in (1025, 2**40, -(2**40)):
        with pytest.raises(ValueError):
            libmuon.set_num_threads(wrong)


@pytest.mark.parametrize("name", libmuon.__all__)
def test_everything_public_is_there_and_documented(name):
    thing = getattr(libmuon, name)
    if name == "__version__":
        return
    # Of a function or class the module it is in, of a module its name.
    assert getattr(thing, "__module__", thing.__name__).startswith("libmuon.")
    assert thing.__doc__ and len(thing.__doc__) > 20


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (libmuon, ["Muon", "AdamW", "build_optimizers", "orthogonalize"]),
        (
            libmuon.Muon,
            ["newtonschulz5", "polar_express", "match_rms_adamw", "ShapeError", "in place"],
        ),
        (libmuon.AdamW, ["betas", "[0, 1)", "torch.optim.AdamW", "load_state_dict"]),
        (libmuon.Parameter, ["float32", "C-contiguous", "never", "copied"]),
        (libmuon.build_optimizers, ["training.optimizer", "training.learning_rate", "ConfigError"]),
        (libmuon.orthogonalize, ["(3, -3.2, 1.2)", "out", "Zeros give zeros"]),
        (libmuon.CosineAnnealingLR, ["T_max", "eta_min is a rate"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_help_says_what_one_needs(thing, words):
    text = pydoc.render_doc(thing, renderer=pydoc.plaintext)
    assert [word for word in words if word not in text] == []


def test_only_numpy_is_needed(run_python):
    script = (
        "import sys; before = set(sys.modules); import libmuon\n"
        "new = {name: sys.modules[name] for name in set(sys.modules) - before}\n"
        "files = {name: str(getattr(each, '__file__', None)) for name, each in new.items()}\n"
        "print(*(name.split('.')[0] for name in files if 'site-packages' in files[name]))"
    )
    assert set(run_python(script).split()) <= {"libmuon", "numpy"}
