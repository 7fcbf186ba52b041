"""Muon as transformations of gradients, as optax has them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from ctypes import byref, c_double
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, Union

import jax
import jax.numpy as jnp
import optax

from .. import _abi
from .._enums import MomentumStyle, NonFinitePolicy, ShapeScale
from .._library import check, lib
from .._option_table import JaxKeywords
from .._options import Triple, adamw_defaults, member, muon_defaults, muon_struct, number
from .._options import orthogonalize_struct, with_coefficients
from .._signatures import NonFinitePolicyName
from ..errors import InvalidArgumentError, ShapeError
from ._call import call_of, check_matrices, compute
from .routing import labels, name_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

# A number, an array with one (that of a hyperparameter of optax.inject_hyperparams), or a schedule.
Rate = Union[float, jax.Array, Callable[[Any], Any]]
Transformation = Any  # optax.GradientTransformation

NAMES = ("lr", *JaxKeywords.__annotations__)
HIGHER_DIMS = ("refuse", "auto", "flatten", "batch")
DEFAULTS = muon_defaults()
ADAMW_DEFAULTS = adamw_defaults()
BETA1, BETA2 = ADAMW_DEFAULTS["betas"]


class ScaleByMuonState(NamedTuple):
    """The state of scale_by_muon: a pytree as the parameters, of the momentum m of each."""

    momentum: Any


def give_signature(function: Callable[..., Any], but: str = "") -> None:
    """Gives a function that takes **options a signature that has them, but one, with the library's defaults.

    optax.inject_hyperparams goes by it, and makes arrays of numbers that stand in it; what must be a
    number when a step is compiled stands as None there.
    """
    signature = inspect.signature(function)
    given = [each for each in signature.parameters.values() if each.name != "options"]
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None if name == "eps" else DEFAULTS[name]
        )
        for name in JaxKeywords.__annotations__
        if name not in (*signature.parameters, but)
    ]
    setattr(function, "__signature__", signature.replace(parameters=[*given, *options]))


def scale_by_muon(
    *,
    coefficients: Optional[Sequence[Triple]] = None,
    higher_dims: str = "refuse",
    nonfinite: NonFinitePolicyName = "error",
    **options: Unpack[JaxKeywords],
) -> Transformation:
    """Replaces gradients by Muon's updates s e O, as optax.scale_by_adam does by Adam's.

    For a matrix with gradient g and momentum m, which starts at 0:

        m <- momentum m + g,   u = g + momentum m with nesterov, else m
        O = orthogonalize(u)

    Options are those of libmuon.Muon, by the same names and with the same defaults, but lr and
    weight_decay, which optax.scale_by_learning_rate and optax.add_decayed_weights are for.

    shape_scale: the factor s: "none" (1), "original" (sqrt(max(1, r/c))), "match_rms_adamw"
        (0.2 sqrt(max(r, c))) or "spectral" (sqrt(r/c)), where r is the number of outputs of a layer and
        c that of its inputs. Kernels of JAX are (in, out): here r is the last dimension, and c the one
        before it.
    momentum, update_scale: numbers, or arrays with one.
    higher_dims: what a leaf of more than 2 dimensions is: "refuse", an error; "batch", a matrix in
        the last two dimensions for every index of the others, as of layers that are stacked;
        "flatten", a matrix of shape[-1] outputs, as for convolutions; "auto", "batch" for 3 and
        "flatten" for more.
    nonfinite: NaN or infinity in u ends the computation with JaxRuntimeError, which names the leaf
        ("error"), or makes the whole matrix NaN ("propagate"). To skip such steps:
        optax.apply_if_finite.

    Errors come when a step is traced: TypeError or InvalidArgumentError for an option, when the
    transformation is made; DTypeError and ShapeError for a leaf that is no float32 matrix;
    UnsupportedError for a computation on another device than the CPU.
    """
    if "lr" in options:
        raise TypeError("scale_by_muon has no lr: chain it with optax.scale_by_learning_rate")
    if "weight_decay" in options:
        raise TypeError("scale_by_muon has no weight_decay: chain it with optax.add_decayed_weights")
    return momentum_and_direction(complete(options, coefficients), higher_dims, nonfinite)


def muon(
    learning_rate: Rate = DEFAULTS["lr"],
    *,
    coefficients: Optional[Sequence[Triple]] = None,
    weight_decay_mask: Any = None,
    higher_dims: str = "auto",
    nonfinite: NonFinitePolicyName = "error",
    to_muon: Sequence[str] = (),
    to_adamw: Sequence[str] = (),
    adam_learning_rate: Optional[Rate] = None,
    adam_b1: float = BETA1,
    adam_b2: float = BETA2,
    adam_eps: float = ADAMW_DEFAULTS["eps"],
    adam_weight_decay: float = ADAMW_DEFAULTS["weight_decay"],
    **options: Unpack[JaxKeywords],
) -> Transformation:
    """Muon for the hidden matrices of a pytree, and optax.adamw for the rest, in one transformation.

    A matrix p becomes p (1 - lr weight_decay) - lr s e O; see scale_by_muon for s, e, O and the
    options, which are those of libmuon.Muon.

    learning_rate: a number, or a schedule; of both.
    weight_decay: a number; of Muon's part. It needs params in update().
    weight_decay_mask: as that of optax.add_decayed_weights.
    to_muon, to_adamw: where leaves go; see route_params, which shows it.
    higher_dims: what those of more than 2 dimensions are that to_muon names; see scale_by_muon.
    adam_learning_rate: None: learning_rate.
    adam_b1, adam_b2, adam_eps, adam_weight_decay: of AdamW; the defaults are libmuon.AdamW's.
    """
    if "lr" in options:
        raise TypeError("muon has learning_rate in place of lr")
    chosen = complete({**options, "lr": learning_rate}, coefficients)
    decay = chosen["weight_decay"]
    parts = [momentum_and_direction(chosen, higher_dims, nonfinite)]
    if isinstance(decay, jax.Array) or decay != 0:
        parts.append(optax.add_decayed_weights(decay, weight_decay_mask))
    adamw = optax.adamw(
        learning_rate if adam_learning_rate is None else adam_learning_rate,
        b1=adam_b1, b2=adam_b2, eps=adam_eps, weight_decay=adam_weight_decay,
    )
    return optax.partition(
        {"Muon": optax.chain(*parts, optax.scale_by_learning_rate(learning_rate)), "AdamW": adamw},
        partial(labels, to_muon=to_muon, to_adamw=to_adamw),
    )


give_signature(scale_by_muon, but="weight_decay")
give_signature(muon)


def complete(given: Mapping[str, Any], coefficients: Any) -> dict[str, Any]:
    """All options of Muon. The library checks them, but those that are known only when a step runs."""
    for name in given:
        if name not in NAMES:
            raise TypeError(f"libmuon.jax has no option {name!r}; there are {', '.join(NAMES[1:])}")
    known = {name: value for name, value in given.items() if value is not None}
    options = with_coefficients({**DEFAULTS, **known, "coefficients": coefficients})
    later = [name for name, value in options.items() if isinstance(value, jax.Array) or callable(value)]
    for name in later:
        if name not in ("lr", "momentum", "weight_decay", "update_scale"):
            raise TypeError(
                f"{name}: a value that is known when a step is compiled is expected, not an array; "
                f"optax.inject_hyperparams has static_args=({name!r},)"
            )
    handle = _abi.OptimizerHandle()
    struct = muon_struct({**options, **{name: DEFAULTS[name] for name in later}})
    check(lib.muon_optimizer_create_muon(byref(struct), byref(handle)))
    check(lib.muon_optimizer_destroy(handle))
    return options


def momentum_and_direction(
    options: Mapping[str, Any], higher_dims: str, nonfinite: NonFinitePolicyName
) -> Transformation:
    """scale_by_muon, of complete options."""
    if higher_dims not in HIGHER_DIMS:
        raise InvalidArgumentError(
            f"higher_dims: {higher_dims!r} is not one of {', '.join(map(repr, HIGHER_DIMS))}"
        )
    policy = member("nonfinite", nonfinite, NonFinitePolicy)
    if policy == NonFinitePolicy.skip:
        raise InvalidArgumentError(
            'nonfinite: "skip" is what optax.apply_if_finite does, around the whole optimizer'
        )
    struct = orthogonalize_struct(options)
    scale = member("shape_scale", options["shape_scale"], ShapeScale)

    def direction(path: Any, u: jax.Array) -> jax.Array:
        name = name_of(path)
        shape = layout(u.shape, higher_dims)
        call = call_of(name, struct, propagate=policy == NonFinitePolicy.propagate)
        factor = options["update_scale"] * shape_factor(scale, shape)
        return (compute(call, u.reshape(shape)) * as_factor(factor)).reshape(u.shape)

    def init(params: Any) -> ScaleByMuonState:
        check_leaves(params, higher_dims)
        return ScaleByMuonState(jax.tree.map(jnp.zeros_like, params))

    def update(updates: Any, state: ScaleByMuonState, params: Any = None) -> Any:
        check_leaves(updates, higher_dims)
        keep = as_factor(options["momentum"])
        take = 1 - keep if options["momentum_style"] == MomentumStyle.ema.name else 1
        momentum = jax.tree.map(lambda m, g: keep * m + take * g, state.momentum, updates)
        u = momentum
        if options["nesterov"]:
            u = jax.tree.map(lambda m, g: take * g + keep * m, momentum, updates)
        return jax.tree_util.tree_map_with_path(direction, u), ScaleByMuonState(momentum)

    return optax.GradientTransformation(init, update)


def as_factor(value: Any) -> Any:
    """A number that makes no float32 array one of float64."""
    return value.astype(jnp.float32) if isinstance(value, jax.Array) else float(value)


def layout(shape: tuple[int, ...], higher_dims: str) -> tuple[int, ...]:
    """The shape in which the last two dimensions are matrices, (inputs, outputs)."""
    if higher_dims == "auto":
        higher_dims = "batch" if len(shape) == 3 else "flatten"
    if len(shape) > 2 and higher_dims == "flatten":
        return prod(shape[:-1]), shape[-1]
    return shape


def shape_factor(scale: int, shape: tuple[int, ...]) -> float:
    """The factor s of matrices (..., inputs, outputs)."""
    if 0 in shape:
        return 1.0
    factor = c_double()
    check(lib.muon_shape_scale_get_factor(scale, shape[-1], shape[-2], byref(factor)))
    return factor.value


def check_leaves(tree: Any, higher_dims: str) -> None:
    """Raises unless all of them are float32, and matrices for Muon."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        check_matrices(name_of(path), leaf)
        if len(leaf.shape) > 2 and higher_dims == "refuse":
            raise ShapeError(
                f"{name_of(path)}: a matrix is expected, not shape {tuple(leaf.shape)}; "
                "higher_dims says what more than 2 dimensions mean"
            )
