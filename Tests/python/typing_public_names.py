"""Every public name of libmuon, used as its annotations say. mypy --strict checks it, and it runs.

assert_type fails for Any too: a name that lost its annotation does not go unnoticed.
"""

from __future__ import annotations

import pathlib
import tempfile
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np
import numpy.typing as npt

import libmuon
from libmuon import mpi

if TYPE_CHECKING:
    from typing_extensions import assert_type
else:

    def assert_type(value: object, kind: object) -> None:
        pass


class Setup:
    train_dataloader = [0, 1, 2]


class Solo:
    rank, rank_count = 0, 1

    def agree(self, values: npt.NDArray[np.int64]) -> None:
        pass

    def share(self, owner: int, data: npt.NDArray[np.uint8]) -> None:
        pass

    def finish(self) -> None:
        pass


def parameters_and_optimizers() -> None:
    weight = libmuon.Parameter(np.ones((4, 3), np.float32), "weight", requires_grad=True)
    bias = libmuon.Parameter(np.ones(3, np.float32))
    assert_type(weight.data, npt.NDArray[Any])
    assert_type(weight.shape, tuple[int, ...])
    weight.grad = np.ones((4, 3), np.float32)
    bias.name, bias.grad = "bias", None

    muon = libmuon.Muon(
        [weight], lr=0.02, momentum=0.9, nesterov=False, weight_decay=0.1, backend="svd",
        momentum_style="ema", shape_scale="spectral", eps=1e-7, precision="f32", nonfinite="skip",
    )
    libmuon.Muon({"weight": weight}, coefficients=[(3.4, -4.7, 2.0), (1, 0, 0)], backend_steps=3)
    adamw = libmuon.AdamW([{"params": [bias], "lr": 0.1}], betas=(0.9, 0.95))
    both: list[libmuon.Optimizer] = [muon, adamw]
    for optimizer in both:
        optimizer.zero_grad(set_to_none=False)
        optimizer.step()
        assert_type(optimizer.parameters, list[libmuon.Parameter])
        assert_type(optimizer.param_groups, list[libmuon.ParamGroup])
        assert_type(optimizer.kind, str)
        assert_type(optimizer.nonfinite, str)
        assert_type(optimizer.skipped_steps, int)
        assert_type(optimizer.scratch_bytes, int)
        optimizer.statistics_level = "basic"
        assert_type(optimizer.statistics_level, str)
        assert_type(optimizer.statistics(0), Optional[libmuon.ParameterStatistics])
        optimizer.step()
        measured = optimizer.statistics(optimizer.parameters[0])
        if measured is not None:
            assert_type(measured.update_rms, float)
            assert_type(measured.orthogonality_error, Optional[float])
        solo = Solo()
        exchange: libmuon.Exchange = solo
        optimizer.set_exchange(exchange)
        assert_type(optimizer.owner(0), Optional[int])
        optimizer.step()
        optimizer.set_exchange(None)
        assert_type(optimizer.state_dict(), dict[str, Any])
        optimizer.load_state_dict(optimizer.state_dict())
    muon.step([np.ones((4, 3), np.float32)])
    adamw.step({"bias": np.ones(3, np.float32)})
    adamw.add_param_group({"params": [np.ones(2, np.float32)]})
    group = muon.param_groups[0]
    group["lr"] = 0.01
    group.update(momentum=0.8)
    assert_type(group.options(), dict[str, Any])


def ranks(optimizer: libmuon.Optimizer) -> None:
    with mpi.attach(optimizer, comm=None, timeout=5.0) as attachment:
        assert_type(attachment, mpi.Attachment)
        attachment.detach()


def schedulers() -> None:
    optimizer = libmuon.AdamW([np.ones(3, np.float32)])
    warmup = libmuon.LinearLR(optimizer, start_factor=0.1, end_factor=1.0, total_iters=5)
    cosine = libmuon.CosineAnnealingLR(optimizer, T_max=10, eta_min=0.0)
    made: list[libmuon.Scheduler] = [
        warmup,
        cosine,
        libmuon.ConstantLR([optimizer], factor=0.5, total_iters=2),
        libmuon.Trapezoid(optimizer, warmup_steps=1, decay_steps=2, total_steps=9),
        libmuon.SequentialLR(optimizer, [warmup, cosine], milestones=[5]),
        libmuon.ChainedScheduler([warmup, cosine], optimizer),
    ]
    for scheduler in made:
        scheduler.step()
        assert_type(scheduler.get_last_lr(), list[float])
        assert_type(scheduler.last_epoch, int)
        assert_type(scheduler.optimizer, libmuon.Optimizer)
        assert_type(scheduler.optimizers, list[libmuon.Optimizer])
        assert_type(scheduler.state_dict(), dict[str, Any])
        scheduler.load_state_dict(scheduler.state_dict())


