// Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
internal import CMuon

// The names of the values, by which other languages and configurations call them.

extension muon_status: NamedEnum {
  static let names: [(value: muon_status, name: String)] = [
    (MUON_OK, "ok"),
    (MUON_ERR_INVALID_ARGUMENT, "invalid_argument"),
    (MUON_ERR_INVALID_HANDLE, "invalid_handle"),
    (MUON_ERR_SHAPE, "shape"),
    (MUON_ERR_DTYPE, "dtype"),
    (MUON_ERR_CONFIG, "config"),
    (MUON_ERR_OUT_OF_MEMORY, "out_of_memory"),
    (MUON_ERR_NONFINITE_GRADIENT, "nonfinite_gradient"),
    (MUON_ERR_UNSUPPORTED, "unsupported"),
    (MUON_ERR_NOT_CONVERGED, "not_converged"),
    (MUON_ERR_INTERNAL, "internal"),
    (MUON_ERR_IO, "io"),
    (MUON_ERR_CORRUPT, "corrupt"),
    (MUON_ERR_MISMATCH, "mismatch"),
    (MUON_ERR_CANCELLED, "cancelled"),
    (MUON_ERR_EXCHANGE, "exchange"),
  ]
}

extension muon_dtype: NamedEnum {
  static let names: [(value: muon_dtype, name: String)] = [
    (MUON_DTYPE_F32, "f32"),
    (MUON_DTYPE_BF16, "bf16"),
    (MUON_DTYPE_F16, "f16"),
    (MUON_DTYPE_F64, "f64"),
    (MUON_DTYPE_NOT_FLOAT, "not_float"),
    (MUON_DTYPE_I16, "i16"),
  ]
}

extension muon_master: NamedEnum {
  static let names: [(value: muon_master, name: String)] = [
    (MUON_MASTER_F32, "f32"),
    (MUON_MASTER_NONE, "none"),
    (MUON_MASTER_REMAINDER, "remainder"),
  ]
}

extension muon_optimizer_kind: NamedEnum {
  static let names: [(value: muon_optimizer_kind, name: String)] = [
    (MUON_OPTIMIZER_KIND_NONE, "none"),
    (MUON_OPTIMIZER_KIND_MUON, "muon"),
    (MUON_OPTIMIZER_KIND_ADAMW, "adamw"),
  ]
}

extension muon_backend: NamedEnum {
  static let names: [(value: muon_backend, name: String)] = [
    (MUON_BACKEND_NEWTONSCHULZ5, "newtonschulz5"),
    (MUON_BACKEND_SVD, "svd"),
    (MUON_BACKEND_POLAR_EXPRESS, "polar_express"),
    (MUON_BACKEND_YOU, "you"),
    (MUON_BACKEND_CANS, "cans"),
    (MUON_BACKEND_DEEPSEEKV4, "deepseekv4"),
    (MUON_BACKEND_CUBIC5, "cubic5"),
    (MUON_BACKEND_TURBO, "turbo"),
    (MUON_BACKEND_ORTHOGONALIZE, "orthogonalize"),
    (MUON_BACKEND_CUSTOM, "custom"),
  ]
}

extension muon_precision: NamedEnum {
  static let names: [(value: muon_precision, name: String)] = [
    (MUON_PRECISION_AUTO, "auto"),
    (MUON_PRECISION_F32, "f32"),
    (MUON_PRECISION_BF16, "bf16"),
    (MUON_PRECISION_INT16, "int16"),
    (MUON_PRECISION_INT8, "int8"),
  ]
}

extension muon_newton_schulz_method: NamedEnum {
  static let names: [(value: muon_newton_schulz_method, name: String)] = [
    (MUON_NEWTON_SCHULZ_METHOD_AUTO, "auto"),
    (MUON_NEWTON_SCHULZ_METHOD_STANDARD, "standard"),
    (MUON_NEWTON_SCHULZ_METHOD_GRAM, "gram"),
  ]
}

extension muon_momentum_style: NamedEnum {
  static let names: [(value: muon_momentum_style, name: String)] = [
    (MUON_MOMENTUM_STYLE_CLASSIC, "classic"),
    (MUON_MOMENTUM_STYLE_EMA, "ema"),
  ]
}

extension muon_shape_scale: NamedEnum {
  static let names: [(value: muon_shape_scale, name: String)] = [
    (MUON_SHAPE_SCALE_NONE, "none"),
    (MUON_SHAPE_SCALE_ORIGINAL, "original"),
    (MUON_SHAPE_SCALE_MATCH_RMS_ADAMW, "match_rms_adamw"),
    (MUON_SHAPE_SCALE_SPECTRAL, "spectral"),
  ]
}

extension muon_second_moment: NamedEnum {
  static let names: [(value: muon_second_moment, name: String)] = [
    (MUON_SECOND_MOMENT_NONE, "none"),
    (MUON_SECOND_MOMENT_NORMUON, "normuon"),
    (MUON_SECOND_MOMENT_NORMUON_LONG, "normuon_long"),
  ]
}

extension muon_nonfinite_policy: NamedEnum {
  static let names: [(value: muon_nonfinite_policy, name: String)] = [
    (MUON_NONFINITE_POLICY_ERROR, "error"),
    (MUON_NONFINITE_POLICY_SKIP, "skip"),
    (MUON_NONFINITE_POLICY_PROPAGATE, "propagate"),
  ]
}

extension muon_route_reason: NamedEnum {
  static let names: [(value: muon_route_reason, name: String)] = [
    (MUON_ROUTE_REASON_MATRIX, "matrix"),
    (MUON_ROUTE_REASON_NOT_MATRIX, "not_matrix"),
    (MUON_ROUTE_REASON_ADAMW_ONLY, "adamw_only"),
    (MUON_ROUTE_REASON_FROZEN, "frozen"),
    (MUON_ROUTE_REASON_NOT_FLOAT, "not_float"),
    (MUON_ROUTE_REASON_VIEW, "view"),
    (MUON_ROUTE_REASON_RULE, "rule"),
  ]
}

extension muon_log_level: NamedEnum {
  static let names: [(value: muon_log_level, name: String)] = [
    (MUON_LOG_LEVEL_ERROR, "error"),
    (MUON_LOG_LEVEL_WARNING, "warning"),
    (MUON_LOG_LEVEL_INFO, "info"),
  ]
}

extension muon_statistics_level: NamedEnum {
  static let names: [(value: muon_statistics_level, name: String)] = [
    (MUON_STATISTICS_LEVEL_NONE, "none"),
    (MUON_STATISTICS_LEVEL_BASIC, "basic"),
    (MUON_STATISTICS_LEVEL_ORTHOGONALITY, "orthogonality"),
  ]
}
