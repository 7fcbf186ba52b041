"""What was saved can be loaded: beyond a limit of the format, saving refuses, and the old file stays."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from training_run import SCHEDULES, Run, rewritten

import libmuon

MOST_TEXT = 1 << 20
MOST_STEPS = 1 << 53


def refused(path, optimizers, *texts: str) -> None:
    """Saving fails before the file is touched, and says which limit it is."""
    path.write_bytes(b"a good checkpoint")
    with pytest.raises(libmuon.UnsupportedError) as error:
        libmuon.checkpoint.save(path, optimizers)
    for text in texts:
        assert text in str(error.value)
    assert path.read_bytes() == b"a good checkpoint"
    assert [*path.parent.iterdir()] == [path]


def weights(names) -> list[libmuon.Parameter]:
    return [libmuon.Parameter(np.ones((1, 1), np.float32), name) for name in names]


def test_a_name_of_a_mebibyte(tmp_path):
    path = tmp_path / "run.safetensors"
    prefix = len("optimizers.0.momentum.")
    fits = libmuon.Muon(weights(["n" * (MOST_TEXT - prefix)]))
    libmuon.checkpoint.save(path, fits)
    libmuon.checkpoint.load(path, fits)
    refused(path, libmuon.Muon(weights(["n" * (MOST_TEXT - prefix + 1)])), str(MOST_TEXT),
            str(MOST_TEXT + 1), "optimizers.0.momentum.nnn")


def test_eighty_eight_thousand_groups(tmp_path):
    muon = libmuon.Muon(weights("w"))
    library, handle = libmuon._library.lib, muon._handle
    import ctypes
    options = libmuon._abi.MuonOptions()
    library.muon_muon_options_init(ctypes.byref(options), ctypes.sizeof(options))
    index = ctypes.c_int64()
    for _ in range(88_000):
        assert library.muon_optimizer_add_muon_group(
            handle, ctypes.byref(options), None, 0, ctypes.byref(index)) == 0
    refused(tmp_path / "run.safetensors", muon, "at most 1048576 keys", "groups")


def test_a_step_past_2_to_the_53(tmp_path):
    parameter, = weights("w")
    adamw = libmuon.AdamW([parameter])
    adamw.load_state_dict({**adamw.state_dict(), "state": {0: {
        "step": MOST_STEPS, "exp_avg": np.zeros((1, 1), np.float32),
        "exp_avg_sq": np.zeros((1, 1), np.float32)}}})
    path = tmp_path / "run.safetensors"
    libmuon.checkpoint.save(path, adamw)
    libmuon.checkpoint.load(path, adamw)
    parameter.grad = np.ones((1, 1), np.float32)
    adamw.step()
    refused(path, adamw, str(MOST_STEPS), "parameter w of optimizer 0")


ODD_NAMES = [
    "", " ", '"', "\\", "\\u0061", "a\nb", "\x01\x1f\x7f", "ü", "u\u0308", "\u2028", "\U0001f600", "\ufeff",
    "\ufffe\uffff", "checksum", "optimizers.0.groups.0.lr", "{}[],:", "x" * 70_000,
]


def test_odd_names():
    muon, adamw = libmuon.Muon(weights(ODD_NAMES)), libmuon.AdamW(weights(ODD_NAMES))
    saved = libmuon.checkpoint.dumps([muon, adamw])
    for parameter in muon.parameters + adamw.parameters:
        parameter.data[:] = 7
    libmuon.checkpoint.loads(saved, [muon, adamw])
    assert all(parameter.data[0, 0] == 1 for parameter in muon.parameters + adamw.parameters)


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, 2.2250738585072009e-308, 1e-45, 3.4e38, 1 / 3])
def test_every_number_an_option_can_be(value):
    muon = libmuon.Muon(weights("w"), lr=value, weight_decay=value, eps=value)
    adamw = libmuon.AdamW(weights("w"), lr=value, eps=value, betas=(min(value, 0.25), 0.0))
    saved = libmuon.checkpoint.dumps([muon, adamw])
    other = [libmuon.Muon(weights("w")), libmuon.AdamW(weights("w"))]
    libmuon.checkpoint.loads(saved, other)
    for one, two in zip((muon, adamw), other):
        for name in ("lr", "weight_decay", "eps"):
            left, right = one.param_groups[0][name], two.param_groups[0][name]
            assert (left, math.copysign(1, left)) == (right, math.copysign(1, right))


@pytest.mark.parametrize("shape", [(2**61, 0), (0, 2**61), (0,), (2**40, 2**40, 0), (0, 2**63 - 1)])
def test_empty_parameters_of_any_shape(shape):
    """Nothing is as large as the extents that are not 0 make it."""
    import ctypes
    adamw = libmuon.AdamW([libmuon.Parameter(np.ones(1, np.float32), "b")])
    param = libmuon._abi.Param()
    library = libmuon._library.lib
    library.muon_param_init(ctypes.byref(param), ctypes.sizeof(param))
    extents = (ctypes.c_int64 * len(shape))(*shape)
    param.name, param.ndim, param.shape = b"empty", len(shape), extents
    assert library.muon_optimizer_add_param(adamw._handle, 0, ctypes.byref(param), None) == 0
    libmuon.checkpoint.loads(libmuon.checkpoint.dumps(adamw), adamw)


# ---- Chains of schedules, which are evaluated step by step


def far(step: int) -> Run:
    run = Run(schedule="chained")
    state = run.schedulers[0].state_dict()
    run.schedulers[0].load_state_dict({**state, "last_epoch": step})
    return run


def test_a_chain_is_saved_with_its_rates():
    """Loading does not count to its step, and goes on to the bit."""
    run = far(3_000_000)
    saved = run.dumps()
    other = Run(seed=3, schedule="chained")
    begin = time.perf_counter()
    other.loads(saved)
    assert time.perf_counter() - begin < 0.3
    assert other.state() == run.state()
    for each in (run, other):
        each.schedulers[0].step()
    assert other.state() == run.state()


def without_rates(saved: bytes, step: int) -> bytes:
    """As the first files had it, at any step."""

    def change(header):
        metadata = header["__metadata__"]
        for key in [key for key in metadata if ".rate." in key]:
            del metadata[key]
        metadata["schedulers.0.step"] = str(step)

    return rewritten(saved, change)


def test_a_chain_of_an_earlier_file():
    run = far(1000)
    other = Run(seed=3, schedule="chained")
    other.loads(without_rates(run.dumps(), 1000))
    assert other.state() == run.state()


@pytest.mark.parametrize("step", [20_000_000, 100_000_000, 1 << 53])
def test_a_file_cannot_make_a_chain_count_for_long(step):
    run = Run(schedule="chained")
    saved, before = run.dumps(), run.state()
    begin = time.perf_counter()
    with pytest.raises(libmuon.UnsupportedError, match=f"scheduler 0 is at step {step} of a chain"):
        run.loads(without_rates(saved, step))
    assert time.perf_counter() - begin < 0.5
    assert run.state() == before


@pytest.mark.parametrize("rate", ["0x1p+2000", "-0x1p+0", "nan", "1.0"])
def test_a_rate_that_is_none(rate):
    run = Run(schedule="chained")

    def change(header):
        metadata = header["__metadata__"]
        key = next(key for key in metadata if ".rate." in key)
        metadata[key] = rate

    saved, before = run.dumps(), run.state()
    with pytest.raises(libmuon.CorruptError):
        run.loads(rewritten(saved, change))
    assert run.state() == before


@pytest.mark.parametrize("name", [*SCHEDULES])
def test_a_base_rate_that_was_changed_since(name):
    run = Run(schedule=name)
    run.step(1)
    run.muon.param_groups[0]["initial_lr"] = 0.25
    other = Run(seed=3, schedule=name)
    other.loads(run.dumps())
    for each in (run, other):
        each.schedulers[0].step()
    assert other.state() == run.state()


def test_a_count_of_skipped_steps_goes_no_further(tmp_path):
    """A file with the largest integer is refused; at the limit, the next skipped step ends nobody."""
    parameter = libmuon.Parameter(np.ones((2, 2), np.float32), "w")
    optimizer = libmuon.Muon([parameter], nonfinite="skip")
    saved = libmuon.checkpoint.dumps(optimizer)

    def counting(steps: int) -> bytes:
        def change(header):
            header["__metadata__"]["optimizers.0.skipped_steps"] = str(steps)
        return rewritten(saved, change)

    with pytest.raises(libmuon.CorruptError, match="skipped_steps"):
        libmuon.checkpoint.loads(counting(2**63 - 1), optimizer)
    libmuon.checkpoint.loads(counting(MOST_STEPS), optimizer)
    optimizer.step([np.full((2, 2), np.nan, np.float32)])
    assert optimizer.skipped_steps == MOST_STEPS
    libmuon.checkpoint.loads(libmuon.checkpoint.dumps(optimizer), optimizer)
