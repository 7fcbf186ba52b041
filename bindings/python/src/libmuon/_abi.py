# Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
"""muon.h for ctypes: its structs and callbacks, then every function, in the header's order.

Enums are c_int. Memory (void *, float *) is its address, passed as a plain integer.
"""

from __future__ import annotations

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any


# Handles are distinct types, so that ctypes refuses one where another is expected.
class OptimizerHandle(c_void_p):
    """muon_optimizer *"""


class ScheduleHandle(c_void_p):
    """muon_schedule *"""


class SchedulerHandle(c_void_p):
    """muon_scheduler *"""


class StateBuffer(Structure):
    """muon_state_buffer"""

    _fields_ = [
        ("name", c_char_p),  # const char *name
        ("data", c_void_p),  # void *data
        ("count", c_size_t),  # size_t count
    ]


class View(Structure):
    """muon_view"""

    _fields_ = [
        ("struct_size", c_size_t),  # size_t struct_size
        ("axes", c_char_p),  # const char *axes
        ("ndim", c_int32),  # int32_t ndim
        ("split_axis", c_int32),  # int32_t split_axis
        ("shape", POINTER(c_int64)),  # const int64_t *shape
        ("split_sizes", POINTER(c_int64)),  # const int64_t *split_sizes
        ("split_count", c_size_t),  # size_t split_count
    ]


class Param(Structure):
    """muon_param"""

    _fields_ = [
        ("struct_size", c_size_t),  # size_t struct_size
        ("name", c_char_p),  # const char *name
        ("dtype", c_int),  # muon_dtype dtype
        ("requires_grad", c_int32),  # int32_t requires_grad
        ("ndim", c_int32),  # int32_t ndim
        ("shape", POINTER(c_int64)),  # const int64_t *shape
        ("data", c_void_p),  # void *data
        ("data_count", c_size_t),  # size_t data_count
        ("grad", c_void_p),  # void *grad
        ("grad_count", c_size_t),  # size_t grad_count
        ("state", POINTER(StateBuffer)),  # const muon_state_buffer *state
        ("state_count", c_size_t),  # size_t state_count
        ("view", POINTER(View)),  # const muon_view *view
        ("grad_dtype", c_int),  # muon_dtype grad_dtype
        ("state_dtype", c_int),  # muon_dtype state_dtype
        ("master", c_int),  # muon_master master
    ]


# typedef int32_t (*muon_agree_callback)(void *context, int64_t *values, size_t count);
AgreeCallback = CFUNCTYPE(c_int32, c_void_p, POINTER(c_int64), c_size_t)


# typedef int32_t (*muon_share_callback)(void *context, int32_t owner, void *data, size_t bytes);
ShareCallback = CFUNCTYPE(c_int32, c_void_p, c_int32, c_void_p, c_size_t)


# typedef int32_t (*muon_finish_callback)(void *context);
FinishCallback = CFUNCTYPE(c_int32, c_void_p)


# typedef const char * (*muon_describe_callback)(void *context);
DescribeCallback = CFUNCTYPE(c_char_p, c_void_p)


class Exchange(Structure):
    """muon_exchange"""

    _fields_ = [
        ("struct_size", c_size_t),  # size_t struct_size
        ("context", c_void_p),  # void *context
        ("rank", c_int32),  # int32_t rank
        ("rank_count", c_int32),  # int32_t rank_count
        ("agree", AgreeCallback),  # muon_agree_callback agree
        ("share", ShareCallback),  # muon_share_callback share
        ("finish", FinishCallback),  # muon_finish_callback finish
        ("describe", DescribeCallback),  # muon_describe_callback describe
        ("success", c_int32),  # int32_t success
    ]


class Coefficients(Structure):
    """muon_coefficients"""

    _fields_ = [
        ("a", c_double),  # double a
        ("b", c_double),  # double b
        ("c", c_double),  # double c
    ]


class MuonOptions(Structure):
    """muon_muon_options"""

    _fields_ = [
        ("struct_size", c_size_t),  # size_t struct_size
        ("lr", c_double),  # double lr
        ("momentum", c_double),  # double momentum
        ("weight_decay", c_double),  # double weight_decay
        ("eps", c_double),  # double eps
        ("nesterov", c_int32),  # int32_t nesterov
        ("momentum_style", c_int),  # muon_momentum_style momentum_style
        ("shape_scale", c_int),  # muon_shape_scale shape_scale
        ("backend", c_int),  # muon_backend backend
        ("backend_steps", c_int32),  # int32_t backend_steps
        ("precision", c_int),  # muon_precision precision
        ("coefficients", POINTER(Coefficients)),  # const muon_coefficients *coefficients
        ("coefficients_count", c_size_t),  # size_t coefficients_count
        ("method", c_int),  # muon_newton_schulz_method method
        ("update_scale", c_double),  # double update_scale
        ("cautious_weight_decay", c_int32),  # int32_t cautious_weight_decay
        ("second_moment", c_int),  # muon_second_moment second_moment
        ("beta2", c_double),  # double beta2
        ("hyperball", c_int32),  # int32_t hyperball
    ]


