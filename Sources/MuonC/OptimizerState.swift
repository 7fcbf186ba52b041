// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_optimizer_get_buffer(
  _ optimizer: OpaquePointer?, _ param: Int64, _ buffer: UnsafePointer<CChar>?,
  _ outValues: UnsafeMutablePointer<Float>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(
      outValues, "outValues", capacity: capacity, count: outCount)
    let buffer = try unsafe MuonC.buffer(buffer)
    try unsafe withOptimizer(optimizer) { optimizer in
      result.copy(try optimizer.elements(buffer, ofParameter: Int(param)))
    }
  }
}

@c @implementation
public func muon_optimizer_set_buffer(
  _ optimizer: OpaquePointer?, _ param: Int64, _ buffer: UnsafePointer<CChar>?,
  _ values: UnsafePointer<Float>?, _ count: Int
) -> muon_status {
  guarded {
    let buffer = try unsafe MuonC.buffer(buffer)
    let source = try unsafe floats(values, count: count, "values")
    try unsafe withOptimizer(optimizer) { optimizer in
      let target = try optimizer.elements(buffer, ofParameter: Int(param))
      guard source.count == target.count else {
        throw CallError(
          MUON_ERR_SHAPE, "the buffer has \(target.count) elements, and \(source.count) are given")
      }
      try unsafe target.requireIntegers(source, of: "the buffer")
      // Only read.
      unsafe target.round(from: Elements(UnsafeMutableBufferPointer(mutating: source)))
      optimizer.noteWritten(buffer, ofParameter: Int(param))
    }
  }
}

/// A buffer by the name that a caller gave it, which its optimizer may not have.
func buffer(_ name: UnsafePointer<CChar>?) throws -> ParameterBuffer {
  try ParameterBuffer(unsafe string(name, "buffer"))
}

@c @implementation
public func muon_optimizer_get_param_steps(
  _ optimizer: OpaquePointer?, _ param: Int64, _ outSteps: UnsafeMutablePointer<Int64>?
) -> muon_status {
  unsafe guarded(outSteps, "outSteps") {
    unsafe Int64(
      try withOptimizer(optimizer) { try $0.steps(ofParameter: Int(param)) })
  }
}

@c @implementation
public func muon_optimizer_set_param_steps(
  _ optimizer: OpaquePointer?, _ param: Int64, _ steps: Int64
) -> muon_status {
  guarded {
    try unsafe withOptimizer(optimizer) { try $0.setSteps(Int(steps), ofParameter: Int(param)) }
  }
}
