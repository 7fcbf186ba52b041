"""A rank that is killed, or stops, in the middle of training: the others raise, and do not wait for ever."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from ranks import COUNT, SECONDS, Ranks, group, mesh_of
from sharded import Net, gradients, sharded

import libmuon
from libmuon.torch import Muon

pytestmark = group

TIMEOUT = 4


def trains_until(rank, sent):
    """Why training ends, and whether the optimizer is still of use."""
    net = sharded(Net(shapes=[(96, 96)] * 8), mesh_of(COUNT))
    optimizer = Muon(net.named_parameters())
    gradients(net, 0)
    if rank == 1:
        threading.Timer(0.3, os.kill, (os.getpid(), sent)).start()
    for _ in range(100_000):
        try:
            optimizer.step()
        except libmuon.MuonError as error:
            with pytest.raises(type(error)):
                optimizer.step()
            return f"{type(error).__name__}: {error}"
    return "nothing"


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_the_other_ranks_raise(tmp_path, sent):
    ranks = Ranks(tmp_path, seconds=TIMEOUT)
    try:
        ranks.begin(trains_until, sent)
        found = [ranks.results.get(timeout=SECONDS) for _ in range(COUNT - 1)]
    finally:
        ranks.stop()
    assert sorted(rank for rank, *_ in found) == [0, 2, 3]
    for _, message, error in found:
        assert error is None
        assert message.startswith("ExchangeError: ")
