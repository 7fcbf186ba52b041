"""The properties that torch's own suite tests of every optimizer, over torch's own table of inputs.

The suite is test/test_optim.py, which pip's torch does not bring; the table is
torch.testing._internal.common_optimizers, which it does. Left out, and why:

- foreach, fused, capturable, differentiable, graph capture, compiled optimizers, peak memory,
  devices other than the CPU, and what compares them with each other: there is one implementation,
  on the CPU. foreach and fused are taken and of no effect; that torch refuses foreach with a tensor
  as rate is of foreach's own making. torch.compile is tested to leave the step alone.
- amsgrad: refused (test_torch_options).
- Complex parameters: refused by torch's Muon and by both of ours; torch's AdamW has them.
- Sparse gradients: refused by all four.
- Duplicate parameters within one group: torch warns, and so do we; the step then refuses, because
  a parameter that is updated twice at once cannot be updated in place.
- Texts of errors about a range, which the library checks: it names the option. Types are torch's.
"""

from __future__ import annotations

import copy
import inspect
import io
import warnings

import pytest
import torch
from torch.nn import Parameter
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

import libmuon.torch

TORCHS = {info.optim_cls.__name__: info for info in optim_db}


def info_of(name):
    """torch's table of inputs for one of its optimizers, with ours in its place."""
    info = copy.copy(TORCHS[name])
    info.optim_cls = getattr(libmuon.torch, name)
    return info


MUON, ADAMW = info_of("Muon"), info_of("AdamW")
INFOS = [MUON, ADAMW]
# The original system's way to call Muon, beside torch's inputs.
ORIGINAL = {"lr": 0.01, "momentum": 0.9, "backend": "newtonschulz5", "backend_steps": 5}


def inputs(info):
    found = [each.kwargs for each in info.optim_inputs_func(device="cpu")]
    assert len(found) >= 5
    found = [kwargs for kwargs in found if not kwargs.get("amsgrad")]
    return [*found, ORIGINAL] if info is MUON else found


CASES = [
    pytest.param(info, kwargs, id=f"{info.name}-{index}")
    for info in INFOS
    for index, kwargs in enumerate(inputs(info))
]
every = pytest.mark.parametrize(("info", "kwargs"), CASES)
both = pytest.mark.parametrize("info", INFOS, ids=lambda info: info.name)


def problem(contiguous=True, groups=None):
    """A least-squares problem in two parameters, and its loss as a closure makes it."""
    shapes = [(10, 5), (10, 1)]
    if contiguous:
        params = [Parameter(torch.randn(shape)) for shape in shapes]
    else:
        params = [Parameter(torch.randn(*shape, 2)[..., 0]) for shape in shapes]
    weight, bias = params
    x = torch.randn(5, 1)
    given = params if groups is None else [{"params": [weight], **groups}, {"params": [bias]}]

    def closure():
        weight.grad = bias.grad = None
        loss = (weight @ x + bias).pow(2).sum()
        loss.backward()
        return loss

    return given, params, closure


def run(optimizer, closure, steps, schedulers=(), maximize=False):
    for _ in range(steps):
        loss = optimizer.step(closure)
        for scheduler in schedulers:
            advance(scheduler, loss)


def advance(scheduler, loss):
    if isinstance(scheduler, ReduceLROnPlateau):
        scheduler.step(loss.item())
    else:
        scheduler.step()


@every
@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("scheduled", [True, False])
def test_forloop_goes_right_direction(info, kwargs, contiguous, scheduled):
    choices = info.scheduler_inputs if scheduled else [()]
    for choice in choices:
        given, _, closure = problem(contiguous)
        optimizer = info.optim_cls(given, **kwargs)
        first = closure().item()
        run(optimizer, closure, 20, [make(optimizer) for make in choice])
        last = closure().item()
        assert last > first if kwargs.get("maximize") else last < first


@every
def test_param_group_with_lrscheduler_goes_right_direction(info, kwargs):
    for choice in info.scheduler_inputs:
        given, _, closure = problem(groups={"lr": 0.01})
        optimizer = info.optim_cls(given, **kwargs)
        first = closure().item()
        run(optimizer, closure, 20, [make(optimizer) for make in choice])
        last = closure().item()
        assert last > first if kwargs.get("maximize") else last < first


