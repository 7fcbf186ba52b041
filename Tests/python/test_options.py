"""Options: defaults, parameter groups, and what is refused."""

from __future__ import annotations

import copy
import inspect
import pickle
from ctypes import byref, sizeof

import numpy as np
import pytest

import libmuon
from libmuon import AdamW, Muon, Parameter, _abi, _options
from libmuon._library import check, lib


def matrix(name="w"):
    return Parameter(np.ones((3, 4), np.float32), name)


def signature(thing):
    return {
        name: parameter.default
        for name, parameter in inspect.signature(thing).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }


def test_defaults_are_the_librarys():
    muon = _abi.MuonOptions()
    check(lib.muon_muon_options_init(byref(muon), sizeof(muon)))
    ours = signature(Muon)
    assert ours.pop("nonfinite") == Muon([matrix()]).nonfinite == "error"
    assert ours == _options.muon_options(muon, None)

    adamw = _abi.AdamWOptions()
    check(lib.muon_adamw_options_init(byref(adamw), sizeof(adamw)))
    ours = signature(AdamW)
    assert ours.pop("nonfinite") == AdamW([matrix()]).nonfinite == "error"
    assert ours == _options.adamw_options(adamw)

    orthogonalize = _abi.OrthogonalizeOptions()
    check(lib.muon_orthogonalize_options_init(byref(orthogonalize), sizeof(orthogonalize)))
    assert signature(libmuon.orthogonalize)["eps"] == orthogonalize.eps
    assert libmuon.backend_coefficients("orthogonalize") == [(3, -3.2, 1.2)] * 10


def test_groups_have_their_own_options():
    first, second = matrix("a"), matrix("b")
    optimizer = Muon(
        [
            {"params": [first], "lr": 0.5},
            {"params": [second], "momentum": 0.5, "backend": "turbo"},
        ],
        lr=0.25,
        weight_decay=0.125,
    )
    one, two = optimizer.param_groups
    assert (one["lr"], one["momentum"], one["backend"]) == (0.5, 0.95, "newtonschulz5")
    assert (two["lr"], two["momentum"], two["backend"]) == (0.25, 0.5, "turbo")
    assert one["weight_decay"] == two["weight_decay"] == 0.125
    assert (one["params"], two["params"]) == ([first], [second])
    assert optimizer.parameters == [first, second]
    assert set(one) == {*signature(Muon), "params", "initial_lr"} - {"nonfinite"}
    assert len(one) == len(list(one)) and "lr" in one and "nothing" not in one
    assert "lr=0.5" in repr(optimizer) and "momentum=0.5" in repr(optimizer)


def test_a_group_is_trained_with_its_options():
    first, second = matrix("a"), matrix("b")
    optimizer = AdamW([{"params": first, "lr": 0.5}, {"params": [second]}], lr=0.0)
    optimizer.step([np.ones((3, 4), np.float32)] * 2)
    assert (first.data != 1).all() and (second.data == 1).all()
    optimizer.param_groups[1]["lr"] = 0.5
    optimizer.step()
    assert (second.data != 1).all()


def test_options_can_be_read_and_written():
    group = Muon([matrix()]).param_groups[0]
    for key, value in {
        "lr": 0.5,
        "momentum": 0.25,
        "nesterov": False,
        "weight_decay": 0.125,
        "backend": "cans",
        "backend_steps": 7,
        "momentum_style": "ema",
        "shape_scale": "spectral",
        "eps": 1e-6,
        "precision": "f32",
        "method": "standard",
        "update_scale": 0.5,
        "cautious_weight_decay": True,
        "second_moment": "normuon",
        "beta2": 0.5,
        "initial_lr": 0.75,
    }.items():
        group[key] = value
        assert group[key] == value and type(group[key]) is type(value)
    group["backend_steps"] = None
    assert group["backend_steps"] is None
    group["initial_lr"] = None
    assert group["initial_lr"] is None
    group = AdamW([matrix()]).param_groups[0]
    for key, value in {"betas": (0.5, 0.25), "eps": 0.5, "weight_decay": 0.25}.items():
        group[key] = value
        assert group[key] == value


def test_numpy_scalars_are_numbers():
    group = Muon([matrix()], lr=np.float32(0.5), nesterov=np.bool_(False)).param_groups[0]
    assert (group["lr"], group["nesterov"]) == (0.5, False)
    group.update(backend_steps=np.int64(3), momentum=np.float64(0.5), lr=np.float32(0.25))
    assert (group["backend_steps"], group["momentum"], group["lr"]) == (3, 0.5, 0.25)