class AdamWOptions(Structure):
    """muon_adamw_options"""

    _fields_ = [
        ("struct_size", c_size_t),  # size_t struct_size
        ("lr", c_double),  # double lr
        ("beta1", c_double),  # double beta1
        ("beta2", c_double),  # double beta2
        ("eps", c_double),  # double eps
        ("weight_decay", c_double),  # double weight_decay
        ("cautious_weight_decay", c_int32),  # int32_t cautious_weight_decay
    ]


class StateLayout(Structure):
    """muon_state_layout"""

    _fields_ = [
        ("name", c_char_p),  # const char *name
        ("torch_key", c_char_p),  # const char *torch_key
        ("dtype", c_int),  # muon_dtype dtype
        ("ndim", c_int32),  # int32_t ndim
        ("shape", c_int64 * 8),  # int64_t shape[8]
    ]


class Route(Structure):
    """muon_route"""

    _fields_ = [
        ("optimizer", c_int),  # muon_optimizer_kind optimizer
        ("reason", c_int),  # muon_route_reason reason
    ]


# typedef int32_t (*muon_progress_callback)(uint64_t done, uint64_t total, void *context);
ProgressCallback = CFUNCTYPE(c_int32, c_uint64, c_uint64, c_void_p)


class CheckpointOptions(Structure):
    """muon_checkpoint_options"""

    _fields_ = [
        ("struct_size", c_size_t),  # size_t struct_size
        ("include_data", c_int32),  # int32_t include_data
        ("allow_missing", c_int32),  # int32_t allow_missing
        ("allow_extra", c_int32),  # int32_t allow_extra
        ("progress", ProgressCallback),  # muon_progress_callback progress
        ("progress_context", c_void_p),  # void *progress_context
        ("allow_rewritten", c_int32),  # int32_t allow_rewritten
    ]


# typedef void (*muon_log_callback)(muon_log_level level, const char *message, void *context);
LogCallback = CFUNCTYPE(None, c_int, c_char_p, c_void_p)


class OrthogonalizeOptions(Structure):
    """muon_orthogonalize_options"""

    _fields_ = [
        ("struct_size", c_size_t),  # size_t struct_size
        ("backend", c_int),  # muon_backend backend
        ("backend_steps", c_int32),  # int32_t backend_steps
        ("eps", c_double),  # double eps
        ("precision", c_int),  # muon_precision precision
        ("coefficients", POINTER(Coefficients)),  # const muon_coefficients *coefficients
        ("coefficients_count", c_size_t),  # size_t coefficients_count
        ("method", c_int),  # muon_newton_schulz_method method
    ]


class ParamStatistics(Structure):
    """muon_param_statistics"""

    _fields_ = [
        ("struct_size", c_size_t),  # size_t struct_size
        ("step", c_int64),  # int64_t step
        ("grad_norm", c_double),  # double grad_norm
        ("update_rms", c_double),  # double update_rms
        ("effective_lr", c_double),  # double effective_lr
        ("orthogonality_error", c_double),  # double orthogonality_error
    ]


class OptionRange(Structure):
    """muon_option_range"""

    _fields_ = [
        ("minimum", c_double),  # double minimum
        ("maximum", c_double),  # double maximum
        ("minimum_is_open", c_int32),  # int32_t minimum_is_open
        ("maximum_is_open", c_int32),  # int32_t maximum_is_open
        ("default_value", c_double),  # double default_value
    ]


