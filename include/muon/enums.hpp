/// The enums of muon.h as scoped ones. muon.h says what each value means.
#ifndef MUON_ENUMS_HPP
#define MUON_ENUMS_HPP

#include <muon.h>

namespace muon {

/// How a matrix is replaced by an orthogonal one.
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
  custom = MUON_BACKEND_CUSTOM
};

/// Element type of the matrix products.
enum class Precision : int {
  automatic = MUON_PRECISION_AUTO,  // auto is a keyword
  f32 = MUON_PRECISION_F32,
  bf16 = MUON_PRECISION_BF16
};

/// Which iteration is made on a matrix.
enum class Method : int {
  automatic = MUON_METHOD_AUTO,  // auto is a keyword
  standard = MUON_METHOD_STANDARD,
  gram = MUON_METHOD_GRAM
};

/// Element type of a parameter.
enum class DType : int {
  f32 = MUON_DTYPE_F32,
  bf16 = MUON_DTYPE_BF16,
  f16 = MUON_DTYPE_F16,
  f64 = MUON_DTYPE_F64,
  not_float = MUON_DTYPE_NOT_FLOAT
};

/// The buffers of a parameter.
enum class Buffer : int {
  data = MUON_BUFFER_DATA,
  grad = MUON_BUFFER_GRAD,
  momentum = MUON_BUFFER_MOMENTUM,
  exp_avg = MUON_BUFFER_EXP_AVG,
  exp_avg_sq = MUON_BUFFER_EXP_AVG_SQ
};

enum class OptimizerKind : int {
  none = MUON_OPTIMIZER_NONE,
  muon = MUON_OPTIMIZER_MUON,
  adamw = MUON_OPTIMIZER_ADAMW
};

enum class MomentumStyle : int { classic = MUON_MOMENTUM_CLASSIC, ema = MUON_MOMENTUM_EMA };

/// The factor on the update of a matrix.
enum class ShapeScale : int {
  none = MUON_SCALE_NONE,
  original = MUON_SCALE_ORIGINAL,
  match_rms_adamw = MUON_SCALE_MATCH_RMS_ADAMW,
  spectral = MUON_SCALE_SPECTRAL
};

/// What step() does with NaN or infinity in a gradient, or in the state it would leave.
enum class NonFinitePolicy : int {
  error = MUON_NONFINITE_ERROR,
  skip = MUON_NONFINITE_SKIP,
  propagate = MUON_NONFINITE_PROPAGATE
};

/// What steps measure; each level includes the ones before it.
enum class StatisticsLevel : int {
  none = MUON_STATISTICS_NONE,
  basic = MUON_STATISTICS_BASIC,
  orthogonality = MUON_STATISTICS_ORTHOGONALITY
};

/// How much a message matters; each level includes the ones before it.
enum class LogLevel : int {
  error = MUON_LOG_ERROR,
  warning = MUON_LOG_WARNING,
  info = MUON_LOG_INFO
};

/// Why the builders send a parameter where they do.
enum class RouteReason : int {
  matrix = MUON_ROUTE_MATRIX,
  not_matrix = MUON_ROUTE_NOT_MATRIX,
  adamw_only = MUON_ROUTE_ADAMW_ONLY,
  frozen = MUON_ROUTE_FROZEN,
  not_float = MUON_ROUTE_NOT_FLOAT
};

/// The reason in words.
inline const char *text(RouteReason reason) noexcept {
  return muon_route_reason_text(static_cast<muon_route_reason>(reason));
}

}  // namespace muon

#endif  // MUON_ENUMS_HPP