def test_coefficients_survive_other_changes():
    """What is read are the rows that were given, however many of them are in use."""
    rows = [(3.0, -3.2, 1.2), (2.0, -1.5, 0.5), (1.5, -0.5, 0.0)]
    group = Muon([matrix()], coefficients=rows).param_groups[0]
    group["backend_steps"] = 1
    assert group["coefficients"] == rows
    group["momentum"] = 0.5
    group["backend_steps"] = 4
    assert group["coefficients"] == rows
    group["backend_steps"] = None
    assert group["coefficients"] == rows


def test_coefficients_ask_for_custom_and_go_with_it():
    rows = [(3.0, -3.2, 1.2), (2.0, -1.5, 0.5)]
    group = Muon([matrix()], coefficients=np.array(rows)).param_groups[0]
    assert (group["backend"], group["coefficients"]) == ("custom", rows)
    group["lr"] = 0.5
    group["momentum"] = 0.5
    assert group["coefficients"] == rows
    group["backend"] = "cans"
    assert group["coefficients"] is None
    group["coefficients"] = rows[:1]
    assert (group["backend"], group["coefficients"]) == ("custom", rows[:1])
    with pytest.raises(ValueError):
        group.update(backend="cans", coefficients=rows)
    assert (group["backend"], group["coefficients"]) == ("custom", rows[:1])
    groups = [{"params": matrix("a")}, {"params": matrix("b"), "backend": "cans"}]
    named = [group["backend"] for group in Muon(groups, coefficients=rows).param_groups]
    assert named == ["custom", "cans"]
    for wrong in ([(1.0, 2.0)], [], [(1.0, 2.0, float("nan"))], [(1.0, 2.0, 3.0)] * 100):
        with pytest.raises(ValueError):
            Muon([matrix()], coefficients=wrong)
    with pytest.raises(ValueError):
        Muon([matrix()], coefficients=rows, backend="cans")
    with pytest.raises(ValueError):
        Muon([matrix()], backend="custom")
    with pytest.raises(TypeError):
        Muon([matrix()], coefficients=["abc"])


WRONG = [
    ("lr", -1.0, ValueError),
    ("lr", float("nan"), ValueError),
    ("lr", float("inf"), ValueError),
    ("lr", 10**400, ValueError),
    ("lr", "0.1", TypeError),
    ("lr", None, TypeError),
    ("momentum", 1.0, ValueError),
    ("momentum", -0.1, ValueError),
    ("weight_decay", -0.1, ValueError),
    ("eps", -1e-9, ValueError),
    ("nesterov", 2, ValueError),
    ("nesterov", "yes", TypeError),
    ("backend", "newton", ValueError),
    ("backend", 1, TypeError),
    ("backend_steps", 100, ValueError),
    ("backend_steps", 0, ValueError),
    ("backend_steps", -1, ValueError),
    ("backend_steps", 2**32 + 5, ValueError),
    ("backend_steps", 5.0, TypeError),
    ("momentum_style", "torch", ValueError),
    ("shape_scale", "big", ValueError),
    ("precision", "f64", ValueError),
    ("method", "Gram", ValueError),
    ("update_scale", 0.0, ValueError),
    ("cautious_weight_decay", 2, ValueError),
    ("second_moment", "rows", ValueError),
    ("hyperball", 2, ValueError),
    ("beta2", 1.0, ValueError),
    ("beta2", -0.1, ValueError),
    ("cautious_weight_decay", "yes", TypeError),
    ("update_scale", float("nan"), ValueError),
    ("update_scale", 1e39, ValueError),
    ("method", 2, TypeError),
    ("initial_lr", -1.0, ValueError),
    ("initial_lr", "0.1", TypeError),
    ("betas", (0.9, 1.0), ValueError),
    ("betas", (-0.1, 0.9), ValueError),
    ("betas", (0.9,), ValueError),
    ("betas", 0.9, ValueError),
    ("betas", ("a", "b"), TypeError),
]


