"""The number of threads: MUON_NUM_THREADS, and threadpoolctl."""

from __future__ import annotations

import os

import pytest

import libmuon
from libmuon import _library

PRINT = "import libmuon; print(libmuon.get_num_threads())"


@pytest.mark.parametrize("value", ["1", "3", "1024"])
def test_the_environment_sets_the_number(run_python, value):
    assert run_python(PRINT, MUON_NUM_THREADS=value) == value + "\n"


@pytest.mark.parametrize("value", ["", "0", "-1", "1025", "two", "1.5", " 2", "9" * 30])
def test_what_is_no_number_of_threads_is_ignored(run_python, value):
    own = {name: text for name, text in os.environ.items() if name != "MUON_NUM_THREADS"}
    default = run_python(f"import os; os.environ.clear(); os.environ.update({own!r}); {PRINT}")
    assert run_python(PRINT, MUON_NUM_THREADS=value) == default


def test_what_is_set_counts_more_than_the_environment(run_python):
    script = (
        "import libmuon\n"
        "libmuon.set_num_threads(2); print(libmuon.get_num_threads())\n"
        "libmuon.set_num_threads(0); print(libmuon.get_num_threads())\n"
    )
    assert run_python(script, MUON_NUM_THREADS="5") == "2\n5\n"


@pytest.fixture
def threadpoolctl():
    module = pytest.importorskip("threadpoolctl", minversion="3.2")
    import libmuon.threadpool  # noqa: F401

    return module


@pytest.fixture(autouse=True)
def five_threads():
    before = libmuon.get_num_threads()
    libmuon.set_num_threads(5)
    yield
    libmuon.set_num_threads(before)


def test_threadpoolctl_lists_libmuon(threadpoolctl):
    (info,) = [each for each in threadpoolctl.threadpool_info() if each["user_api"] == "muon"]
    assert info["internal_api"] == info["prefix"] == "libmuon"
    assert info["num_threads"] == 5
    assert info["version"] == libmuon.__version__
    assert info["architecture"] == libmuon.build_info().split("; ")[1]
    if os.sep in _library.path:
        assert os.path.samefile(info["filepath"], _library.path)


@pytest.mark.parametrize(
    "arguments",
    [{"limits": 2}, {"limits": 2, "user_api": "muon"}, {"limits": {"libmuon": 2}},
     {"limits": {"muon": 2}}],
)
def test_threadpoolctl_limits_libmuon(threadpoolctl, arguments):
    with threadpoolctl.threadpool_limits(**arguments):
        assert libmuon.get_num_threads() == 2
    assert libmuon.get_num_threads() == 5


def test_threadpoolctl_leaves_libmuon_alone_where_it_is_not_meant(threadpoolctl):
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        assert libmuon.get_num_threads() == 5


def test_threadpoolctl_may_ask_for_many_and_not_for_less_than_none(threadpoolctl):
    with threadpoolctl.threadpool_limits(5000, user_api="muon"):
        assert libmuon.get_num_threads() == 1024
    with pytest.raises(ValueError, match="0 to 1024 threads are expected, not -3"):
        threadpoolctl.threadpool_limits(-3, user_api="muon")
    assert libmuon.get_num_threads() == 5


def test_threadpoolctl_is_not_needed(run_python):
    script = "import sys; sys.modules['threadpoolctl'] = None\n" + PRINT
    assert int(run_python(script)) >= 1
    with_it = script + "\ntry: import libmuon.threadpool\nexcept ImportError: print('missing')"
    assert run_python(with_it).endswith("missing\n")
