internal import CMuon
internal import MuonOptimizers

// The enums of muon.h and those of MuonOptimizers, side by side.

/// The Swift value of a C enum, or an error that names the option.
func value<C: Equatable & RawRepresentable, S>(
  _ c: C, in table: [(C, S)], _ name: String
) throws -> S {
  guard let pair = table.first(where: { $0.0 == c }) else {
    throw CallError(
      MUON_ERR_INVALID_ARGUMENT, "\(name): there is no value \(c.rawValue) in its enum")
  }
  return pair.1
}

func cValue<C, S: Equatable>(_ swift: S, in table: [(C, S)]) throws -> C {
  guard let pair = table.first(where: { $0.1 == swift }) else {
    throw CallError(MUON_ERR_INTERNAL, "\(swift) has no value in muon.h")
  }
  return pair.0
}

private let backends: [(muon_backend, Backend)] = [
  (MUON_BACKEND_NEWTONSCHULZ5, .newtonSchulz5), (MUON_BACKEND_SVD, .svd),
  (MUON_BACKEND_POLAR_EXPRESS, .polarExpress), (MUON_BACKEND_YOU, .you),
  (MUON_BACKEND_CANS, .cans), (MUON_BACKEND_DEEPSEEKV4, .deepSeekV4),
  (MUON_BACKEND_CUBIC5, .cubic5), (MUON_BACKEND_TURBO, .turbo),
  (MUON_BACKEND_ORTHOGONALIZE, .orthogonalize),
]

/// `rows` are those of the custom backend.
func backend(_ c: muon_backend, rows: [Coefficients]) throws -> Backend {
  c == MUON_BACKEND_CUSTOM ? .custom(rows) : try value(c, in: backends, "backend")
}

func cBackend(_ backend: Backend) throws -> muon_backend {
  if case .custom = backend { return MUON_BACKEND_CUSTOM }
  return try cValue(backend, in: backends)
}

private let precisions: [(muon_precision, Precision)] = [
  (MUON_PRECISION_AUTO, .auto), (MUON_PRECISION_F32, .f32), (MUON_PRECISION_BF16, .bf16),
]

func precision(_ c: muon_precision) throws -> Precision {
  try value(c, in: precisions, "precision")
}

func cPrecision(_ precision: Precision) throws -> muon_precision {
  try cValue(precision, in: precisions)
}

private let iterations: [(muon_newton_schulz_method, NewtonSchulzMethod)] = [
  (MUON_NEWTON_SCHULZ_METHOD_AUTO, .auto), (MUON_NEWTON_SCHULZ_METHOD_STANDARD, .standard),
  (MUON_NEWTON_SCHULZ_METHOD_GRAM, .gram),
]

func method(_ c: muon_newton_schulz_method) throws -> NewtonSchulzMethod {
  try value(c, in: iterations, "method")
}

func cMethod(_ method: NewtonSchulzMethod) throws -> muon_newton_schulz_method {
  try cValue(method, in: iterations)
}

private let momentumStyles: [(muon_momentum_style, MomentumStyle)] = [
  (MUON_MOMENTUM_STYLE_CLASSIC, .classic), (MUON_MOMENTUM_STYLE_EMA, .ema),
]

func momentumStyle(_ c: muon_momentum_style) throws -> MomentumStyle {
  try value(c, in: momentumStyles, "momentum_style")
}

func cMomentumStyle(_ style: MomentumStyle) throws -> muon_momentum_style {
  try cValue(style, in: momentumStyles)
}

private let shapeScales: [(muon_shape_scale, ShapeScale)] = [
  (MUON_SHAPE_SCALE_NONE, .none), (MUON_SHAPE_SCALE_ORIGINAL, .original),
  (MUON_SHAPE_SCALE_MATCH_RMS_ADAMW, .matchRMSAdamW), (MUON_SHAPE_SCALE_SPECTRAL, .spectral),
]

func shapeScale(_ c: muon_shape_scale) throws -> ShapeScale {
  try value(c, in: shapeScales, "shape_scale")
}

func cShapeScale(_ scale: ShapeScale) throws -> muon_shape_scale {
  try cValue(scale, in: shapeScales)
}

private let policies: [(muon_nonfinite_policy, NonFinitePolicy)] = [
  (MUON_NONFINITE_POLICY_ERROR, .error), (MUON_NONFINITE_POLICY_SKIP, .skip),
  (MUON_NONFINITE_POLICY_PROPAGATE, .propagate),
]

func policy(_ c: muon_nonfinite_policy) throws -> NonFinitePolicy {
  try value(c, in: policies, "the policy")
}

func cPolicy(_ policy: NonFinitePolicy) throws -> muon_nonfinite_policy {
  try cValue(policy, in: policies)
}

private let buffers: [(muon_buffer, ParameterBuffer)] = [
  (MUON_BUFFER_DATA, .data), (MUON_BUFFER_GRAD, .gradient), (MUON_BUFFER_MOMENTUM, .momentum),
  (MUON_BUFFER_EXP_AVG, .meanGradient), (MUON_BUFFER_EXP_AVG_SQ, .meanSquaredGradient),
]

func buffer(_ c: muon_buffer) throws -> ParameterBuffer {
  try value(c, in: buffers, "the buffer")
}

private let kinds: [(muon_optimizer_kind, OptimizerKind?)] = [
  (MUON_OPTIMIZER_KIND_NONE, nil), (MUON_OPTIMIZER_KIND_MUON, .muon),
  (MUON_OPTIMIZER_KIND_ADAMW, .adamW),
]

func cKind(_ kind: OptimizerKind?) throws -> muon_optimizer_kind { try cValue(kind, in: kinds) }

private let reasons: [(muon_route_reason, Route.Reason)] = [
  (MUON_ROUTE_REASON_MATRIX, .matrix), (MUON_ROUTE_REASON_NOT_MATRIX, .notMatrix),
  (MUON_ROUTE_REASON_ADAMW_ONLY, .adamWOnly), (MUON_ROUTE_REASON_FROZEN, .frozen),
  (MUON_ROUTE_REASON_NOT_FLOAT, .notFloatingPoint),
]

func reason(_ c: muon_route_reason) throws -> Route.Reason {
  try value(c, in: reasons, "the reason")
}

func cReason(_ reason: Route.Reason) throws -> muon_route_reason {
  try cValue(reason, in: reasons)
}