@every
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_tensor_lr(info, kwargs, shape):
    given, params, closure = problem()
    twins = copy.deepcopy(params)
    rate = torch.full((), float(kwargs.get("lr", 1e-3))).item()
    one = info.optim_cls(given, **{**kwargs, "lr": torch.full(shape, rate)})
    two = info.optim_cls(twins, **{**kwargs, "lr": rate})
    for make in (None, info.scheduler_inputs[0][0]):
        schedulers = [make(each) for each in (one, two)] if make else []
        for _ in range(5):
            one.step(closure)
            for p, q in zip(params, twins):
                q.grad = p.grad.clone()
            two.step()
            for scheduler in schedulers:
                scheduler.step()
    for p, q in zip(params, twins):
        torch.testing.assert_close(p, q)
    assert isinstance(one.param_groups[0]["lr"], torch.Tensor)


def error_cases(info):
    for index, case in enumerate(info.optim_error_inputs_func(device="cpu", dtype=torch.float32)):
        if case.optimizer_error_input.kwargs.get("foreach"):
            continue
        yield pytest.param(info, case, id=f"{info.name}-{index}")


# Of the texts that are the library's: what they must name.
OWN_TEXTS = {"Invalid beta parameter at index 0": "beta1", "Invalid weight_decay": "weight_decay"}


@pytest.mark.parametrize(("info", "case"), [*error_cases(MUON), *error_cases(ADAMW)])
def test_errors(info, case):
    given, text = case.optimizer_error_input, case.error_regex
    for torchs, own in OWN_TEXTS.items():
        text = own if text.startswith(torchs) else text
    params = [Parameter(torch.randn(1, 1))] if given.params is None else given.params
    with warnings.catch_warnings():
        warnings.simplefilter("error" if issubclass(case.error_type, Warning) else "ignore")
        if case.error_on is OptimizerErrorEnum.CONSTRUCTION_ERROR:
            with pytest.raises(case.error_type, match=text):
                info.optim_cls(params, **given.kwargs)
        else:
            optimizer = info.optim_cls(params, **given.kwargs)
            with pytest.raises(case.error_type, match=text):
                optimizer.step()


@every
@pytest.mark.parametrize("scheduled", [True, False])
def test_state_dict_deterministic(info, kwargs, scheduled):
    given, params, closure = problem()
    optimizer = info.optim_cls(given, **kwargs)
    makers = info.scheduler_inputs[0] if scheduled else ()
    schedulers = [make(optimizer) for make in makers]
    run(optimizer, closure, 5, schedulers)
    twins = copy.deepcopy(params)
    twin = info.optim_cls(twins, **kwargs)
    saved = optimizer.state_dict()
    kept = copy.deepcopy(saved)
    twin.load_state_dict(copy.deepcopy(saved))
    same_schedulers = [make(twin) for make in makers]
    for scheduler, same in zip(schedulers, same_schedulers):
        same.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    twin.load_state_dict(copy.deepcopy(saved))
    assert_equal(saved, kept)
    for _ in range(5):
        loss = optimizer.step(closure)
        for p, q in zip(params, twins):
            q.grad = p.grad.clone()
        twin.step()
        for scheduler in (*schedulers, *same_schedulers):
            advance(scheduler, loss)
        assert_equal([*params], [*twins])
    assert_equal(optimizer.state_dict(), twin.state_dict())
    # Repeated groups look the same.
    twin.param_groups.extend(twin.param_groups)
    assert_equal(
        optimizer.state_dict()["param_groups"][-1], twin.state_dict()["param_groups"][-1]
    )


def assert_equal(one, two):
    torch.testing.assert_close(as_tensors(one), as_tensors(two), rtol=0, atol=0)


