// Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon

@c @implementation
public func muon_version_string() -> UnsafePointer<CChar>? { unsafe constant("0.2.0") }

@c @implementation
public func muon_status_name(
  _ status: muon_status
) -> UnsafePointer<CChar>? {
  switch status {
  case MUON_OK: unsafe constant("MUON_OK")
  case MUON_ERR_INVALID_ARGUMENT: unsafe constant("MUON_ERR_INVALID_ARGUMENT")
  case MUON_ERR_INVALID_HANDLE: unsafe constant("MUON_ERR_INVALID_HANDLE")
  case MUON_ERR_SHAPE: unsafe constant("MUON_ERR_SHAPE")
  case MUON_ERR_DTYPE: unsafe constant("MUON_ERR_DTYPE")
  case MUON_ERR_CONFIG: unsafe constant("MUON_ERR_CONFIG")
  case MUON_ERR_OUT_OF_MEMORY: unsafe constant("MUON_ERR_OUT_OF_MEMORY")
  case MUON_ERR_NONFINITE_GRADIENT: unsafe constant("MUON_ERR_NONFINITE_GRADIENT")
  case MUON_ERR_UNSUPPORTED: unsafe constant("MUON_ERR_UNSUPPORTED")
  case MUON_ERR_NOT_CONVERGED: unsafe constant("MUON_ERR_NOT_CONVERGED")
  case MUON_ERR_INTERNAL: unsafe constant("MUON_ERR_INTERNAL")
  case MUON_ERR_IO: unsafe constant("MUON_ERR_IO")
  case MUON_ERR_CORRUPT: unsafe constant("MUON_ERR_CORRUPT")
  case MUON_ERR_MISMATCH: unsafe constant("MUON_ERR_MISMATCH")
  case MUON_ERR_CANCELLED: unsafe constant("MUON_ERR_CANCELLED")
  case MUON_ERR_EXCHANGE: unsafe constant("MUON_ERR_EXCHANGE")
  default: unsafe constant("MUON_ERR_UNKNOWN")
  }
}

