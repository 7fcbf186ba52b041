// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_orthogonalize(
  _ g: UnsafePointer<Float>?, _ g_count: Int, _ rows: Int64, _ cols: Int64,
  _ options: UnsafePointer<muon_orthogonalize_options>?,
  _ outMatrix: UnsafeMutablePointer<Float>?, _ out_count: Int
) -> muon_status {
  guarded {
    try unsafe run(g, g_count, batch: 1, rows, cols, options, outMatrix, out_count, "outMatrix")
  }
}

@c @implementation
public func muon_orthogonalize_batch(
  _ g: UnsafePointer<Float>?, _ g_count: Int, _ batch: Int64, _ rows: Int64, _ cols: Int64,
  _ options: UnsafePointer<muon_orthogonalize_options>?,
  _ outMatrices: UnsafeMutablePointer<Float>?, _ out_count: Int
) -> muon_status {
  guarded {
    try unsafe run(
      g, g_count, batch: batch, rows, cols, options, outMatrices, out_count, "outMatrices")
  }
}

private func run(
  _ g: UnsafePointer<Float>?, _ g_count: Int, batch: Int64, _ rows: Int64, _ cols: Int64,
  _ options: UnsafePointer<muon_orthogonalize_options>?,
  _ out: UnsafeMutablePointer<Float>?, _ out_count: Int, _ name: String
) throws {
  let matrices = try unsafe floats(g, count: g_count, "g")
  let results = try unsafe floats(UnsafeMutableRawPointer(out), count: out_count, name)
  let options = try unsafe MuonC.options(options)
  let (from, to) = (UInt(bitPattern: g), UInt(bitPattern: out))
  let bytes = UInt(min(matrices.count, results.count)) * UInt(MemoryLayout<Float>.stride)
  guard from == to || max(from, to) - min(from, to) >= bytes else {
    throw CallError(
      MUON_ERR_INVALID_ARGUMENT, "\(name) overlaps g; it must be g itself or lie apart")
  }
  try orthogonalize(
    unsafe Elements(UnsafeMutableBufferPointer(mutating: matrices)), batch: Int(batch),
    rows: Int(rows), columns: Int(cols), options: options, into: unsafe Elements(results))
}

@c @implementation
public func muon_backend_get_coefficients(
  _ backend: muon_backend, _ backend_steps: Int32,
  _ outCoefficients: UnsafeMutablePointer<muon_coefficients>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(
      outCoefficients, "outCoefficients", capacity: capacity, count: outCount)
    guard backend != MUON_BACKEND_CUSTOM else {
      throw CallError(
        MUON_ERR_INVALID_ARGUMENT, "MUON_BACKEND_CUSTOM has the coefficients it is given")
    }
    var options = OrthogonalizeOptions()
    try options.set("backend", to: .choice(try backend.name(of: "backend")))
    result.write(cRows(try options.backend.coefficients(steps: steps(backend_steps))))
  }
}

@c @implementation
public func muon_shape_scale_get_factor(
  _ scale: muon_shape_scale, _ rows: Int64, _ cols: Int64,
  _ outFactor: UnsafeMutablePointer<Double>?
) -> muon_status {
  unsafe guarded(outFactor, "outFactor") {
    var options = MuonOptions()
    try options.set("shape_scale", to: .choice(try scale.name(of: "scale")))
    for (name, extent) in [("rows", rows), ("cols", cols)] where extent < 1 {
      throw CallError(MUON_ERR_SHAPE, "\(name): at least 1 is expected, not \(extent)")
    }
    return options.shapeScale.factor(rows: Int(rows), columns: Int(cols))
  }
}

func cRows(_ rows: [Coefficients]) -> [muon_coefficients] {
  rows.map { muon_coefficients(a: $0.a, b: $0.b, c: $0.c) }
}
