"""A checkpoint that does not fit: the error names the first difference, and nothing has changed."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest
from training_run import Run, rewritten, split

import libmuon


@pytest.fixture
def saved():
    run = Run(seed=1)
    for number in range(5):
        run.step(number)
    return run.dumps()


def refused(run, data, error, *words, **options):
    run.step(77)
    before = run.state()
    with pytest.raises(error) as caught:
        run.loads(data, **options)
    for word in words:
        assert word in str(caught.value), str(caught.value)
    assert run.state() == before


def test_another_name(saved):
    refused(Run(names=("w0", "v1", "w2")), saved, libmuon.MismatchError,
            "parameter v1 of optimizer 0 (Muon)", "w0, w1, w2")


def test_another_shape(saved):
    refused(Run(shapes=((5, 7), (8, 4), (4, 4))), saved, libmuon.MismatchError,
            "parameter w1", "(8, 4)", "(8, 3)")


def test_another_shape_with_as_many_elements(saved):
    refused(Run(shapes=((7, 5), (8, 3), (4, 4))), saved, libmuon.MismatchError,
            "parameter w0", "(7, 5)", "(5, 7)")


def test_another_order_is_the_same(saved):
    run = Run(shapes=((8, 3), (5, 7), (4, 4)), names=("w1", "w0", "w2"))
    run.loads(saved)
    expected = Run()
    expected.loads(saved)
    assert (run.matrices[0].data == expected.matrices[1].data).all()


def test_another_group(saved):
    run = Run()
    # b3 is in group 0 of the checkpoint, and w2 in group 1.
    matrices = [libmuon.Parameter(np.ones(s, np.float32), n)
                for n, s in (("w0", (5, 7)), ("w1", (8, 3)), ("w2", (4, 4)))]
    muon = libmuon.Muon([{"params": matrices[:1]}, {"params": matrices[1:]}])
    with pytest.raises(libmuon.MismatchError, match="w1 .* is in group 1, and in group 0"):
        libmuon.checkpoint.loads(saved, [muon, run.adamw], allow_extra=True)
    assert (matrices[0].data == 1).all()


def test_another_kind(saved):
    run = Run()
    run.optimizers.reverse()
    run.schedulers = []
    refused(run, saved, libmuon.MismatchError, "optimizer 0 is AdamW, and Muon", allow_extra=True)


def test_another_schedule(saved):
    refused(Run(schedule="linear"), saved, libmuon.MismatchError, "scheduler 0", "linear(0x", "cosine(90,")


def test_another_dtype(saved):
    def change(header):
        header["optimizers.0.momentum.w1"].update(dtype="I32")
    refused(Run(), rewritten(saved, change), libmuon.MismatchError,
            "the momentum of parameter w1", "F32", "I32")


def test_another_number_of_things(saved):
    run = Run()
    run.schedulers = []
    refused(run, saved, libmuon.MismatchError, "schedulers: the checkpoint has 1", "run has 0")
    run = Run()
    run.optimizers.pop()
    run.schedulers = []
    refused(run, saved, libmuon.MismatchError, "optimizers: the checkpoint has 2", "run has 1")


def test_a_scheduler_of_other_optimizers(saved):
    run = Run()
    run.optimizers.pop()
    refused(run, saved, libmuon.InvalidArgumentError, "scheduler 0 drives an optimizer that is not")


def test_a_later_format(saved):
    change = lambda header: header["__metadata__"].update(  # noqa: E731
        format_version="2", library_version="9.9.9")
    refused(Run(), rewritten(saved, change), libmuon.UnsupportedError, "version 2", "9.9.9")


def test_no_data(saved):
    data = Run().dumps(data=False)
    refused(Run(), data, libmuon.MismatchError, "without the parameters")


def test_options_out_of_range_are_refused(saved):
    for key, value in [("optimizers.0.groups.1.lr", "-0x1p+0"),
                       ("optimizers.0.groups.0.momentum", "0x1p+0"),
                       ("optimizers.0.groups.0.backend_steps", "100"),
                       ("optimizers.0.groups.0.lr", "0.02"),
                       ("optimizers.0.groups.0.lr", "0x1.0p+0"),
                       ("optimizers.0.groups.0.initial_lr", "inf"),
                       ("optimizers.0.steps.w0", "-1"),
                       ("optimizers.0.steps.w0", "9007199254740993"),
                       ("optimizers.0.skipped_steps", "+1"),
                       ("schedulers.0.step", "99999999999999999999")]:
        change = lambda header: header["__metadata__"].update({key: value})  # noqa: E731
        refused(Run(), rewritten(saved, change), libmuon.CorruptError, key.split(".")[-1])


def test_what_contradicts_itself_is_refused(saved):
    def drop(key):
        return lambda header: header["__metadata__"].pop(key)
    for key in ("optimizers.0.group.w0", "checksum.optimizers.0.data.w0", "data", "format",
                "optimizers.0.groups.0.nesterov", "schedulers.0.step"):
        refused(Run(), rewritten(saved, drop(key)), libmuon.CorruptError, key)
    refused(Run(), rewritten(saved, lambda h: h["__metadata__"].update(surplus="1")),
            libmuon.CorruptError, "unknown key surplus")


def test_missing_parameters_keep_their_state(saved):
    run = Run(extra=["new"])
    refused(run, saved, libmuon.MismatchError, "parameter new of optimizer 1", "b1, b3")
    run.step(1)
    before = run.adamw.state_dict()["state"][2]
    run.loads(saved, allow_missing=True)
    after = run.adamw.state_dict()["state"][2]
    assert before["step"] == after["step"] == 2
    assert (before["exp_avg"] == after["exp_avg"]).all()
    expected = Run()
    expected.loads(saved)
    assert (run.vectors[0].data == expected.vectors[0].data).all()
    assert run.schedulers[0].last_epoch == 5


def test_extra_parameters_are_left_out():
    run = Run(extra=["old"])
    run.step(1)
    data = run.dumps()
    refused(Run(), data, libmuon.MismatchError, '"old" of optimizer 1')
    other = Run(seed=5)
    other.loads(data, allow_extra=True)
    assert (other.vectors[0].data == run.vectors[0].data).all()
    # What is left out is checked like the rest.
    flipped = bytearray(data)
    flipped[-1] ^= 1
    refused(Run(), bytes(flipped), libmuon.CorruptError, "old", allow_extra=True)


def test_more_and_fewer_optimizers(saved):
    run = Run()
    libmuon.checkpoint.loads(saved, run.muon, allow_extra=True)
    alone = libmuon.checkpoint.dumps(run.muon)
    other = Run(seed=8)
    other.loads(alone, allow_missing=True)
    assert (other.matrices[0].data == run.matrices[0].data).all()
    assert other.schedulers[0].last_epoch == 0


def test_progress_can_cancel(saved, tmp_path):
    seen = []
    run = Run()
    run.loads(saved, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(saved), len(saved)) and seen == sorted(seen)
    for last in {done for done, _ in seen}:
        refused(Run(), saved, libmuon.CancelledError, str(last),
                progress=lambda done, total: done < last)
    path = tmp_path / "run.safetensors"
    run.save(path)
    before = path.read_bytes()
    run.step(1)

    def fail(done, total):
        raise KeyError("stop")

    for stop in (fail, lambda done, total: False, lambda done, total: done < total):
        with pytest.raises((KeyError, libmuon.CancelledError)):
            libmuon.checkpoint.save(path, run.optimizers, run.schedulers, progress=stop)
    assert path.read_bytes() == before and [*tmp_path.iterdir()] == [path]


def test_what_is_no_checkpoint(tmp_path):
    from safetensors.numpy import save
    for data in (b"", b"1234567", bytes(8), b"x" * 100, struct.pack("<Q", 1 << 63) + b"{}" * 90,
                 save({"w": np.ones(100, np.float32)})):
        refused(Run(), data, libmuon.CorruptError)
    for path in (tmp_path / "absent", tmp_path, "/dev/null"):
        with pytest.raises(OSError, match=str(path)):
            Run().load(path)
    with pytest.raises(ValueError):
        Run().load("a\0b")


def test_only_files_are_replaced(tmp_path):
    run = Run()
    with pytest.raises(OSError, match="not a file"):
        run.save("/dev/null")
    with pytest.raises(OSError, match="not a file"):
        run.save(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        run.save(tmp_path / "absent" / "run")
    private = tmp_path / "private"
    private.touch(0o600)
    run.save(private)
    assert private.stat().st_mode & 0o777 == 0o600
    private.chmod(0o666)
    before = os.umask(0o077)
    try:
        run.save(private)
    finally:
        os.umask(before)
    assert private.stat().st_mode & 0o777 == 0o666
    assert split(private.read_bytes())[0].startswith(b"{")