def builders() -> None:
    config = {
        "training": {"optimizer": "Muon", "learning_rate": 0.02, "n_epochs": 2, "warmup_steps": 1},
        "muon": {"backend": "polar_express"},
    }
    params = {"weight": np.ones((4, 3), np.float32), "bias": np.ones(3, np.float32)}
    optimizers = libmuon.build_optimizers(params, config)
    assert_type(optimizers, list[Union[libmuon.Muon, libmuon.AdamW]])
    built = libmuon.build_schedulers(optimizers, config, Setup())
    assert_type(built, list[libmuon.Scheduler])
    routes = libmuon.route_params(list(params.items()), config)
    assert_type(routes, list[libmuon.Route])
    assert_type(routes[0].reason, str)
    assert_type(routes[0].shape, tuple[int, ...])


def checkpoints() -> None:
    def progress(done: int, total: int) -> bool:
        return done <= total

    weight = libmuon.Parameter(np.ones((4, 3), np.float32), "weight")
    muon = libmuon.Muon([weight])
    scheduler = libmuon.LinearLR(muon)
    saved = libmuon.checkpoint.dumps(muon, scheduler)
    assert_type(saved, bytes)
    libmuon.checkpoint.loads(saved, [muon], [scheduler], progress=progress)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "run.safetensors"
        libmuon.checkpoint.save(path, muon, data=False, progress=None)
        libmuon.checkpoint.load(
            str(path), [muon], data=False, allow_missing=True, allow_extra=False, allow_rewritten=True
        )


def together() -> None:
    stacked = np.ones((2, 4, 3), np.float32)
    view = libmuon.View("boi")
    assert_type(libmuon.View.from_dict(view.to_dict()), libmuon.View)
    muon = libmuon.Muon([libmuon.Parameter(stacked, view=view)])
    adamw = libmuon.AdamW([np.ones(3, np.float32)])
    assert_type(libmuon.clip_grad_norm([muon, adamw], 1.0, grad_scale=0.5), float)
    libmuon.set_lr((muon, adamw), 0.01)
    libmuon.step([muon, adamw])
    libmuon.zero_grad(muon)
    muon.step_param(0, np.ones_like(stacked))


def functions() -> None:
    matrix = np.ones((4, 3), np.float32)
    assert_type(libmuon.orthogonalize(matrix), npt.NDArray[np.float32])
    result = libmuon.orthogonalize(matrix[None], steps=3, eps=0.0, abc=(3, -3.2, 1.2), out=matrix[None])
    assert_type(result, npt.NDArray[np.float32])
    assert_type(libmuon.backend_coefficients("cans", 5), list[tuple[float, float, float]])
    threads = libmuon.get_num_threads()
    assert_type(threads, int)
    libmuon.set_num_threads(threads)
    assert_type(libmuon.build_info(), str)
    assert_type(libmuon.__version__, str)


def errors() -> None:
    kinds: list[type[libmuon.MuonError]] = [
        libmuon.CancelledError,
        libmuon.ConfigError,
        libmuon.CorruptError,
        libmuon.DTypeError,
        libmuon.ExchangeError,
        libmuon.FileError,
        libmuon.InternalError,
        libmuon.InvalidArgumentError,
        libmuon.InvalidHandleError,
        libmuon.MismatchError,
        libmuon.NonFiniteGradientError,
        libmuon.NotConvergedError,
        libmuon.OutOfMemoryError,
        libmuon.ShapeError,
        libmuon.UnsupportedError,
    ]
    assert len(set(kinds)) == 15
    value_error: type[ValueError] = libmuon.ShapeError
    try:
        libmuon.Muon([np.ones(3, np.float32)])
    except value_error as error:
        assert isinstance(error, libmuon.MuonError)


if __name__ == "__main__":
    parameters_and_optimizers()
    schedulers()
    builders()
    checkpoints()
    together()
    functions()
    errors()
