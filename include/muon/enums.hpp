// Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
/// The enums of muon.h as scoped ones. muon.h says what each value means.
#ifndef MUON_ENUMS_HPP
#define MUON_ENUMS_HPP

#include <muon.h>

namespace muon {

/// muon_status
enum class Status : int {
  ok = MUON_OK,
  invalid_argument = MUON_ERR_INVALID_ARGUMENT,
  invalid_handle = MUON_ERR_INVALID_HANDLE,
  shape = MUON_ERR_SHAPE,
  dtype = MUON_ERR_DTYPE,
  config = MUON_ERR_CONFIG,
  out_of_memory = MUON_ERR_OUT_OF_MEMORY,
  nonfinite_gradient = MUON_ERR_NONFINITE_GRADIENT,
  unsupported = MUON_ERR_UNSUPPORTED,
  not_converged = MUON_ERR_NOT_CONVERGED,
  internal = MUON_ERR_INTERNAL,
  io = MUON_ERR_IO,
  corrupt = MUON_ERR_CORRUPT,
  mismatch = MUON_ERR_MISMATCH,
  cancelled = MUON_ERR_CANCELLED,
  exchange = MUON_ERR_EXCHANGE,
};

/// muon_dtype: The type of the elements of a buffer.
enum class DType : int {
  f32 = MUON_DTYPE_F32,
  bf16 = MUON_DTYPE_BF16,
  f16 = MUON_DTYPE_F16,
  f64 = MUON_DTYPE_F64,
  not_float = MUON_DTYPE_NOT_FLOAT,
  i16 = MUON_DTYPE_I16,
};

/// muon_master: What the state keeps of a BF16 or F16 parameter, so that updates are not lost that
/// are smaller than half of the distance between two of its numbers: docs/half-precision.md.
enum class Master : int {
  f32 = MUON_MASTER_F32,
  none = MUON_MASTER_NONE,
  remainder = MUON_MASTER_REMAINDER,
};

/// muon_optimizer_kind: What kind of optimizer there is.
enum class OptimizerKind : int {
  none = MUON_OPTIMIZER_KIND_NONE,
  muon = MUON_OPTIMIZER_KIND_MUON,
  adamw = MUON_OPTIMIZER_KIND_ADAMW,
};

/// muon_backend: How a matrix G is replaced by an orthogonal one.
enum class Backend : int {
  newtonschulz5 = MUON_BACKEND_NEWTONSCHULZ5,
  svd = MUON_BACKEND_SVD,
  polar_express = MUON_BACKEND_POLAR_EXPRESS,
  you = MUON_BACKEND_YOU,
  cans = MUON_BACKEND_CANS,
  deepseekv4 = MUON_BACKEND_DEEPSEEKV4,
  cubic5 = MUON_BACKEND_CUBIC5,
  turbo = MUON_BACKEND_TURBO,
  orthogonalize = MUON_BACKEND_ORTHOGONALIZE,
  custom = MUON_BACKEND_CUSTOM,
};

/// muon_precision: What operands of the matrix products are rounded to; sums and storage are
/// float32 in all.
enum class Precision : int {
  automatic = MUON_PRECISION_AUTO,  // auto is a keyword
  f32 = MUON_PRECISION_F32,
  bf16 = MUON_PRECISION_BF16,
  int16 = MUON_PRECISION_INT16,
  int8 = MUON_PRECISION_INT8,
};

/// muon_newton_schulz_method: How the polynomial of a backend is evaluated.
enum class NewtonSchulzMethod : int {
  automatic = MUON_NEWTON_SCHULZ_METHOD_AUTO,  // auto is a keyword
  standard = MUON_NEWTON_SCHULZ_METHOD_STANDARD,
  gram = MUON_NEWTON_SCHULZ_METHOD_GRAM,
};

/// muon_momentum_style: How the momentum m takes in the gradient g, and what Nesterov makes of it,
/// u; b is the option momentum.
enum class MomentumStyle : int {
  classic = MUON_MOMENTUM_STYLE_CLASSIC,
  ema = MUON_MOMENTUM_STYLE_EMA,
};

/// muon_shape_scale: The factor s on the update of a parameter with r rows and c columns.
enum class ShapeScale : int {
  none = MUON_SHAPE_SCALE_NONE,
  original = MUON_SHAPE_SCALE_ORIGINAL,
  match_rms_adamw = MUON_SHAPE_SCALE_MATCH_RMS_ADAMW,
  spectral = MUON_SHAPE_SCALE_SPECTRAL,
};

/// muon_second_moment: NorMuon (arXiv 2510.05491): lines of O are brought nearer to each other in
/// size before p is moved along it, by a running mean v of their squares, which starts at 0.
enum class SecondMoment : int {
  none = MUON_SECOND_MOMENT_NONE,
  normuon = MUON_SECOND_MOMENT_NORMUON,
  normuon_long = MUON_SECOND_MOMENT_NORMUON_LONG,
};

/// muon_nonfinite_policy: What step does about NaN or infinity in a gradient, or in the state that
/// the gradient would lead to (Muon's m or u, or AdamW's g^2, above 3.4e38).
enum class NonFinitePolicy : int {
  error = MUON_NONFINITE_POLICY_ERROR,
  skip = MUON_NONFINITE_POLICY_SKIP,
  propagate = MUON_NONFINITE_POLICY_PROPAGATE,
};

/// muon_route_reason: Why a parameter goes where it goes.
enum class RouteReason : int {
  matrix = MUON_ROUTE_REASON_MATRIX,
  not_matrix = MUON_ROUTE_REASON_NOT_MATRIX,
  adamw_only = MUON_ROUTE_REASON_ADAMW_ONLY,
  frozen = MUON_ROUTE_REASON_FROZEN,
  not_float = MUON_ROUTE_REASON_NOT_FLOAT,
  view = MUON_ROUTE_REASON_VIEW,
  rule = MUON_ROUTE_REASON_RULE,
};

/// muon_log_level: How much a message matters; each level includes the ones before it.
enum class LogLevel : int {
  error = MUON_LOG_LEVEL_ERROR,
  warning = MUON_LOG_LEVEL_WARNING,
  info = MUON_LOG_LEVEL_INFO,
};

/// muon_statistics_level: What the steps of an optimizer measure; each level includes the ones
/// before it.
enum class StatisticsLevel : int {
  none = MUON_STATISTICS_LEVEL_NONE,
  basic = MUON_STATISTICS_LEVEL_BASIC,
  orthogonality = MUON_STATISTICS_LEVEL_ORTHOGONALITY,
};

/// "MUON_ERR_SHAPE" and so on; "MUON_ERR_UNKNOWN" for a number that is no status.
inline const char *name(Status status) noexcept {
  return muon_status_name(static_cast<muon_status>(status));
}

/// The reason in words; "unknown" for a number that is no reason.
inline const char *text(RouteReason reason) noexcept {
  return muon_route_reason_text(static_cast<muon_route_reason>(reason));
}

/// The names that configurations have for the values of an enum, such as "newtonschulz5"; "unknown"
/// for a number that is no value.
inline const char *name(Backend backend) noexcept {
  return muon_backend_name(static_cast<muon_backend>(backend));
}

/// As muon_precision_name.
inline const char *name(Precision precision) noexcept {
  return muon_precision_name(static_cast<muon_precision>(precision));
}

/// As muon_newton_schulz_method_name.
inline const char *name(NewtonSchulzMethod method) noexcept {
  return muon_newton_schulz_method_name(static_cast<muon_newton_schulz_method>(method));
}

/// As muon_momentum_style_name.
inline const char *name(MomentumStyle style) noexcept {
  return muon_momentum_style_name(static_cast<muon_momentum_style>(style));
}

/// As muon_shape_scale_name.
inline const char *name(ShapeScale scale) noexcept {
  return muon_shape_scale_name(static_cast<muon_shape_scale>(scale));
}

/// As muon_second_moment_name.
inline const char *name(SecondMoment moment) noexcept {
  return muon_second_moment_name(static_cast<muon_second_moment>(moment));
}

/// As muon_nonfinite_policy_name.
inline const char *name(NonFinitePolicy policy) noexcept {
  return muon_nonfinite_policy_name(static_cast<muon_nonfinite_policy>(policy));
}

/// As muon_statistics_level_name.
inline const char *name(StatisticsLevel level) noexcept {
  return muon_statistics_level_name(static_cast<muon_statistics_level>(level));
}

/// As muon_log_level_name.
inline const char *name(LogLevel level) noexcept {
  return muon_log_level_name(static_cast<muon_log_level>(level));
}

/// As muon_optimizer_kind_name.
inline const char *name(OptimizerKind kind) noexcept {
  return muon_optimizer_kind_name(static_cast<muon_optimizer_kind>(kind));
}

/// As muon_dtype_name.
inline const char *name(DType dtype) noexcept {
  return muon_dtype_name(static_cast<muon_dtype>(dtype));
}

/// As muon_master_name.
inline const char *name(Master master) noexcept {
  return muon_master_name(static_cast<muon_master>(master));
}

namespace detail {

inline muon_status from_name(const char *name, Backend *outBackend) noexcept {
  muon_backend value{};
  const muon_status status = muon_backend_from_name(name, &value);
  if (status == MUON_OK) *outBackend = static_cast<Backend>(value);
  return status;
}

inline muon_status from_name(const char *name, Precision *outPrecision) noexcept {
  muon_precision value{};
  const muon_status status = muon_precision_from_name(name, &value);
  if (status == MUON_OK) *outPrecision = static_cast<Precision>(value);
  return status;
}

inline muon_status from_name(const char *name, NewtonSchulzMethod *outMethod) noexcept {
  muon_newton_schulz_method value{};
  const muon_status status = muon_newton_schulz_method_from_name(name, &value);
  if (status == MUON_OK) *outMethod = static_cast<NewtonSchulzMethod>(value);
  return status;
}

inline muon_status from_name(const char *name, MomentumStyle *outStyle) noexcept {
  muon_momentum_style value{};
  const muon_status status = muon_momentum_style_from_name(name, &value);
  if (status == MUON_OK) *outStyle = static_cast<MomentumStyle>(value);
  return status;
}

inline muon_status from_name(const char *name, ShapeScale *outScale) noexcept {
  muon_shape_scale value{};
  const muon_status status = muon_shape_scale_from_name(name, &value);
  if (status == MUON_OK) *outScale = static_cast<ShapeScale>(value);
  return status;
}

inline muon_status from_name(const char *name, SecondMoment *outMoment) noexcept {
  muon_second_moment value{};
  const muon_status status = muon_second_moment_from_name(name, &value);
  if (status == MUON_OK) *outMoment = static_cast<SecondMoment>(value);
  return status;
}

inline muon_status from_name(const char *name, NonFinitePolicy *outPolicy) noexcept {
  muon_nonfinite_policy value{};
  const muon_status status = muon_nonfinite_policy_from_name(name, &value);
  if (status == MUON_OK) *outPolicy = static_cast<NonFinitePolicy>(value);
  return status;
}

inline muon_status from_name(const char *name, StatisticsLevel *outLevel) noexcept {
  muon_statistics_level value{};
  const muon_status status = muon_statistics_level_from_name(name, &value);
  if (status == MUON_OK) *outLevel = static_cast<StatisticsLevel>(value);
  return status;
}

inline muon_status from_name(const char *name, LogLevel *outLevel) noexcept {
  muon_log_level value{};
  const muon_status status = muon_log_level_from_name(name, &value);
  if (status == MUON_OK) *outLevel = static_cast<LogLevel>(value);
  return status;
}

}  // namespace detail

}  // namespace muon

#endif  // MUON_ENUMS_HPP
