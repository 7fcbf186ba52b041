# Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
"""The enums of muon.h. A member's name is the string a user passes: backend="newtonschulz5"."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """muon_status"""

    ok = 0
    invalid_argument = 1
    invalid_handle = 2
    shape = 3
    dtype = 4
    config = 5
    out_of_memory = 6
    nonfinite_gradient = 7
    unsupported = 8
    not_converged = 9
    internal = 10
    io = 11
    corrupt = 12
    mismatch = 13
    cancelled = 14
    exchange = 15


class DType(IntEnum):
    """muon_dtype: The type of the elements of a buffer."""

    f32 = 1
    bf16 = 2
    f16 = 3
    f64 = 4
    not_float = 5
    i16 = 6


class Master(IntEnum):
    """muon_master: What the state keeps of a BF16 or F16 parameter, so that updates are not lost
    that are smaller than half of the distance between two of its numbers: docs/half-
    precision.md."""

    f32 = 0
    none = 1
    remainder = 2


class OptimizerKind(IntEnum):
    """muon_optimizer_kind: What kind of optimizer there is."""

    none = 0
    muon = 1
    adamw = 2


class Backend(IntEnum):
    """muon_backend: How a matrix G is replaced by an orthogonal one."""

    newtonschulz5 = 1
    svd = 2
    polar_express = 3
    you = 4
    cans = 5
    deepseekv4 = 6
    cubic5 = 7
    turbo = 8
    orthogonalize = 9
    custom = 10


class Precision(IntEnum):
    """muon_precision: What operands of the matrix products are rounded to; sums and storage are
    float32 in all."""

    auto = 0
    f32 = 1
    bf16 = 2
    int16 = 3
    int8 = 4


class NewtonSchulzMethod(IntEnum):
    """muon_newton_schulz_method: How the polynomial of a backend is evaluated."""

    auto = 0
    standard = 1
    gram = 2


class MomentumStyle(IntEnum):
    """muon_momentum_style: How the momentum m takes in the gradient g, and what Nesterov makes of
    it, u; b is the option momentum."""

    classic = 1
    ema = 2


class ShapeScale(IntEnum):
    """muon_shape_scale: The factor s on the update of a parameter with r rows and c columns."""

    none = 0
    original = 1
    match_rms_adamw = 2
    spectral = 3


class SecondMoment(IntEnum):
    """muon_second_moment: NorMuon (arXiv 2510.05491): lines of O are brought nearer to each other
    in size before p is moved along it, by a running mean v of their squares, which starts at 0."""

    none = 0
    normuon = 1
    normuon_long = 2


class NonFinitePolicy(IntEnum):
    """muon_nonfinite_policy: What step does about NaN or infinity in a gradient, or in the state
    that the gradient would lead to (Muon's m or u, or AdamW's g^2, above 3.4e38)."""

    error = 0
    skip = 1
    propagate = 2


class RouteReason(IntEnum):
    """muon_route_reason: Why a parameter goes where it goes."""

    matrix = 1
    not_matrix = 2
    adamw_only = 3
    frozen = 4
    not_float = 5
    view = 6
    rule = 7


class LogLevel(IntEnum):
    """muon_log_level: How much a message matters; each level includes the ones before it."""

    error = 1
    warning = 2
    info = 3


class StatisticsLevel(IntEnum):
    """muon_statistics_level: What the steps of an optimizer measure; each level includes the ones
    before it."""

    none = 0
    basic = 1
    orthogonality = 2