def as_tensors(value):
    """With everything that assert_close does not compare as its text."""
    if isinstance(value, dict):
        return {key: as_tensors(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_tensors(each) for each in value]
    return value if isinstance(value, (torch.Tensor, int, float)) else tuple(map(ord, repr(value)))


@every
def test_can_load_older_state_dict(info, kwargs):
    given, params, closure = problem()
    optimizer = info.optim_cls(given, **kwargs)
    run(optimizer, closure, 3)
    new = optimizer.state_dict()
    own = ("precision", "method", "higher_dims", "decoupled_weight_decay")
    for flag in (*info.not_og_supported_flags, *own):
        old = copy.deepcopy(new)
        for group in old["param_groups"]:
            group.pop(flag, None)
        optimizer.load_state_dict(old)
        optimizer.step()
        assert flag not in new["param_groups"][0] or flag in optimizer.param_groups[0]


@every
def test_save_load_equality_with_weights_only(info, kwargs):
    given, params, closure = problem()
    optimizer = info.optim_cls(given, **kwargs)
    run(optimizer, closure, 3)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    loaded = torch.load(file, weights_only=True)
    assert_equal(optimizer.state_dict(), loaded)
    optimizer.load_state_dict(loaded)
    assert_equal(optimizer.state_dict(), loaded)


@both
def test_load_nontensor_step(info):
    given, params, closure = problem()
    optimizer = info.optim_cls(given)
    run(optimizer, closure, 3)
    saved = copy.deepcopy(optimizer.state_dict())
    for state in saved["state"].values():
        if "step" in state:
            state["step"] = state["step"].item()
    optimizer.load_state_dict(saved)
    run(optimizer, closure, 1)
    if info is ADAMW:
        assert optimizer.state[params[0]]["step"].item() == 4


@both
def test_state_dict_of_other_dtypes(info):
    """What torch tests with another device: the state follows nothing but float32."""
    given, params, closure = problem()
    optimizer = info.optim_cls(given)
    run(optimizer, closure, 3)
    low = [Parameter(p.detach().bfloat16()) for p in params]
    other = info.optim_cls(low)
    other.load_state_dict(optimizer.state_dict())
    for p, q in zip(params, low):
        assert_equal(optimizer.state[p], other.state[q])
        q.grad = torch.ones_like(q)
    other.step()


@every
def test_deepcopy_copies_all_public_attrs(info, kwargs):
    def public(optimizer):
        return {key for key in vars(optimizer) if not key.startswith("_")}

    given, _, closure = problem()
    optimizer = info.optim_cls(given, **kwargs)
    run(optimizer, closure, 2)
    assert public(optimizer) == public(copy.deepcopy(optimizer))


@every
def test_step_is_noop_when_params_have_no_grad(info, kwargs):
    params = [Parameter(torch.randn(2, 3)) for _ in range(2)]
    before = copy.deepcopy(params)
    optimizer = info.optim_cls(params, **kwargs)
    optimizer.step()
    assert_equal(before, params)
    assert not optimizer.state


@every
def test_step_is_noop_for_zero_grads(info, kwargs):
    param = Parameter(torch.randn(5, 1))
    before = param.detach().clone()
    optimizer = info.optim_cls([param], **{**kwargs, "weight_decay": 0.0})
    param.grad = torch.zeros_like(param)
    optimizer.step()
    assert_equal(before, param.detach())


@every
def test_optimizer_can_be_printed(info, kwargs):
    optimizer = info.optim_cls(problem()[0], **kwargs)
    text = repr(optimizer)
    run(optimizer, lambda: None, 1)
    assert text == repr(optimizer) and info.name in text and "weight_decay" in text


@both
def test_non_empty_state(info):
    given, params, closure = problem()
    optimizer = info.optim_cls(given)
    assert inspect.signature(optimizer.step).parameters["closure"].default is None
    run(optimizer, closure, 1)
    assert len(optimizer.state) == len(params)
    assert all(len(state) > 0 for state in optimizer.state.values())


@both
def test_state_dict_hooks(info):
    given, _, closure = problem()
    optimizer = info.optim_cls(given, lr=0.01)
    run(optimizer, closure, 1)
    optimizer.register_state_dict_pre_hook(
        lambda optimizer: optimizer.param_groups[0].update(lr=0.5)
    )
    optimizer.register_state_dict_post_hook(
        lambda optimizer, saved: {**saved, "more": saved["param_groups"][0]["lr"]}
    )
    order = []
    optimizer.register_state_dict_post_hook(lambda *_: order.append("last"))
    optimizer.register_state_dict_post_hook(lambda *_: order.append("first"), prepend=True)
    assert optimizer.state_dict()["more"] == 0.5
    assert order == ["first", "last"]


@both
def test_load_state_dict_hooks(info):
    given, _, closure = problem()
    optimizer = info.optim_cls(given, lr=0.01)
    run(optimizer, closure, 1)
    saved = optimizer.state_dict()
    order = []

    def replace(optimizer, loaded):
        loaded = copy.deepcopy(loaded)
        loaded["param_groups"][0]["lr"] *= 0.5
        order.append("replace")
        return loaded

    def change_in_place(optimizer, loaded):
        loaded["param_groups"] = [{**group, "lr": 0.8} for group in loaded["param_groups"]]
        order.append("change")

    first = optimizer.register_load_state_dict_pre_hook(replace)
    optimizer.register_load_state_dict_pre_hook(change_in_place, prepend=True)
    optimizer.register_load_state_dict_post_hook(
        lambda optimizer: order.append(optimizer.param_groups[0]["lr"])
    )
    optimizer.load_state_dict(saved)
    assert order == ["change", "replace", 0.4] and saved["param_groups"][0]["lr"] == 0.01
    first.remove()
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["lr"] == 0.8
    run(optimizer, closure, 1)


@both
def test_step_hooks(info):
    given, _, closure = problem()
    order = []
    optimizer = info.optim_cls(given)
    handles = [
        optimizer.register_step_pre_hook(lambda *_: order.append("own pre")),
        optimizer.register_step_post_hook(lambda *_: order.append("own post")),
        register_optimizer_step_pre_hook(lambda *_: order.append("all pre")),
        register_optimizer_step_post_hook(lambda *_: order.append("all post")),
    ]
    optimizer.step(closure)
    for handle in handles:
        handle.remove()
    optimizer.step(closure)
    assert order == ["all pre", "own pre", "own post", "all post"]
    # A hook may exchange the arguments.
    optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: ((args[0], lambda: 3), {}))
    assert optimizer.step(closure) == 3


