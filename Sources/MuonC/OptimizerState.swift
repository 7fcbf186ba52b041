// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_optimizer_get_buffer_count(
  _ optimizer: OpaquePointer?, _ param: Int64, _ buffer: muon_buffer,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  unsafe guarded(outCount, "outCount") {
    let buffer = try MuonC.buffer(buffer)
    return unsafe try withOptimizer(optimizer) {
      try unsafe $0.elements(buffer, ofParameter: Int(param)).count
    }
  }
}

@c @implementation
public func muon_optimizer_get_buffer(
  _ optimizer: OpaquePointer?, _ param: Int64, _ buffer: muon_buffer,
  _ out: UnsafeMutablePointer<Float>?, _ count: Int
) -> muon_status {
  guarded {
    let buffer = try MuonC.buffer(buffer)
    let target = try unsafe floats(UnsafeMutableRawPointer(out), count: count, "out")
    try unsafe withOptimizer(optimizer) { optimizer in
      let source = try unsafe optimizer.elements(buffer, ofParameter: Int(param))
      try unsafe copy(UnsafeBufferPointer(source), to: target)
    }
  }
}

@c @implementation
public func muon_optimizer_set_buffer(
  _ optimizer: OpaquePointer?, _ param: Int64, _ buffer: muon_buffer,
  _ values: UnsafePointer<Float>?, _ count: Int
) -> muon_status {
  guarded {
    let buffer = try MuonC.buffer(buffer)
    let source = try unsafe floats(values, count: count, "values")
    try unsafe withOptimizer(optimizer) { optimizer in
      try unsafe copy(source, to: try optimizer.elements(buffer, ofParameter: Int(param)))
      optimizer.noteWritten(buffer, ofParameter: Int(param))
    }
  }
}

private func copy(
  _ source: UnsafeBufferPointer<Float>, to target: UnsafeMutableBufferPointer<Float>
) throws {
  guard source.count == target.count else {
    throw CallError(
      MUON_ERR_SHAPE, "a buffer of \(source.count) elements cannot go to one of \(target.count)")
  }
  guard let from = source.baseAddress, let to = target.baseAddress else { return }
  unsafe to.update(from: from, count: source.count)
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