@c @implementation
public func muon_backend_name(
  _ backend: muon_backend
) -> UnsafePointer<CChar>? {
  switch backend {
  case MUON_BACKEND_NEWTONSCHULZ5: unsafe constant("newtonschulz5")
  case MUON_BACKEND_SVD: unsafe constant("svd")
  case MUON_BACKEND_POLAR_EXPRESS: unsafe constant("polar_express")
  case MUON_BACKEND_YOU: unsafe constant("you")
  case MUON_BACKEND_CANS: unsafe constant("cans")
  case MUON_BACKEND_DEEPSEEKV4: unsafe constant("deepseekv4")
  case MUON_BACKEND_CUBIC5: unsafe constant("cubic5")
  case MUON_BACKEND_TURBO: unsafe constant("turbo")
  case MUON_BACKEND_ORTHOGONALIZE: unsafe constant("orthogonalize")
  case MUON_BACKEND_CUSTOM: unsafe constant("custom")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_precision_name(
  _ precision: muon_precision
) -> UnsafePointer<CChar>? {
  switch precision {
  case MUON_PRECISION_AUTO: unsafe constant("auto")
  case MUON_PRECISION_F32: unsafe constant("f32")
  case MUON_PRECISION_BF16: unsafe constant("bf16")
  case MUON_PRECISION_INT16: unsafe constant("int16")
  case MUON_PRECISION_INT8: unsafe constant("int8")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_newton_schulz_method_name(
  _ method: muon_newton_schulz_method
) -> UnsafePointer<CChar>? {
  switch method {
  case MUON_NEWTON_SCHULZ_METHOD_AUTO: unsafe constant("auto")
  case MUON_NEWTON_SCHULZ_METHOD_STANDARD: unsafe constant("standard")
  case MUON_NEWTON_SCHULZ_METHOD_GRAM: unsafe constant("gram")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_momentum_style_name(
  _ style: muon_momentum_style
) -> UnsafePointer<CChar>? {
  switch style {
  case MUON_MOMENTUM_STYLE_CLASSIC: unsafe constant("classic")
  case MUON_MOMENTUM_STYLE_EMA: unsafe constant("ema")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_shape_scale_name(
  _ scale: muon_shape_scale
) -> UnsafePointer<CChar>? {
  switch scale {
  case MUON_SHAPE_SCALE_NONE: unsafe constant("none")
  case MUON_SHAPE_SCALE_ORIGINAL: unsafe constant("original")
  case MUON_SHAPE_SCALE_MATCH_RMS_ADAMW: unsafe constant("match_rms_adamw")
  case MUON_SHAPE_SCALE_SPECTRAL: unsafe constant("spectral")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_second_moment_name(
  _ moment: muon_second_moment
) -> UnsafePointer<CChar>? {
  switch moment {
  case MUON_SECOND_MOMENT_NONE: unsafe constant("none")
  case MUON_SECOND_MOMENT_NORMUON: unsafe constant("normuon")
  case MUON_SECOND_MOMENT_NORMUON_LONG: unsafe constant("normuon_long")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_nonfinite_policy_name(
  _ policy: muon_nonfinite_policy
) -> UnsafePointer<CChar>? {
  switch policy {
  case MUON_NONFINITE_POLICY_ERROR: unsafe constant("error")
  case MUON_NONFINITE_POLICY_SKIP: unsafe constant("skip")
  case MUON_NONFINITE_POLICY_PROPAGATE: unsafe constant("propagate")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_statistics_level_name(
  _ level: muon_statistics_level
) -> UnsafePointer<CChar>? {
  switch level {
  case MUON_STATISTICS_LEVEL_NONE: unsafe constant("none")
  case MUON_STATISTICS_LEVEL_BASIC: unsafe constant("basic")
  case MUON_STATISTICS_LEVEL_ORTHOGONALITY: unsafe constant("orthogonality")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_log_level_name(
  _ level: muon_log_level
) -> UnsafePointer<CChar>? {
  switch level {
  case MUON_LOG_LEVEL_ERROR: unsafe constant("error")
  case MUON_LOG_LEVEL_WARNING: unsafe constant("warning")
  case MUON_LOG_LEVEL_INFO: unsafe constant("info")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_optimizer_kind_name(
  _ kind: muon_optimizer_kind
) -> UnsafePointer<CChar>? {
  switch kind {
  case MUON_OPTIMIZER_KIND_NONE: unsafe constant("none")
  case MUON_OPTIMIZER_KIND_MUON: unsafe constant("muon")
  case MUON_OPTIMIZER_KIND_ADAMW: unsafe constant("adamw")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_dtype_name(
  _ dtype: muon_dtype
) -> UnsafePointer<CChar>? {
  switch dtype {
  case MUON_DTYPE_F32: unsafe constant("f32")
  case MUON_DTYPE_BF16: unsafe constant("bf16")
  case MUON_DTYPE_F16: unsafe constant("f16")
  case MUON_DTYPE_F64: unsafe constant("f64")
  case MUON_DTYPE_NOT_FLOAT: unsafe constant("not_float")
  case MUON_DTYPE_I16: unsafe constant("i16")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_master_name(
  _ master: muon_master
) -> UnsafePointer<CChar>? {
  switch master {
  case MUON_MASTER_F32: unsafe constant("f32")
  case MUON_MASTER_NONE: unsafe constant("none")
  case MUON_MASTER_REMAINDER: unsafe constant("remainder")
  default: unsafe constant("unknown")
  }
}

@c @implementation
public func muon_backend_from_name(
  _ name: UnsafePointer<CChar>?, _ outBackend: UnsafeMutablePointer<muon_backend>?
) -> muon_status {
  unsafe guarded(outBackend, "outBackend") { unsafe try muon_backend(fromName: name) }
}

@c @implementation
public func muon_precision_from_name(
  _ name: UnsafePointer<CChar>?, _ outPrecision: UnsafeMutablePointer<muon_precision>?
) -> muon_status {
  unsafe guarded(outPrecision, "outPrecision") { unsafe try muon_precision(fromName: name) }
}

@c @implementation
public func muon_newton_schulz_method_from_name(
  _ name: UnsafePointer<CChar>?, _ outMethod: UnsafeMutablePointer<muon_newton_schulz_method>?
) -> muon_status {
  unsafe guarded(outMethod, "outMethod") { unsafe try muon_newton_schulz_method(fromName: name) }
}

@c @implementation
public func muon_momentum_style_from_name(
  _ name: UnsafePointer<CChar>?, _ outStyle: UnsafeMutablePointer<muon_momentum_style>?
) -> muon_status {
  unsafe guarded(outStyle, "outStyle") { unsafe try muon_momentum_style(fromName: name) }
}

@c @implementation
public func muon_shape_scale_from_name(
  _ name: UnsafePointer<CChar>?, _ outScale: UnsafeMutablePointer<muon_shape_scale>?
) -> muon_status {
  unsafe guarded(outScale, "outScale") { unsafe try muon_shape_scale(fromName: name) }
}

@c @implementation
public func muon_second_moment_from_name(
  _ name: UnsafePointer<CChar>?, _ outMoment: UnsafeMutablePointer<muon_second_moment>?
) -> muon_status {
  unsafe guarded(outMoment, "outMoment") { unsafe try muon_second_moment(fromName: name) }
}

@c @implementation
public func muon_nonfinite_policy_from_name(
  _ name: UnsafePointer<CChar>?, _ outPolicy: UnsafeMutablePointer<muon_nonfinite_policy>?
) -> muon_status {
  unsafe guarded(outPolicy, "outPolicy") { unsafe try muon_nonfinite_policy(fromName: name) }
}

@c @implementation
public func muon_statistics_level_from_name(
  _ name: UnsafePointer<CChar>?, _ outLevel: UnsafeMutablePointer<muon_statistics_level>?
) -> muon_status {
  unsafe guarded(outLevel, "outLevel") { unsafe try muon_statistics_level(fromName: name) }
}

@c @implementation
public func muon_log_level_from_name(
  _ name: UnsafePointer<CChar>?, _ outLevel: UnsafeMutablePointer<muon_log_level>?
) -> muon_status {
  unsafe guarded(outLevel, "outLevel") { unsafe try muon_log_level(fromName: name) }
}