@pytest.mark.parametrize(("key", "value", "error"), WRONG, ids=str)
def test_wrong_options_are_refused_and_change_nothing(key, value, error):
    kind = AdamW if key == "betas" else Muon
    optimizer = kind([matrix()], lr=0.5)
    group = optimizer.param_groups[0]
    before = dict(group)
    with pytest.raises(error) as caught:
        group[key] = value
    # The message names the option, by the name it has in Python or in C.
    assert key.rstrip("s") in str(caught.value)
    with pytest.raises(error):
        group.update({"weight_decay": 0.25, "initial_lr": 0.25, "lr": 0.25, key: value})
    assert dict(group) == before
    if key != "initial_lr":
        with pytest.raises(error):
            kind([matrix()], **{key: value})
        with pytest.raises(error):
            optimizer.add_param_group({"params": matrix("b"), key: value})
        assert len(optimizer.param_groups) == len(optimizer.parameters) == 1


@pytest.mark.parametrize("backend", ["polar_express", "cans"])
def test_bfloat16_is_not_for_every_backend(backend):
    optimizer = Muon([matrix()], backend=backend)
    group = optimizer.param_groups[0]
    before = dict(group)
    for attempt in (
        lambda: group.update(precision="bf16"),
        lambda: Muon([matrix()], backend=backend, precision="bf16"),
        lambda: optimizer.add_param_group({"params": matrix("b"), "precision": "bf16"}),
    ):
        with pytest.raises(NotImplementedError, match="precision"):
            attempt()
    assert dict(group) == before
    assert len(optimizer.param_groups) == len(optimizer.parameters) == 1


@pytest.mark.parametrize(
    "options",
    [{"backend": "svd"}, {"backend": "turbo"}, {"backend_steps": 6}, {"precision": "bf16"}],
    ids=str,
)
def test_gram_is_not_for_all_options(options):
    optimizer = Muon([matrix()], method="gram")
    group = optimizer.param_groups[0]
    before = dict(group)
    for attempt in (
        lambda: group.update(options),
        lambda: Muon([matrix()], method="gram", **options),
        lambda: optimizer.add_param_group({"params": matrix("b"), **options}),
    ):
        with pytest.raises(NotImplementedError, match="method gram|no such products"):
            attempt()
    assert dict(group) == before
    assert len(optimizer.param_groups) == len(optimizer.parameters) == 1


def test_unknown_keys_list_the_known_ones():
    optimizer = AdamW([matrix()])
    group = optimizer.param_groups[0]
    for attempt in (
        lambda: group["momentum"],
        lambda: group.update(momentum=0.5),
        lambda: group.__setitem__("momentum", 0.5),
        lambda: AdamW([{"params": matrix(), "momentum": 0.5}]),
        lambda: optimizer.add_param_group({"params": matrix(), "momentum": 0.5}),
    ):
        with pytest.raises(KeyError, match="betas"):
            attempt()
    with pytest.raises(KeyError, match="params"):
        AdamW([{"lr": 0.1}])
    with pytest.raises(TypeError, match="params"):
        group["params"] = []
    with pytest.raises(TypeError, match="deleted"):
        del group["lr"]


def test_update_is_all_or_nothing():
    group = Muon([matrix()]).param_groups[0]
    group.update(backend="turbo", backend_steps=4)
    assert (group["backend"], group["backend_steps"]) == ("turbo", 4)
    # turbo has 4 steps, always.
    with pytest.raises(ValueError):
        group["backend_steps"] = 6
    group.update({"backend": "cans"}, backend_steps=6)
    assert (group["backend"], group["backend_steps"]) == ("cans", 6)


def test_add_param_group():
    first, second, third = matrix("a"), matrix("b"), matrix("c")
    optimizer = Muon([first], lr=0.5, momentum=0.25)
    optimizer.add_param_group({"params": [second, third], "lr": 0.125})
    group = optimizer.param_groups[1]
    assert (group["lr"], group["momentum"], group["params"]) == (0.125, 0.25, [second, third])
    optimizer.step([np.ones((3, 4), np.float32)] * 3)
    assert (third.data != 1).all()
    assert optimizer.state_dict()["param_groups"][1]["params"] == [1, 2]


