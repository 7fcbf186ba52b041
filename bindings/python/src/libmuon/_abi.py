"""muon.h for ctypes: its structs, then every function in the header's order."""

from __future__ import annotations

from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_int, c_int32, c_int64
from ctypes import c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any


# Handles are distinct types, so that ctypes refuses one where another is expected.
class OptimizerHandle(c_void_p):
    """muon_optimizer *"""


class ScheduleHandle(c_void_p):
    """muon_schedule *"""


class SchedulerHandle(c_void_p):
    """muon_scheduler *"""


class Coefficients(Structure):
    """muon_coefficients"""

    _fields_ = [("a", c_double), ("b", c_double), ("c", c_double)]


class OrthogonalizeOptions(Structure):
    """muon_orthogonalize_options"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("backend", c_int),
        ("backend_steps", c_int32),
        ("eps", c_double),
        ("precision", c_int),
        ("coefficients", POINTER(Coefficients)),
        ("coefficients_count", c_size_t),
        ("method", c_int),
    ]


class Param(Structure):
    """muon_param"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("dtype", c_int),
        ("requires_grad", c_int32),
        ("ndim", c_int32),
        ("shape", POINTER(c_int64)),
        ("data", c_void_p),
        ("data_count", c_size_t),
        ("grad", c_void_p),
        ("grad_count", c_size_t),
        ("state", c_void_p * 2),
        ("state_count", c_size_t * 2),
    ]


class MuonOptions(Structure):
    """muon_muon_options"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("momentum", c_double),
        ("weight_decay", c_double),
        ("eps", c_double),
        ("nesterov", c_int32),
        ("momentum_style", c_int),
        ("shape_scale", c_int),
        ("backend", c_int),
        ("backend_steps", c_int32),
        ("precision", c_int),
        ("coefficients", POINTER(Coefficients)),
        ("coefficients_count", c_size_t),
        ("method", c_int),
    ]


class AdamWOptions(Structure):
    """muon_adamw_options"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("eps", c_double),
        ("weight_decay", c_double),
    ]


class Route(Structure):
    """muon_route"""

    _fields_ = [("optimizer", c_int), ("reason", c_int)]


# muon_checkpoint_progress
CheckpointProgress = CFUNCTYPE(c_int32, c_void_p, c_uint64, c_uint64)


class CheckpointOptions(Structure):
    """muon_checkpoint_options"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("include_data", c_int32),
        ("allow_missing", c_int32),
        ("allow_extra", c_int32),
        ("progress", CheckpointProgress),
        ("progress_context", c_void_p),
    ]

class ParamStatistics(Structure):
    """muon_param_statistics"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("step", c_int64),
        ("grad_norm", c_double),
        ("update_rms", c_double),
        ("effective_lr", c_double),
        ("orthogonality_error", c_double),
    ]


# typedef void (*muon_log_callback)(muon_log_level level, const char *message, void *user_data);
LogCallback = CFUNCTYPE(None, c_int, c_char_p, c_void_p)


# float * and void * are addresses of numpy memory, passed as plain integers.
floats_p = c_void_p
memory_p = c_void_p
enum = c_int
status = c_int

# The optimizers and schedulers of a checkpoint, and its options.
RUN: list[Any] = [
    POINTER(OptimizerHandle),
    c_size_t,
    POINTER(SchedulerHandle),
    c_size_t,
    POINTER(CheckpointOptions),
]