@both
def test_param_groups_weight_decay(info):
    given, params, closure = problem(groups={"weight_decay": 1.0, "lr": 0.1})
    optimizer = info.optim_cls(given, lr=0.1, weight_decay=0.0)
    for p in params:
        p.grad = torch.zeros_like(p)
    weight, bias = (p.detach().clone() for p in params)
    optimizer.step()
    torch.testing.assert_close(params[0].detach(), weight * 0.9)
    assert_equal(params[1].detach(), bias)


@both
def test_param_groups_lr(info):
    given, params, closure = problem(groups={"lr": 0.05})
    optimizer = info.optim_cls(given, lr=0.0)
    weight, bias = (p.detach().clone() for p in params)
    first = closure().item()
    run(optimizer, closure, 5)
    assert closure().item() < first
    assert not torch.equal(params[0], weight)
    assert_equal(params[1].detach(), bias)


@both
def test_defaults_changed_to_param_groups(info):
    """A group that is added takes the defaults, and those there are do not follow them."""
    given, params, closure = problem()
    optimizer = info.optim_cls(given)
    optimizer.defaults["lr"] = 0.25
    optimizer.add_param_group({"params": Parameter(torch.randn(2, 2))})
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 0.25]
    run(optimizer, closure, 1)


@both
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_named_and_unnamed_state_dicts(info, first, second):
    given, params, closure = problem()
    names = ["weight", "bias"]
    one = info.optim_cls(list(zip(names, params)) if first else params)
    run(one, closure, 2)
    twins = copy.deepcopy(params)
    two = info.optim_cls(list(zip(["a", "b"], twins)) if second else twins)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    assert one.param_groups[0].get("param_names") == (names if first else None)
    expected = names if first else ["a", "b"] if second else None
    assert two.param_groups[0].get("param_names") == expected
    assert_equal(one.state_dict()["state"], two.state_dict()["state"])


@both
def test_mixed_dtypes_and_shapes(info):
    shapes = [(3, 4), (1, 7), (0, 2), (6, 6), (2, 5)]
    dtypes = [torch.float32, torch.bfloat16, torch.float32, torch.float16, torch.float32]
    params = [Parameter(torch.randn(shape).to(dtype)) for shape, dtype in zip(shapes, dtypes)]
    alone = copy.deepcopy(params)
    together = info.optim_cls(params, lr=0.1)
    others = [info.optim_cls([p], lr=0.1) for p in alone]
    for _ in range(3):
        for p, q in zip(params, alone):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        together.step()
        for each in others:
            each.step()
    assert_equal(params, alone)


@both
def test_grad_scaler(info):
    """An overflow that torch.amp finds never reaches the optimizer."""
    param = Parameter(torch.randn(3, 4))
    optimizer = info.optim_cls([param], lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**4)
    before = param.detach().clone()
    for factor in (float("inf"), 1.0):
        optimizer.zero_grad()
        scaler.scale((param * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        assert torch.equal(param, before) == (factor != 1.0)


def test_adam_and_adamw_exchange_state_dicts():
    given, params, closure = problem()
    adam = torch.optim.Adam(params, weight_decay=0.1)
    run(adam, closure, 2)
    twins, others = copy.deepcopy(params), copy.deepcopy(params)
    adamw, torchs = libmuon.torch.AdamW(twins), torch.optim.AdamW(others)
    for each in (adamw, torchs):
        each.load_state_dict(copy.deepcopy(adam.state_dict()))
        assert each.param_groups[0]["decoupled_weight_decay"] is True
    for p, q in zip(twins, others):
        p.grad = q.grad = torch.ones_like(p)
    adamw.step()
    torchs.step()
    torch.testing.assert_close(twins, others)
    adam.load_state_dict(adamw.state_dict())
    assert adam.param_groups[0]["decoupled_weight_decay"] is True


@both
def test_torch_compile_leaves_the_step_alone(info):
    given, params, closure = problem()
    twins = copy.deepcopy(params)
    one, two = info.optim_cls(params), info.optim_cls(twins)
    compiled = torch.compile(two.step, backend="eager")
    for _ in range(3):
        for p, q in zip(params, twins):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        one.step()
        compiled()
    assert_equal(params, twins)