# (name, result, arguments)
PROTOTYPES: list[tuple[str, Any, list[Any]]] = [
    # ---- Errors
    # const char *muon_last_error(void);
    ("muon_last_error", c_char_p, []),
    # const char *muon_status_name(muon_status status);
    ("muon_status_name", c_char_p, [c_int]),
    # ---- Parameters
    # muon_status muon_view_init(muon_view *outView, size_t struct_size);
    ("muon_view_init", c_int, [POINTER(View), c_size_t]),
    # muon_status muon_param_init(muon_param *outParam, size_t struct_size);
    ("muon_param_init", c_int, [POINTER(Param), c_size_t]),
    # ---- Optimizers
    # muon_status muon_optimizer_create_muon(const muon_muon_options *options,
    #                                        muon_optimizer **outOptimizer);
    ("muon_optimizer_create_muon", c_int, [POINTER(MuonOptions), POINTER(OptimizerHandle)]),
    # muon_status muon_optimizer_create_adamw(const muon_adamw_options *options,
    #                                         muon_optimizer **outOptimizer);
    ("muon_optimizer_create_adamw", c_int, [POINTER(AdamWOptions), POINTER(OptimizerHandle)]),
    # muon_status muon_optimizer_add_param(muon_optimizer *optimizer, int64_t group,
    #                                      const muon_param *param, int64_t *outIndex);
    (
        "muon_optimizer_add_param",
        c_int,
        [OptimizerHandle, c_int64, POINTER(Param), POINTER(c_int64)],
    ),
    # muon_status muon_optimizer_step(muon_optimizer *optimizer);
    ("muon_optimizer_step", c_int, [OptimizerHandle]),
    # muon_status muon_optimizer_step_param(muon_optimizer *optimizer, int64_t param,
    #                                       const void *grad, size_t count);
    ("muon_optimizer_step_param", c_int, [OptimizerHandle, c_int64, c_void_p, c_size_t]),
    # muon_status muon_optimizer_zero_grad(muon_optimizer *optimizer);
    ("muon_optimizer_zero_grad", c_int, [OptimizerHandle]),
    # muon_status muon_optimizer_bind_buffer(muon_optimizer *optimizer, int64_t param,
    #                                        const char *buffer, void *memory, size_t count);
    ("muon_optimizer_bind_buffer", c_int, [OptimizerHandle, c_int64, c_char_p, c_void_p, c_size_t]),
    # muon_status muon_optimizer_destroy(muon_optimizer *optimizer);
    ("muon_optimizer_destroy", c_int, [OptimizerHandle]),
    # muon_status muon_optimizer_get_kind(const muon_optimizer *optimizer,
    #                                     muon_optimizer_kind *outKind);
    ("muon_optimizer_get_kind", c_int, [OptimizerHandle, POINTER(c_int)]),
    # muon_status muon_optimizer_get_group_count(const muon_optimizer *optimizer, size_t *outCount);
    ("muon_optimizer_get_group_count", c_int, [OptimizerHandle, POINTER(c_size_t)]),
    # muon_status muon_optimizer_get_param_count(const muon_optimizer *optimizer, size_t *outCount);
    ("muon_optimizer_get_param_count", c_int, [OptimizerHandle, POINTER(c_size_t)]),
    # muon_status muon_optimizer_find_param(const muon_optimizer *optimizer, const char *name,
    #                                       int64_t *outParam);
    ("muon_optimizer_find_param", c_int, [OptimizerHandle, c_char_p, POINTER(c_int64)]),
    # muon_status muon_optimizer_get_param_name(const muon_optimizer *optimizer, int64_t param,
    #                                           char *outName, size_t capacity, size_t *outCount);
    (
        "muon_optimizer_get_param_name",
        c_int,
        [OptimizerHandle, c_int64, c_char_p, c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_optimizer_get_param_group(const muon_optimizer *optimizer, int64_t param,
    #                                            int64_t *outGroup);
    ("muon_optimizer_get_param_group", c_int, [OptimizerHandle, c_int64, POINTER(c_int64)]),
    # ---- Sets of optimizers
    # muon_status muon_optimizers_step(muon_optimizer *const *optimizers, size_t count);
    ("muon_optimizers_step", c_int, [POINTER(OptimizerHandle), c_size_t]),
    # muon_status muon_optimizers_clip_grad_norm(muon_optimizer *const *optimizers, size_t count,
    #                                            double grad_scale, double max_norm,
    #                                            double *outNorm);
    (
        "muon_optimizers_clip_grad_norm",
        c_int,
        [POINTER(OptimizerHandle), c_size_t, c_double, c_double, POINTER(c_double)],
    ),
    # muon_status muon_optimizers_zero_grad(muon_optimizer *const *optimizers, size_t count);
    ("muon_optimizers_zero_grad", c_int, [POINTER(OptimizerHandle), c_size_t]),
    # muon_status muon_optimizers_set_lr(muon_optimizer *const *optimizers, size_t count,
    #                                    double lr);
    ("muon_optimizers_set_lr", c_int, [POINTER(OptimizerHandle), c_size_t, c_double]),
    # ---- Exchange
    # muon_status muon_exchange_init(muon_exchange *outExchange, size_t struct_size);
    ("muon_exchange_init", c_int, [POINTER(Exchange), c_size_t]),
    # muon_status muon_optimizer_set_exchange(muon_optimizer *optimizer,
    #                                         const muon_exchange *exchange);
    ("muon_optimizer_set_exchange", c_int, [OptimizerHandle, POINTER(Exchange)]),
    # muon_status muon_optimizer_get_owner(const muon_optimizer *optimizer, int64_t param,
    #                                      int32_t *outRank);
    ("muon_optimizer_get_owner", c_int, [OptimizerHandle, c_int64, POINTER(c_int32)]),
    # muon_status muon_optimizer_get_cost(const muon_optimizer *optimizer, int64_t group,
    #                                     const muon_param *param, int64_t *outOperations);
    (
        "muon_optimizer_get_cost",
        c_int,
        [OptimizerHandle, c_int64, POINTER(Param), POINTER(c_int64)],
    ),
    # muon_status muon_plan_owners(const int64_t *costs, size_t count, const int64_t *loads,
    #                              size_t rank_count, int32_t *outOwners, size_t capacity,
    #                              size_t *outCount);
    (
        "muon_plan_owners",
        c_int,
        [
            POINTER(c_int64),
            c_size_t,
            POINTER(c_int64),
            c_size_t,
            POINTER(c_int32),
            c_size_t,
            POINTER(c_size_t),
        ],
    ),
    # ---- Options
    # muon_status muon_muon_options_init(muon_muon_options *outOptions, size_t struct_size);
    ("muon_muon_options_init", c_int, [POINTER(MuonOptions), c_size_t]),
    # muon_status muon_adamw_options_init(muon_adamw_options *outOptions, size_t struct_size);
    ("muon_adamw_options_init", c_int, [POINTER(AdamWOptions), c_size_t]),
    # muon_status muon_optimizer_add_muon_group(muon_optimizer *optimizer,
    #                                           const muon_muon_options *options,
    #                                           const muon_param *params, size_t count,
    #                                           int64_t *outGroup);
    (
        "muon_optimizer_add_muon_group",
        c_int,
        [OptimizerHandle, POINTER(MuonOptions), POINTER(Param), c_size_t, POINTER(c_int64)],
    ),
    # muon_status muon_optimizer_add_adamw_group(muon_optimizer *optimizer,
    #                                            const muon_adamw_options *options,
    #                                            const muon_param *params, size_t count,
    #                                            int64_t *outGroup);
    (
        "muon_optimizer_add_adamw_group",
        c_int,
        [OptimizerHandle, POINTER(AdamWOptions), POINTER(Param), c_size_t, POINTER(c_int64)],
    ),
    # muon_status muon_optimizer_get_muon_options(const muon_optimizer *optimizer, int64_t group,
    #                                             muon_muon_options *outOptions);
    ("muon_optimizer_get_muon_options", c_int, [OptimizerHandle, c_int64, POINTER(MuonOptions)]),
    # muon_status muon_optimizer_set_muon_options(muon_optimizer *optimizer, int64_t group,
    #                                             const muon_muon_options *options);
    ("muon_optimizer_set_muon_options", c_int, [OptimizerHandle, c_int64, POINTER(MuonOptions)]),
    # muon_status muon_optimizer_get_adamw_options(const muon_optimizer *optimizer, int64_t group,
    #                                              muon_adamw_options *outOptions);
    ("muon_optimizer_get_adamw_options", c_int, [OptimizerHandle, c_int64, POINTER(AdamWOptions)]),
    # muon_status muon_optimizer_set_adamw_options(muon_optimizer *optimizer, int64_t group,
    #                                              const muon_adamw_options *options);
    ("muon_optimizer_set_adamw_options", c_int, [OptimizerHandle, c_int64, POINTER(AdamWOptions)]),
    # muon_status muon_optimizer_get_coefficients(const muon_optimizer *optimizer, int64_t group,
    #                                             muon_coefficients *outCoefficients,
    #                                             size_t capacity, size_t *outCount);
    (
        "muon_optimizer_get_coefficients",
        c_int,
        [OptimizerHandle, c_int64, POINTER(Coefficients), c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_optimizer_get_lr(const muon_optimizer *optimizer, int64_t group,
    #                                   double *outLr);
    ("muon_optimizer_get_lr", c_int, [OptimizerHandle, c_int64, POINTER(c_double)]),
    # muon_status muon_optimizer_set_lr(muon_optimizer *optimizer, int64_t group, double lr);
    ("muon_optimizer_set_lr", c_int, [OptimizerHandle, c_int64, c_double]),
    # muon_status muon_optimizer_get_initial_lr(const muon_optimizer *optimizer, int64_t group,
    #                                           double *outLr);
    ("muon_optimizer_get_initial_lr", c_int, [OptimizerHandle, c_int64, POINTER(c_double)]),
    # muon_status muon_optimizer_set_initial_lr(muon_optimizer *optimizer, int64_t group,
    #                                           double lr);
    ("muon_optimizer_set_initial_lr", c_int, [OptimizerHandle, c_int64, c_double]),
    # muon_status muon_optimizer_get_initial_value(const muon_optimizer *optimizer, int64_t group,
    #                                              const char *option, double *outValue);
    (
        "muon_optimizer_get_initial_value",
        c_int,
        [OptimizerHandle, c_int64, c_char_p, POINTER(c_double)],
    ),
    # muon_status muon_optimizer_set_initial_value(muon_optimizer *optimizer, int64_t group,
    #                                              const char *option, double value);
    ("muon_optimizer_set_initial_value", c_int, [OptimizerHandle, c_int64, c_char_p, c_double]),
    # muon_status muon_optimizer_get_grad_scale(const muon_optimizer *optimizer, double *outScale);
    ("muon_optimizer_get_grad_scale", c_int, [OptimizerHandle, POINTER(c_double)]),
    # muon_status muon_optimizer_set_grad_scale(muon_optimizer *optimizer, double scale);
    ("muon_optimizer_set_grad_scale", c_int, [OptimizerHandle, c_double]),
    # muon_status muon_optimizer_get_nonfinite_policy(const muon_optimizer *optimizer,
    #                                                 muon_nonfinite_policy *outPolicy);
    ("muon_optimizer_get_nonfinite_policy", c_int, [OptimizerHandle, POINTER(c_int)]),
    # muon_status muon_optimizer_set_nonfinite_policy(muon_optimizer *optimizer,
    #                                                 muon_nonfinite_policy policy);
    ("muon_optimizer_set_nonfinite_policy", c_int, [OptimizerHandle, c_int]),
    # muon_status muon_optimizer_get_skipped_steps(const muon_optimizer *optimizer,
    #                                              int64_t *outCount);
    ("muon_optimizer_get_skipped_steps", c_int, [OptimizerHandle, POINTER(c_int64)]),
    # ---- State
    # muon_status muon_optimizer_get_buffer(const muon_optimizer *optimizer, int64_t param,
    #                                       const char *buffer, float *outValues, size_t capacity,
    #                                       size_t *outCount);
    (
        "muon_optimizer_get_buffer",
        c_int,
        [OptimizerHandle, c_int64, c_char_p, c_void_p, c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_optimizer_set_buffer(muon_optimizer *optimizer, int64_t param,
    #                                       const char *buffer, const float *values, size_t count);
    ("muon_optimizer_set_buffer", c_int, [OptimizerHandle, c_int64, c_char_p, c_void_p, c_size_t]),
    # muon_status muon_optimizer_get_param_steps(const muon_optimizer *optimizer, int64_t param,
    #                                            int64_t *outSteps);
    ("muon_optimizer_get_param_steps", c_int, [OptimizerHandle, c_int64, POINTER(c_int64)]),
    # muon_status muon_optimizer_set_param_steps(muon_optimizer *optimizer, int64_t param,
    #                                            int64_t steps);
    ("muon_optimizer_set_param_steps", c_int, [OptimizerHandle, c_int64, c_int64]),
    # muon_status muon_optimizer_get_buffer_shape(const muon_optimizer *optimizer, int64_t param,
    #                                             const char *buffer, int64_t *outExtents,
    #                                             size_t capacity, size_t *outCount);
    (
        "muon_optimizer_get_buffer_shape",
        c_int,
        [OptimizerHandle, c_int64, c_char_p, POINTER(c_int64), c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_optimizer_get_buffer_dtype(const muon_optimizer *optimizer, int64_t param,
    #                                             const char *buffer, muon_dtype *outDtype);
    (
        "muon_optimizer_get_buffer_dtype",
        c_int,
        [OptimizerHandle, c_int64, c_char_p, POINTER(c_int)],
    ),
    # muon_status muon_optimizer_get_state_buffers(const muon_optimizer *optimizer, int64_t param,
    #                                              const char **outNames, size_t capacity,
    #                                              size_t *outCount);
    (
        "muon_optimizer_get_state_buffers",
        c_int,
        [OptimizerHandle, c_int64, POINTER(c_char_p), c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_optimizer_get_state_layout(const muon_optimizer *optimizer, int64_t group,
    #                                             const muon_param *param,
    #                                             muon_state_layout *outLayouts, size_t capacity,
    #                                             size_t *outCount);
    (
        "muon_optimizer_get_state_layout",
        c_int,
        [
            OptimizerHandle,
            c_int64,
            POINTER(Param),
            POINTER(StateLayout),
            c_size_t,
            POINTER(c_size_t),
        ],
    ),
    # muon_status muon_optimizer_get_state_bytes(const muon_optimizer *optimizer, size_t *outBytes);
    ("muon_optimizer_get_state_bytes", c_int, [OptimizerHandle, POINTER(c_size_t)]),
    # muon_status muon_optimizer_get_scratch_bytes(const muon_optimizer *optimizer,
    #                                              size_t *outBytes);
    ("muon_optimizer_get_scratch_bytes", c_int, [OptimizerHandle, POINTER(c_size_t)]),
    # ---- Schedules
    # muon_status muon_schedule_create_linear(double start_factor, double end_factor,
    #                                         int64_t total_iters, muon_schedule **outSchedule);
    ("muon_schedule_create_linear", c_int, [c_double, c_double, c_int64, POINTER(ScheduleHandle)]),
    # muon_status muon_schedule_create_constant(double factor, int64_t total_iters,
    #                                           muon_schedule **outSchedule);
    ("muon_schedule_create_constant", c_int, [c_double, c_int64, POINTER(ScheduleHandle)]),
    # muon_status muon_schedule_create_cosine(int64_t t_max, double eta_min,
    #                                         muon_schedule **outSchedule);
    ("muon_schedule_create_cosine", c_int, [c_int64, c_double, POINTER(ScheduleHandle)]),
    # muon_status muon_schedule_create_trapezoid(int64_t warmup_steps, int64_t decay_steps,
    #                                            int64_t total_steps, double start_factor,
    #                                            double end_factor, muon_schedule **outSchedule);
    (
        "muon_schedule_create_trapezoid",
        c_int,
        [c_int64, c_int64, c_int64, c_double, c_double, POINTER(ScheduleHandle)],
    ),
    # muon_status muon_schedule_create_sequential(const muon_schedule *const *schedules,
    #                                             size_t count, const int64_t *milestones,
    #                                             size_t milestone_count,
    #                                             muon_schedule **outSchedule);
    (
        "muon_schedule_create_sequential",
        c_int,
        [POINTER(ScheduleHandle), c_size_t, POINTER(c_int64), c_size_t, POINTER(ScheduleHandle)],
    ),
    # muon_status muon_schedule_create_chained(const muon_schedule *const *schedules, size_t count,
    #                                          muon_schedule **outSchedule);
    (
        "muon_schedule_create_chained",
        c_int,
        [POINTER(ScheduleHandle), c_size_t, POINTER(ScheduleHandle)],
    ),
    # muon_status muon_schedule_get_rate(const muon_schedule *schedule, double base_lr,
    #                                    int64_t step, double *outRate);
    ("muon_schedule_get_rate", c_int, [ScheduleHandle, c_double, c_int64, POINTER(c_double)]),
    # muon_status muon_schedule_destroy(muon_schedule *schedule);
    ("muon_schedule_destroy", c_int, [ScheduleHandle]),
    # muon_status muon_scheduler_create(const muon_schedule *schedule,
    #                                   muon_optimizer *const *optimizers, size_t count,
    #                                   muon_scheduler **outScheduler);
    (
        "muon_scheduler_create",
        c_int,
        [ScheduleHandle, POINTER(OptimizerHandle), c_size_t, POINTER(SchedulerHandle)],
    ),
    # muon_status muon_scheduler_create_for_option(const muon_schedule *schedule,
    #                                              const char *option,
    #                                              muon_optimizer *const *optimizers, size_t count,
    #                                              muon_scheduler **outScheduler);
    (
        "muon_scheduler_create_for_option",
        c_int,
        [ScheduleHandle, c_char_p, POINTER(OptimizerHandle), c_size_t, POINTER(SchedulerHandle)],
    ),
    # muon_status muon_scheduler_step(muon_scheduler *scheduler);
    ("muon_scheduler_step", c_int, [SchedulerHandle]),
    # muon_status muon_scheduler_get_step(const muon_scheduler *scheduler, int64_t *outStep);
    ("muon_scheduler_get_step", c_int, [SchedulerHandle, POINTER(c_int64)]),
    # muon_status muon_scheduler_set_step(muon_scheduler *scheduler, int64_t step);
    ("muon_scheduler_set_step", c_int, [SchedulerHandle, c_int64]),
    # muon_status muon_scheduler_get_last_lr(const muon_scheduler *scheduler, double *outRates,
    #                                        size_t capacity, size_t *outCount);
    (
        "muon_scheduler_get_last_lr",
        c_int,
        [SchedulerHandle, POINTER(c_double), c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_scheduler_destroy(muon_scheduler *scheduler);
    ("muon_scheduler_destroy", c_int, [SchedulerHandle]),
    # ---- Builders
    # const char *muon_route_reason_text(muon_route_reason reason);
    ("muon_route_reason_text", c_char_p, [c_int]),
    # muon_status muon_config_route_params(const char *config, const muon_param *params,
    #                                      size_t count, muon_route *outRoutes, size_t capacity,
    #                                      size_t *outCount);
    (
        "muon_config_route_params",
        c_int,
        [c_char_p, POINTER(Param), c_size_t, POINTER(Route), c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_config_match_rules(const char *config, const muon_param *params,
    #                                     size_t count, int64_t *outRules, size_t capacity,
    #                                     size_t *outCount);
    (
        "muon_config_match_rules",
        c_int,
        [c_char_p, POINTER(Param), c_size_t, POINTER(c_int64), c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_config_build_optimizers(const char *config, const muon_param *params,
    #                                          size_t count, muon_optimizer **outOptimizers,
    #                                          size_t capacity, size_t *outCount);
    (
        "muon_config_build_optimizers",
        c_int,
        [c_char_p, POINTER(Param), c_size_t, POINTER(OptimizerHandle), c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_config_build_schedulers(const char *config,
    #                                          muon_optimizer *const *optimizers, size_t count,
    #                                          int64_t batches_per_epoch,
    #                                          muon_scheduler **outSchedulers, size_t capacity,
    #                                          size_t *outCount);
    (
        "muon_config_build_schedulers",
        c_int,
        [
            c_char_p,
            POINTER(OptimizerHandle),
            c_size_t,
            c_int64,
            POINTER(SchedulerHandle),
            c_size_t,
            POINTER(c_size_t),
        ],
    ),
    # ---- Checkpoints
    # muon_status muon_checkpoint_options_init(muon_checkpoint_options *outOptions,
    #                                          size_t struct_size);
    ("muon_checkpoint_options_init", c_int, [POINTER(CheckpointOptions), c_size_t]),
    # muon_status muon_checkpoint_save(const char *path, muon_optimizer *const *optimizers,
    #                                  size_t optimizer_count, muon_scheduler *const *schedulers,
    #                                  size_t scheduler_count,
    #                                  const muon_checkpoint_options *options);
    (
        "muon_checkpoint_save",
        c_int,
        [
            c_char_p,
            POINTER(OptimizerHandle),
            c_size_t,
            POINTER(SchedulerHandle),
            c_size_t,
            POINTER(CheckpointOptions),
        ],
    ),
    # muon_status muon_checkpoint_load(const char *path, muon_optimizer *const *optimizers,
    #                                  size_t optimizer_count, muon_scheduler *const *schedulers,
    #                                  size_t scheduler_count,
    #                                  const muon_checkpoint_options *options);
    (
        "muon_checkpoint_load",
        c_int,
        [
            c_char_p,
            POINTER(OptimizerHandle),
            c_size_t,
            POINTER(SchedulerHandle),
            c_size_t,
            POINTER(CheckpointOptions),
        ],
    ),
    # muon_status muon_checkpoint_save_memory(muon_optimizer *const *optimizers,
    #                                         size_t optimizer_count,
    #                                         muon_scheduler *const *schedulers,
    #                                         size_t scheduler_count,
    #                                         const muon_checkpoint_options *options,
    #                                         void *outBytes, size_t capacity, size_t *outSize);
    (
        "muon_checkpoint_save_memory",
        c_int,
        [
            POINTER(OptimizerHandle),
            c_size_t,
            POINTER(SchedulerHandle),
            c_size_t,
            POINTER(CheckpointOptions),
            c_void_p,
            c_size_t,
            POINTER(c_size_t),
        ],
    ),
    # muon_status muon_checkpoint_load_memory(const void *data, size_t size,
    #                                         muon_optimizer *const *optimizers,
    #                                         size_t optimizer_count,
    #                                         muon_scheduler *const *schedulers,
    #                                         size_t scheduler_count,
    #                                         const muon_checkpoint_options *options);
    (
        "muon_checkpoint_load_memory",
        c_int,
        [
            c_void_p,
            c_size_t,
            POINTER(OptimizerHandle),
            c_size_t,
            POINTER(SchedulerHandle),
            c_size_t,
            POINTER(CheckpointOptions),
        ],
    ),
    # ---- Log
    # muon_status muon_set_log_callback(muon_log_level level, muon_log_callback callback,
    #                                   void *context);
    ("muon_set_log_callback", c_int, [c_int, LogCallback, c_void_p]),
    # ---- Orthogonalization
    # muon_status muon_orthogonalize_options_init(muon_orthogonalize_options *outOptions,
    #                                             size_t struct_size);
    ("muon_orthogonalize_options_init", c_int, [POINTER(OrthogonalizeOptions), c_size_t]),
    # muon_status muon_orthogonalize(const float *g, size_t g_count, int64_t rows, int64_t cols,
    #                                const muon_orthogonalize_options *options, float *outMatrix,
    #                                size_t out_count);
    (
        "muon_orthogonalize",
        c_int,
        [c_void_p, c_size_t, c_int64, c_int64, POINTER(OrthogonalizeOptions), c_void_p, c_size_t],
    ),
    # muon_status muon_orthogonalize_batch(const float *g, size_t g_count, int64_t batch,
    #                                      int64_t rows, int64_t cols,
    #                                      const muon_orthogonalize_options *options,
    #                                      float *outMatrices, size_t out_count);
    (
        "muon_orthogonalize_batch",
        c_int,
        [
            c_void_p,
            c_size_t,
            c_int64,
            c_int64,
            c_int64,
            POINTER(OrthogonalizeOptions),
            c_void_p,
            c_size_t,
        ],
    ),
    # muon_status muon_backend_get_coefficients(muon_backend backend, int32_t backend_steps,
    #                                           muon_coefficients *outCoefficients, size_t capacity,
    #                                           size_t *outCount);
    (
        "muon_backend_get_coefficients",
        c_int,
        [c_int, c_int32, POINTER(Coefficients), c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_shape_scale_get_factor(muon_shape_scale scale, int64_t rows, int64_t cols,
    #                                         double *outFactor);
    ("muon_shape_scale_get_factor", c_int, [c_int, c_int64, c_int64, POINTER(c_double)]),
    # ---- Statistics
    # muon_status muon_param_statistics_init(muon_param_statistics *outStatistics,
    #                                        size_t struct_size);
    ("muon_param_statistics_init", c_int, [POINTER(ParamStatistics), c_size_t]),
    # muon_status muon_optimizer_set_statistics_level(muon_optimizer *optimizer,
    #                                                 muon_statistics_level statistics);
    ("muon_optimizer_set_statistics_level", c_int, [OptimizerHandle, c_int]),
    # muon_status muon_optimizer_get_statistics_level(const muon_optimizer *optimizer,
    #                                                 muon_statistics_level *outStatistics);
    ("muon_optimizer_get_statistics_level", c_int, [OptimizerHandle, POINTER(c_int)]),
    # muon_status muon_optimizer_get_param_statistics(const muon_optimizer *optimizer,
    #                                                 int64_t param,
    #                                                 muon_param_statistics *outStatistics);
    (
        "muon_optimizer_get_param_statistics",
        c_int,
        [OptimizerHandle, c_int64, POINTER(ParamStatistics)],
    ),
    # ---- Names
    # const char *muon_backend_name(muon_backend backend);
    ("muon_backend_name", c_char_p, [c_int]),
    # const char *muon_precision_name(muon_precision precision);
    ("muon_precision_name", c_char_p, [c_int]),
    # const char *muon_newton_schulz_method_name(muon_newton_schulz_method method);
    ("muon_newton_schulz_method_name", c_char_p, [c_int]),
    # const char *muon_momentum_style_name(muon_momentum_style style);
    ("muon_momentum_style_name", c_char_p, [c_int]),
    # const char *muon_shape_scale_name(muon_shape_scale scale);
    ("muon_shape_scale_name", c_char_p, [c_int]),
    # const char *muon_second_moment_name(muon_second_moment moment);
    ("muon_second_moment_name", c_char_p, [c_int]),
    # const char *muon_nonfinite_policy_name(muon_nonfinite_policy policy);
    ("muon_nonfinite_policy_name", c_char_p, [c_int]),
    # const char *muon_statistics_level_name(muon_statistics_level level);
    ("muon_statistics_level_name", c_char_p, [c_int]),
    # const char *muon_log_level_name(muon_log_level level);
    ("muon_log_level_name", c_char_p, [c_int]),
    # const char *muon_optimizer_kind_name(muon_optimizer_kind kind);
    ("muon_optimizer_kind_name", c_char_p, [c_int]),
    # const char *muon_dtype_name(muon_dtype dtype);
    ("muon_dtype_name", c_char_p, [c_int]),
    # const char *muon_master_name(muon_master master);
    ("muon_master_name", c_char_p, [c_int]),
    # muon_status muon_backend_from_name(const char *name, muon_backend *outBackend);
    ("muon_backend_from_name", c_int, [c_char_p, POINTER(c_int)]),
    # muon_status muon_precision_from_name(const char *name, muon_precision *outPrecision);
    ("muon_precision_from_name", c_int, [c_char_p, POINTER(c_int)]),
    # muon_status muon_newton_schulz_method_from_name(const char *name,
    #                                                 muon_newton_schulz_method *outMethod);
    ("muon_newton_schulz_method_from_name", c_int, [c_char_p, POINTER(c_int)]),
    # muon_status muon_momentum_style_from_name(const char *name, muon_momentum_style *outStyle);
    ("muon_momentum_style_from_name", c_int, [c_char_p, POINTER(c_int)]),
    # muon_status muon_shape_scale_from_name(const char *name, muon_shape_scale *outScale);
    ("muon_shape_scale_from_name", c_int, [c_char_p, POINTER(c_int)]),
    # muon_status muon_second_moment_from_name(const char *name, muon_second_moment *outMoment);
    ("muon_second_moment_from_name", c_int, [c_char_p, POINTER(c_int)]),
    # muon_status muon_nonfinite_policy_from_name(const char *name,
    #                                             muon_nonfinite_policy *outPolicy);
    ("muon_nonfinite_policy_from_name", c_int, [c_char_p, POINTER(c_int)]),
    # muon_status muon_statistics_level_from_name(const char *name,
    #                                             muon_statistics_level *outLevel);
    ("muon_statistics_level_from_name", c_int, [c_char_p, POINTER(c_int)]),
    # muon_status muon_log_level_from_name(const char *name, muon_log_level *outLevel);
    ("muon_log_level_from_name", c_int, [c_char_p, POINTER(c_int)]),
    # muon_status muon_option_get_range(muon_optimizer_kind kind, const char *name,
    #                                   muon_option_range *outRange);
    ("muon_option_get_range", c_int, [c_int, c_char_p, POINTER(OptionRange)]),
    # ---- Library
    # uint32_t muon_version_number(void);
    ("muon_version_number", c_uint32, []),
    # const char *muon_version_string(void);
    ("muon_version_string", c_char_p, []),
    # const char *muon_build_info(void);
    ("muon_build_info", c_char_p, []),
    # muon_status muon_set_num_threads(int32_t count);
    ("muon_set_num_threads", c_int, [c_int32]),
    # int32_t muon_get_num_threads(void);
    ("muon_get_num_threads", c_int32, []),
]