# (name, result, arguments)
PROTOTYPES: list[tuple[str, Any, list[Any]]] = [
    # ---- Version, status, threads
    # uint32_t muon_version_number(void);
    ("muon_version_number", c_uint32, []),
    # const char *muon_build_info(void);
    ("muon_build_info", c_char_p, []),
    # const char *muon_last_error(void);
    ("muon_last_error", c_char_p, []),
    # const char *muon_status_name(muon_status status);
    ("muon_status_name", c_char_p, [enum]),
    # muon_status muon_set_num_threads(int32_t count);
    ("muon_set_num_threads", status, [c_int32]),
    # int32_t muon_get_num_threads(void);
    ("muon_get_num_threads", c_int32, []),
    # ---- Orthogonalization
    # muon_status muon_orthogonalize_options_init(muon_orthogonalize_options *outOptions,
    #                                             size_t struct_size);
    ("muon_orthogonalize_options_init", status, [POINTER(OrthogonalizeOptions), c_size_t]),
    # muon_status muon_orthogonalize(const float *g, size_t g_count, int64_t rows, int64_t cols,
    #                                const muon_orthogonalize_options *options, float *out,
    #                                size_t out_count);
    (
        "muon_orthogonalize",
        status,
        [floats_p, c_size_t, c_int64, c_int64, POINTER(OrthogonalizeOptions), floats_p, c_size_t],
    ),
    # muon_status muon_backend_get_coefficients(muon_backend backend, int32_t backend_steps,
    #                                           muon_coefficients *out, size_t capacity,
    #                                           size_t *outCount);
    (
        "muon_backend_get_coefficients",
        status,
        [enum, c_int32, POINTER(Coefficients), c_size_t, POINTER(c_size_t)],
    ),
    # ---- Parameters
    # muon_status muon_param_init(muon_param *outParam, size_t struct_size);
    ("muon_param_init", status, [POINTER(Param), c_size_t]),
    # ---- Optimizers
    # muon_status muon_muon_options_init(muon_muon_options *outOptions, size_t struct_size);
    ("muon_muon_options_init", status, [POINTER(MuonOptions), c_size_t]),
    # muon_status muon_adamw_options_init(muon_adamw_options *outOptions, size_t struct_size);
    ("muon_adamw_options_init", status, [POINTER(AdamWOptions), c_size_t]),
    # muon_status muon_muon_create(const muon_muon_options *options, muon_optimizer **outOptimizer);
    ("muon_muon_create", status, [POINTER(MuonOptions), POINTER(OptimizerHandle)]),
    # muon_status muon_adamw_create(const muon_adamw_options *options,
    #                               muon_optimizer **outOptimizer);
    ("muon_adamw_create", status, [POINTER(AdamWOptions), POINTER(OptimizerHandle)]),
    # muon_status muon_muon_add_group(muon_optimizer *optimizer, const muon_muon_options *options,
    #                                 const muon_param *params, size_t count, int64_t *outGroup);
    (
        "muon_muon_add_group",
        status,
        [OptimizerHandle, POINTER(MuonOptions), POINTER(Param), c_size_t, POINTER(c_int64)],
    ),
    # muon_status muon_adamw_add_group(muon_optimizer *optimizer, const muon_adamw_options *options,
    #                                  const muon_param *params, size_t count, int64_t *outGroup);
    (
        "muon_adamw_add_group",
        status,
        [OptimizerHandle, POINTER(AdamWOptions), POINTER(Param), c_size_t, POINTER(c_int64)],
    ),
    # muon_status muon_optimizer_destroy(muon_optimizer *optimizer);
    ("muon_optimizer_destroy", status, [OptimizerHandle]),
    # muon_status muon_optimizer_get_kind(const muon_optimizer *optimizer,
    #                                     muon_optimizer_kind *outKind);
    ("muon_optimizer_get_kind", status, [OptimizerHandle, POINTER(enum)]),
    # muon_status muon_optimizer_get_group_count(const muon_optimizer *optimizer,
    #                                            int64_t *outCount);
    ("muon_optimizer_get_group_count", status, [OptimizerHandle, POINTER(c_int64)]),
    # muon_status muon_optimizer_get_param_count(const muon_optimizer *optimizer,
    #                                            int64_t *outCount);
    ("muon_optimizer_get_param_count", status, [OptimizerHandle, POINTER(c_int64)]),
    # muon_status muon_optimizer_add_param(muon_optimizer *optimizer, int64_t group,
    #                                      const muon_param *param, int64_t *outIndex);
    (
        "muon_optimizer_add_param",
        status,
        [OptimizerHandle, c_int64, POINTER(Param), POINTER(c_int64)],
    ),
    # muon_status muon_optimizer_bind(muon_optimizer *optimizer, int64_t param, muon_buffer buffer,
    #                                 void *memory, size_t count);
    ("muon_optimizer_bind", status, [OptimizerHandle, c_int64, enum, memory_p, c_size_t]),
    # muon_status muon_optimizer_step(muon_optimizer *optimizer);
    ("muon_optimizer_step", status, [OptimizerHandle]),
    # muon_status muon_optimizer_zero_grad(muon_optimizer *optimizer);
    ("muon_optimizer_zero_grad", status, [OptimizerHandle]),
    # muon_status muon_muon_get_options(const muon_optimizer *optimizer, int64_t group,
    #                                   muon_muon_options *outOptions);
    ("muon_muon_get_options", status, [OptimizerHandle, c_int64, POINTER(MuonOptions)]),
    # muon_status muon_muon_set_options(muon_optimizer *optimizer, int64_t group,
    #                                   const muon_muon_options *options);
    ("muon_muon_set_options", status, [OptimizerHandle, c_int64, POINTER(MuonOptions)]),
    # muon_status muon_adamw_get_options(const muon_optimizer *optimizer, int64_t group,
    #                                    muon_adamw_options *outOptions);
    ("muon_adamw_get_options", status, [OptimizerHandle, c_int64, POINTER(AdamWOptions)]),
    # muon_status muon_adamw_set_options(muon_optimizer *optimizer, int64_t group,
    #                                    const muon_adamw_options *options);
    ("muon_adamw_set_options", status, [OptimizerHandle, c_int64, POINTER(AdamWOptions)]),
    # muon_status muon_muon_get_coefficients(const muon_optimizer *optimizer, int64_t group,
    #                                        muon_coefficients *out, size_t capacity,
    #                                        size_t *outCount);
    (
        "muon_muon_get_coefficients",
        status,
        [OptimizerHandle, c_int64, POINTER(Coefficients), c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_optimizer_get_lr(const muon_optimizer *optimizer, int64_t group,
    #                                   double *outLr);
    ("muon_optimizer_get_lr", status, [OptimizerHandle, c_int64, POINTER(c_double)]),
    # muon_status muon_optimizer_set_lr(muon_optimizer *optimizer, int64_t group, double lr);
    ("muon_optimizer_set_lr", status, [OptimizerHandle, c_int64, c_double]),
    # muon_status muon_optimizer_get_initial_lr(const muon_optimizer *optimizer, int64_t group,
    #                                           double *outLr);
    ("muon_optimizer_get_initial_lr", status, [OptimizerHandle, c_int64, POINTER(c_double)]),
    # muon_status muon_optimizer_set_initial_lr(muon_optimizer *optimizer, int64_t group,
    #                                           double lr);
    ("muon_optimizer_set_initial_lr", status, [OptimizerHandle, c_int64, c_double]),
    # muon_status muon_optimizer_get_nonfinite_policy(const muon_optimizer *optimizer,
    #                                                 muon_nonfinite_policy *outPolicy);
    ("muon_optimizer_get_nonfinite_policy", status, [OptimizerHandle, POINTER(enum)]),
    # muon_status muon_optimizer_set_nonfinite_policy(muon_optimizer *optimizer,
    #                                                 muon_nonfinite_policy policy);
    ("muon_optimizer_set_nonfinite_policy", status, [OptimizerHandle, enum]),
    # muon_status muon_optimizer_get_skipped_steps(const muon_optimizer *optimizer,
    #                                              int64_t *outCount);
    ("muon_optimizer_get_skipped_steps", status, [OptimizerHandle, POINTER(c_int64)]),
    # muon_status muon_optimizer_get_scratch_bytes(const muon_optimizer *optimizer,
    #                                              size_t *outBytes);
    ("muon_optimizer_get_scratch_bytes", status, [OptimizerHandle, POINTER(c_size_t)]),
    # muon_status muon_optimizer_get_buffer_count(const muon_optimizer *optimizer, int64_t param,
    #                                             muon_buffer buffer, size_t *outCount);
    (
        "muon_optimizer_get_buffer_count",
        status,
        [OptimizerHandle, c_int64, enum, POINTER(c_size_t)],
    ),
    # muon_status muon_optimizer_get_buffer(const muon_optimizer *optimizer, int64_t param,
    #                                       muon_buffer buffer, float *out, size_t count);
    ("muon_optimizer_get_buffer", status, [OptimizerHandle, c_int64, enum, floats_p, c_size_t]),
    # muon_status muon_optimizer_set_buffer(muon_optimizer *optimizer, int64_t param,
    #                                       muon_buffer buffer, const float *values,
    #                                       size_t count);
    ("muon_optimizer_set_buffer", status, [OptimizerHandle, c_int64, enum, floats_p, c_size_t]),
    # muon_status muon_optimizer_get_param_steps(const muon_optimizer *optimizer, int64_t param,
    #                                            int64_t *outSteps);
    ("muon_optimizer_get_param_steps", status, [OptimizerHandle, c_int64, POINTER(c_int64)]),
    # muon_status muon_optimizer_set_param_steps(muon_optimizer *optimizer, int64_t param,
    #                                            int64_t steps);
    ("muon_optimizer_set_param_steps", status, [OptimizerHandle, c_int64, c_int64]),
    # ---- Learning-rate schedules
    # muon_status muon_schedule_create_linear(double start_factor, double end_factor,
    #                                         int64_t total_iters, muon_schedule **outSchedule);
    (
        "muon_schedule_create_linear",
        status,
        [c_double, c_double, c_int64, POINTER(ScheduleHandle)],
    ),
    # muon_status muon_schedule_create_constant(double factor, int64_t total_iters,
    #                                           muon_schedule **outSchedule);
    ("muon_schedule_create_constant", status, [c_double, c_int64, POINTER(ScheduleHandle)]),
    # muon_status muon_schedule_create_cosine(int64_t t_max, double eta_min,
    #                                         muon_schedule **outSchedule);
    ("muon_schedule_create_cosine", status, [c_int64, c_double, POINTER(ScheduleHandle)]),
    # muon_status muon_schedule_create_trapezoid(int64_t warmup_steps, int64_t decay_steps,
    #                                            int64_t total_steps, double start_factor,
    #                                            double end_factor, muon_schedule **outSchedule);
    (
        "muon_schedule_create_trapezoid",
        status,
        [c_int64, c_int64, c_int64, c_double, c_double, POINTER(ScheduleHandle)],
    ),
    # muon_status muon_schedule_create_sequential(const muon_schedule *const *schedules,
    #                                             size_t count, const int64_t *milestones,
    #                                             size_t milestone_count,
    #                                             muon_schedule **outSchedule);
    (
        "muon_schedule_create_sequential",
        status,
        [POINTER(ScheduleHandle), c_size_t, POINTER(c_int64), c_size_t, POINTER(ScheduleHandle)],
    ),
    # muon_status muon_schedule_create_chained(const muon_schedule *const *schedules, size_t count,
    #                                          muon_schedule **outSchedule);
    (
        "muon_schedule_create_chained",
        status,
        [POINTER(ScheduleHandle), c_size_t, POINTER(ScheduleHandle)],
    ),
    # muon_status muon_schedule_get_rate(const muon_schedule *schedule, double base_lr,
    #                                    int64_t step, double *outRate);
    ("muon_schedule_get_rate", status, [ScheduleHandle, c_double, c_int64, POINTER(c_double)]),
    # muon_status muon_schedule_destroy(muon_schedule *schedule);
    ("muon_schedule_destroy", status, [ScheduleHandle]),
    # muon_status muon_scheduler_create(const muon_schedule *schedule,
    #                                   muon_optimizer *const *optimizers, size_t count,
    #                                   muon_scheduler **outScheduler);
    (
        "muon_scheduler_create",
        status,
        [ScheduleHandle, POINTER(OptimizerHandle), c_size_t, POINTER(SchedulerHandle)],
    ),
    # muon_status muon_scheduler_step(muon_scheduler *scheduler);
    ("muon_scheduler_step", status, [SchedulerHandle]),
    # muon_status muon_scheduler_get_step(const muon_scheduler *scheduler, int64_t *outStep);
    ("muon_scheduler_get_step", status, [SchedulerHandle, POINTER(c_int64)]),
    # muon_status muon_scheduler_set_step(muon_scheduler *scheduler, int64_t step);
    ("muon_scheduler_set_step", status, [SchedulerHandle, c_int64]),
    # muon_status muon_scheduler_get_last_lr(const muon_scheduler *scheduler, double *out,
    #                                        size_t capacity, size_t *outCount);
    (
        "muon_scheduler_get_last_lr",
        status,
        [SchedulerHandle, POINTER(c_double), c_size_t, POINTER(c_size_t)],
    ),
    # muon_status muon_scheduler_destroy(muon_scheduler *scheduler);
    ("muon_scheduler_destroy", status, [SchedulerHandle]),
    # ---- Builders
    # const char *muon_route_reason_text(muon_route_reason reason);
    ("muon_route_reason_text", c_char_p, [enum]),
    # muon_status muon_route_params(const char *config, const muon_param *params, size_t count,
    #                               muon_route *out);
    ("muon_route_params", status, [c_char_p, POINTER(Param), c_size_t, POINTER(Route)]),
    # muon_status muon_build_optimizers(const char *config, const muon_param *params, size_t count,
    #                                   muon_optimizer **out, size_t *outCount);
    (
        "muon_build_optimizers",
        status,
        [c_char_p, POINTER(Param), c_size_t, POINTER(OptimizerHandle), POINTER(c_size_t)],
    ),
    # muon_status muon_build_schedulers(const char *config, muon_optimizer *const *optimizers,
    #                                   size_t count, int64_t batches_per_epoch,
    #                                   muon_scheduler **out);
    (
        "muon_build_schedulers",
        status,
        [c_char_p, POINTER(OptimizerHandle), c_size_t, c_int64, POINTER(SchedulerHandle)],
    ),
    # ---- Checkpoints
    # muon_status muon_checkpoint_options_init(muon_checkpoint_options *outOptions,
    #                                          size_t struct_size);
    ("muon_checkpoint_options_init", status, [POINTER(CheckpointOptions), c_size_t]),
    # muon_status muon_checkpoint_save(const char *path, muon_optimizer *const *optimizers,
    #                                  size_t optimizer_count, muon_scheduler *const *schedulers,
    #                                  size_t scheduler_count,
    #                                  const muon_checkpoint_options *options);
    ("muon_checkpoint_save", status, [c_char_p, *RUN]),
    # muon_status muon_checkpoint_load(const char *path, muon_optimizer *const *optimizers,
    #                                  size_t optimizer_count, muon_scheduler *const *schedulers,
    #                                  size_t scheduler_count,
    #                                  const muon_checkpoint_options *options);
    ("muon_checkpoint_load", status, [c_char_p, *RUN]),
    # muon_status muon_checkpoint_get_size(muon_optimizer *const *optimizers,
    #                                      size_t optimizer_count,
    #                                      muon_scheduler *const *schedulers,
    #                                      size_t scheduler_count,
    #                                      const muon_checkpoint_options *options,
    #                                      size_t *outSize);
    ("muon_checkpoint_get_size", status, [*RUN, POINTER(c_size_t)]),
    # muon_status muon_checkpoint_save_memory(void *out, size_t capacity,
    #                                         muon_optimizer *const *optimizers,
    #                                         size_t optimizer_count,
    #                                         muon_scheduler *const *schedulers,
    #                                         size_t scheduler_count,
    #                                         const muon_checkpoint_options *options,
    #                                         size_t *outSize);
    ("muon_checkpoint_save_memory", status, [memory_p, c_size_t, *RUN, POINTER(c_size_t)]),
    # muon_status muon_checkpoint_load_memory(const void *data, size_t size,
    #                                         muon_optimizer *const *optimizers,
    #                                         size_t optimizer_count,
    #                                         muon_scheduler *const *schedulers,
    #                                         size_t scheduler_count,
    #                                         const muon_checkpoint_options *options);
    ("muon_checkpoint_load_memory", status, [memory_p, c_size_t, *RUN]),
    # ---- Statistics and log
    # muon_status muon_optimizer_set_statistics(muon_optimizer *optimizer,
    #                                           muon_statistics statistics);
    ("muon_optimizer_set_statistics", status, [OptimizerHandle, enum]),
    # muon_status muon_optimizer_get_statistics(const muon_optimizer *optimizer,
    #                                           muon_statistics *outStatistics);
    ("muon_optimizer_get_statistics", status, [OptimizerHandle, POINTER(enum)]),
    # muon_status muon_param_statistics_init(muon_param_statistics *outStatistics,
    #                                        size_t struct_size);
    ("muon_param_statistics_init", status, [POINTER(ParamStatistics), c_size_t]),
    # muon_status muon_optimizer_get_param_statistics(const muon_optimizer *optimizer,
    #                                                 int64_t param,
    #                                                 muon_param_statistics *outStatistics);
    (
        "muon_optimizer_get_param_statistics",
        status,
        [OptimizerHandle, c_int64, POINTER(ParamStatistics)],
    ),
    # muon_status muon_set_log_callback(muon_log_callback callback, void *user_data,
    #                                   muon_log_level level);
    ("muon_set_log_callback", status, [LogCallback, c_void_p, enum]),
]
