// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_optimizer_create_muon(
  _ options: UnsafePointer<muon_muon_options>?,
  _ outOptimizer: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  unsafe guarded(outOptimizer, "outOptimizer") {
    let muon = try Muon(options: try unsafe MuonC.options(options))
    return unsafe try HandleTable.shared.insert(OptimizerHandle(muon, .optimizer), .optimizer)
      .pointer
  }
}

@c @implementation
public func muon_optimizer_create_adamw(
  _ options: UnsafePointer<muon_adamw_options>?,
  _ outOptimizer: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  unsafe guarded(outOptimizer, "outOptimizer") {
    let adamW = try AdamW(options: try unsafe MuonC.options(options))
    return unsafe try HandleTable.shared.insert(OptimizerHandle(adamW, .optimizer), .optimizer)
      .pointer
  }
}

@c @implementation
public func muon_optimizer_add_muon_group(
  _ optimizer: OpaquePointer?, _ options: UnsafePointer<muon_muon_options>?,
  _ params: UnsafePointer<muon_param>?, _ count: Int, _ outGroup: UnsafeMutablePointer<Int64>?
) -> muon_status {
  unsafe guarded(outGroup, "outGroup") {
    let options = try unsafe MuonC.options(options)
    return try unsafe withMuon(optimizer) { optimizer in
      let added = try unsafe bindings(params, count, after: optimizer.parameterCount)
      return Int64(try optimizer.addGroup(added, options: options))
    }
  }
}

@c @implementation
public func muon_optimizer_add_adamw_group(
  _ optimizer: OpaquePointer?, _ options: UnsafePointer<muon_adamw_options>?,
  _ params: UnsafePointer<muon_param>?, _ count: Int, _ outGroup: UnsafeMutablePointer<Int64>?
) -> muon_status {
  unsafe guarded(outGroup, "outGroup") {
    let options = try unsafe MuonC.options(options)
    return try unsafe withAdamW(optimizer) { optimizer in
      let added = try unsafe bindings(params, count, after: optimizer.parameterCount)
      return Int64(try optimizer.addGroup(added, options: options))
    }
  }
}

@c @implementation
public func muon_optimizer_destroy(_ optimizer: OpaquePointer?) -> muon_status {
  guardedWithoutMemory {
    guard unsafe optimizer != nil else { return }
    let object = try unsafe optimizerHandle(optimizer)
    try object.requireFree()
    try unsafe HandleTable.shared.remove(Handle(optimizer), .optimizer)
    // A scheduler may hold on to the object.
    object.end { $0.removeAllParameters() }
  }
}

@c @implementation
public func muon_optimizer_get_kind(
  _ optimizer: OpaquePointer?, _ outKind: UnsafeMutablePointer<muon_optimizer_kind>?
) -> muon_status {
  unsafe guarded(outKind, "outKind") {
    unsafe try cKind(try withOptimizer(optimizer) { $0.kind })
  }
}

@c @implementation
public func muon_optimizer_get_group_count(
  _ optimizer: OpaquePointer?, _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  unsafe guarded(outCount, "outCount") {
    unsafe try withOptimizer(optimizer) { $0.groupCount }
  }
}

@c @implementation
public func muon_optimizer_get_param_count(
  _ optimizer: OpaquePointer?, _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  unsafe guarded(outCount, "outCount") {
    unsafe try withOptimizer(optimizer) { $0.parameterCount }
  }
}

@c @implementation
public func muon_optimizer_add_param(
  _ optimizer: OpaquePointer?, _ group: Int64, _ param: UnsafePointer<muon_param>?,
  _ outIndex: UnsafeMutablePointer<Int64>?
) -> muon_status {
  guarded {
    let out = unsafe outIndex == nil ? nil : try unsafe required(outIndex, "outIndex")
    let param = try unsafe readStruct(param, "param")
    try unsafe withOptimizer(optimizer) { optimizer in
      let index = optimizer.parameterCount
      try optimizer.add([try unsafe ParameterBinding(param, index: index)], toGroup: Int(group))
      unsafe out?.pointee = Int64(index)
    }
  }
}

@c @implementation
public func muon_optimizer_bind_buffer(
  _ optimizer: OpaquePointer?, _ param: Int64, _ buffer: UnsafePointer<CChar>?,
  _ memory: UnsafeMutableRawPointer?, _ count: Int
) -> muon_status {
  guarded {
    let buffer = try unsafe MuonC.buffer(buffer)
    let memory = try unsafe given(memory, count, "memory")
    try unsafe withOptimizer(optimizer) { optimizer in
      let type = try optimizer.elementType(of: buffer, ofParameter: Int(param))
      try optimizer.bind(buffer, ofParameter: Int(param), to: memory?.numbers(of: type))
    }
  }
}

@c @implementation
public func muon_optimizer_step(_ optimizer: OpaquePointer?) -> muon_status {
  guarded { try unsafe withOptimizer(optimizer) { try $0.step() } }
}

@c @implementation
public func muon_optimizer_step_param(
  _ optimizer: OpaquePointer?, _ param: Int64, _ grad: UnsafeRawPointer?, _ count: Int
) -> muon_status {
  guarded {
    try unsafe withOptimizer(optimizer) { optimizer in
      try optimizer.step(parameter: Int(param)) { () throws(MuonError) in
        // Only read: see `step(parameter:gradient:)`.
        let memory = try unsafe memory(UnsafeMutableRawPointer(mutating: grad), count, "grad")
        return memory.numbers(of: try optimizer.elementType(of: .gradient, ofParameter: Int(param)))
      }
    }
  }
}

@c @implementation
public func muon_optimizer_zero_grad(_ optimizer: OpaquePointer?) -> muon_status {
  guarded { try unsafe withOptimizer(optimizer) { $0.zeroGradients() } }
}