@pytest.mark.parametrize(
    "params",
    [
        lambda used: [("new", np.ones((2, 2), np.float32)), ("vector", np.ones(2, np.float32))],
        lambda used: [("new", np.ones((2, 2), np.float32)), ("again", used.data[:1])],
        lambda used: [("new", np.ones((2, 2), np.float32)), ("again", used.grad)],
        lambda used: [("new", np.ones((2, 2), np.float32)), ("wide", np.ones((2, 2)))],
        lambda used: [matrix("twice")] * 2,
    ],
    ids=["shape", "overlap", "gradient", "dtype", "twice"],
)
def test_a_group_is_added_whole_or_not_at_all(params):
    used = matrix("a")
    used.grad = np.ones((3, 4), np.float32)
    optimizer = Muon([used])
    with pytest.raises(libmuon.MuonError):
        optimizer.add_param_group({"params": params(used)})
    assert len(optimizer.param_groups) == 1 and optimizer.parameters == [used]
    optimizer.add_param_group({"params": [matrix("b")]})
    optimizer.step([np.ones((3, 4), np.float32)] * 2)
    assert (optimizer.parameters[1].data != 1).all()


def test_optimizers_are_not_copied():
    optimizer = AdamW([matrix()])
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="state_dict"):
            attempt(optimizer)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: AdamW([matrix()], betas={0.9, 0.95}), "betas: a pair of numbers is expected, not {"),
        (lambda: AdamW([matrix()], betas={0.9: 1, 0.95: 2}), "betas: a pair of numbers is expected"),
        (lambda: AdamW([matrix()], betas=0.9), "betas: a pair of numbers is expected, not 0.9"),
        (lambda: Muon([matrix()], coefficients={(1, 2, 3)}), "coefficients: .* is expected, not {"),
        (lambda: Muon(5), "params: .* is expected, not 5"),
        (lambda: Muon({libmuon.Parameter(np.ones((2, 2), np.float32))}), "params: .* is expected"),
        (lambda: AdamW([matrix()]).add_param_group(5), "group: a dict is expected, not 5"),
        (lambda: AdamW([matrix()]).add_param_group({"params": 5}), "params: a list is expected, not 5"),
        (lambda: AdamW([matrix()]).step(5), "grads: .* is expected, not 5"),
        (lambda: libmuon.checkpoint.dumps(AdamW([matrix()]), 5), "schedulers: .* is expected, not 5"),
        (lambda: libmuon.checkpoint.dumps(5), "optimizers: .* is expected, not 5"),
    ],
)
def test_what_is_no_list_is_named(make, named):
    with pytest.raises((TypeError, ValueError), match=named):
        make()


def test_lists_of_every_kind_will_do():
    for betas in ((0.5, 0.25), [0.5, 0.25], np.array([0.5, 0.25]), iter((0.5, 0.25))):
        assert AdamW([matrix()], betas=betas).param_groups[0]["betas"] == (0.5, 0.25)


def test_handlers_at_exit_may_use_what_was_made_after_them(run_python):
    script = (
        "import atexit, weakref, numpy as np, libmuon\n"
        "class Owner: pass\n"
        "owner = Owner()\n"
        "weakref.finalize(owner, lambda: print(scheduler.last_epoch, optimizer.kind))\n"
        "def last():\n"
        "  optimizer.step(); scheduler.step(); print(optimizer.state_dict()['state'][0]['step'])\n"
        "atexit.register(last)\n"
        "optimizer = libmuon.Muon([np.ones((2, 2), np.float32)])\n"
        "optimizer.step([np.ones((2, 2), np.float32)])\n"
        "scheduler = libmuon.LinearLR(optimizer)\n"
    )
    assert run_python(script) == "2\n1 Muon\n"


def test_exit_with_live_optimizers_is_clean(run_python):
    script = (
        "import libmuon, numpy as np\n"
        "o = libmuon.Muon([np.ones((2, 2), np.float32)])\n"
        "s = libmuon.LinearLR(o)\n"
        "o.step([np.ones((2, 2), np.float32)])\n"
        "import builtins; builtins.kept = (o, s, o.param_groups)\n"
        "print('done')"
    )
    assert run_python(script) == "done\n"


@pytest.mark.parametrize("masked", [np.ma.masked, np.ma.array(0.5, mask=True), np.ma.array(3, mask=True)])
def test_masked_values_are_no_numbers(masked):
    for options in ({"lr": masked}, {"backend_steps": masked}):
        with pytest.raises(TypeError, match=f"{[*options][0]}: a number is expected, not a masked one"):
            Muon([np.ones((2, 2), np.float32)], **options)
    optimizer = Muon([np.ones((2, 2), np.float32)], lr=np.ma.array(0.5))
    assert optimizer.param_groups[0]["lr"] == 0.5
    with pytest.raises(TypeError, match="masked"):
        optimizer.param_groups[0]["lr"] = masked
