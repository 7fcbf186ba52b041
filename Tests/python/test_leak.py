"""Memory stays flat over 10,000 lives of each kind of object."""

from __future__ import annotations

SCRIPT = """
import gc, os
import numpy as np
import libmuon

weight, bias = np.ones((8, 8), np.float32), np.ones(8, np.float32)
grads = [np.ones((8, 8), np.float32)], [np.ones(8, np.float32)]
config = {"training": {"optimizer": "Muon", "learning_rate": 0.1, "n_epochs": 1}}

class Setup:
    train_dataloader = range(3)

def cycle(index):
    if index % 10 == 0:
        pair = libmuon.build_optimizers([weight, bias], config)
        schedulers = libmuon.build_schedulers(pair, config, Setup)
    else:
        pair = [libmuon.Muon([weight]), libmuon.AdamW([bias])]
        schedulers = [libmuon.LinearLR(pair)]
    for optimizer, grad in zip(pair, grads):
        optimizer.step(grad)
    for scheduler in schedulers:
        scheduler.step()
    if index % 10 == 1:
        pair[0].load_state_dict(pair[0].state_dict())
        try:
            pair[0].param_groups[0]["lr"] = -1.0
        except ValueError:
            pass

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

gc.disable()  # nothing may depend on it
# Until ctypes has grown its own tables, the last time at about 10,000.
for index in range(12_000):
    cycle(index)
before = resident()
for index in range(10_000):
    cycle(index)
print(resident() - before)
"""


def test_ten_thousand_cycles_leave_nothing(run_python):
    assert int(run_python(SCRIPT)) < 2**20
