// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

// The option structs of muon.h, read and written.

@c @implementation
public func muon_orthogonalize_options_init(
  _ outOptions: UnsafeMutablePointer<muon_orthogonalize_options>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outOptions, "outOptions", struct_size) {
    let defaults = OrthogonalizeOptions()
    var options = unsafe muon_orthogonalize_options()
    unsafe options.backend = try cBackend(defaults.backend)
    unsafe options.backend_steps = cSteps(defaults.steps)
    unsafe options.eps = defaults.epsilon
    unsafe options.precision = try cPrecision(defaults.precision)
    unsafe options.method = try cMethod(defaults.method)
    return unsafe options
  }
}

@c @implementation
public func muon_muon_options_init(
  _ outOptions: UnsafeMutablePointer<muon_muon_options>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outOptions, "outOptions", struct_size) {
    unsafe try cOptions(MuonOptions())
  }
}

@c @implementation
public func muon_adamw_options_init(
  _ outOptions: UnsafeMutablePointer<muon_adamw_options>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outOptions, "outOptions", struct_size) { cOptions(AdamWOptions()) }
}

func orthogonalizeOptions(
  _ options: UnsafePointer<muon_orthogonalize_options>?
) throws -> OrthogonalizeOptions {
  guard unsafe options != nil else { return OrthogonalizeOptions() }
  let c = try unsafe readStruct(options, "options")
  let rows = try unsafe coefficients(c.coefficients, count: c.coefficients_count, of: c.backend)
  return unsafe OrthogonalizeOptions(
    backend: try backend(c.backend, rows: rows ?? []), steps: steps(c.backend_steps),
    epsilon: c.eps, precision: try precision(c.precision), method: try method(c.method))
}

/// `present` are the options that a group has: its coefficients stay where none are given.
func muonOptions(
  _ options: UnsafePointer<muon_muon_options>?, present: MuonOptions? = nil
) throws -> MuonOptions {
  guard unsafe options != nil else { return MuonOptions() }
  let c = try unsafe readStruct(options, "options")
  var rows: [Coefficients]
  if unsafe c.coefficients == nil, case .custom(let kept) = present?.backend {
    rows = kept
  } else {
    rows =
      try unsafe coefficients(
        c.coefficients, count: c.coefficients_count, of: c.backend) ?? []
  }
  return unsafe MuonOptions(
    learningRate: c.lr, momentum: c.momentum, nesterov: try flag(c.nesterov, "nesterov"),
    momentumStyle: try momentumStyle(c.momentum_style), weightDecay: c.weight_decay,
    shapeScale: try shapeScale(c.shape_scale), backend: try backend(c.backend, rows: rows),
    backendSteps: steps(c.backend_steps), epsilon: c.eps, precision: try precision(c.precision),
    method: try method(c.method))
}

func adamWOptions(_ options: UnsafePointer<muon_adamw_options>?) throws -> AdamWOptions {
  guard unsafe options != nil else { return AdamWOptions() }
  let c = try unsafe readStruct(options, "options")
  return AdamWOptions(
    learningRate: c.lr, beta1: c.beta1, beta2: c.beta2, epsilon: c.eps,
    weightDecay: c.weight_decay)
}

/// Without its struct_size, which is the caller's.
func cOptions(_ options: MuonOptions) throws -> muon_muon_options {
  var c = unsafe muon_muon_options()
  unsafe c.lr = options.learningRate
  unsafe c.momentum = options.momentum
  unsafe c.weight_decay = options.weightDecay
  unsafe c.eps = options.epsilon
  unsafe c.nesterov = options.nesterov ? 1 : 0
  unsafe c.momentum_style = try cMomentumStyle(options.momentumStyle)
  unsafe c.shape_scale = try cShapeScale(options.shapeScale)
  unsafe c.backend = try cBackend(options.backend)
  unsafe c.backend_steps = cSteps(options.backendSteps)
  unsafe c.precision = try cPrecision(options.precision)
  unsafe c.method = try cMethod(options.method)
  if case .custom(let rows) = options.backend { unsafe c.coefficients_count = rows.count }
  return unsafe c
}

func cOptions(_ options: AdamWOptions) -> muon_adamw_options {
  var c = muon_adamw_options()
  c.lr = options.learningRate
  c.beta1 = options.beta1
  c.beta2 = options.beta2
  c.eps = options.epsilon
  c.weight_decay = options.weightDecay
  return c
}

/// The custom backend's rows; `nil` for another one, which must not have any.
private func coefficients(
  _ rows: UnsafePointer<muon_coefficients>?, count: Int, of backend: muon_backend
) throws -> [Coefficients]? {
  guard backend == MUON_BACKEND_CUSTOM else {
    guard unsafe rows == nil else {
      throw CallError(
        MUON_ERR_INVALID_ARGUMENT, "coefficients are for MUON_BACKEND_CUSTOM only")
    }
    return nil
  }
  return unsafe try list(
    rows, count: count, most: Backend.stepRange.upperBound, "coefficients"
  ).map { Coefficients($0.a, $0.b, $0.c) }
}

/// In C, 0 is the backend's own number.
func steps(_ count: Int32) -> Int? { count == 0 ? nil : Int(count) }

private func cSteps(_ count: Int?) -> Int32 { Int32(clamping: count ?? 0) }
