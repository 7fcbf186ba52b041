// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_optimizer_get_buffer_shape(
  _ optimizer: OpaquePointer?, _ param: Int64, _ buffer: UnsafePointer<CChar>?,
  _ outExtents: UnsafeMutablePointer<Int64>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(
      outExtents, "outExtents", capacity: capacity, count: outCount)
    let buffer = try unsafe MuonC.buffer(buffer)
    let shape = try unsafe withOptimizer(optimizer) {
      try $0.shape(of: buffer, ofParameter: Int(param))
    }
    result.write(shape.extents.map { Int64($0) })
  }
}

@c @implementation
public func muon_optimizer_get_buffer_dtype(
  _ optimizer: OpaquePointer?, _ param: Int64, _ buffer: UnsafePointer<CChar>?,
  _ outDtype: UnsafeMutablePointer<muon_dtype>?
) -> muon_status {
  unsafe guarded(outDtype, "outDtype") {
    let buffer = try unsafe MuonC.buffer(buffer)
    return cDtype(
      try unsafe withOptimizer(optimizer) {
        try $0.elementType(of: buffer, ofParameter: Int(param))
      })
  }
}

@c @implementation
public func muon_optimizer_get_state_buffers(
  _ optimizer: OpaquePointer?, _ param: Int64,
  _ outNames: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(outNames, "outNames", capacity: capacity, count: outCount)
    let rows = try unsafe withOptimizer(optimizer) { try $0.stateRows(ofParameter: Int(param)) }
    unsafe result.write(rows.map { unsafe constant($0.name) })
  }
}

@c @implementation
public func muon_optimizer_get_state_layout(
  _ optimizer: OpaquePointer?, _ group: Int64, _ param: UnsafePointer<muon_param>?,
  _ outLayouts: UnsafeMutablePointer<muon_state_layout>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(
      outLayouts, "outLayouts", capacity: capacity, count: outCount)
    let param = try unsafe readStruct(param, "param")
    let layout = try unsafe withOptimizer(optimizer) { optimizer in
      let form = unsafe try ParameterForm(param, notYetOf: optimizer)
      return try optimizer.stateLayout(ofGroup: Int(group), for: form).map {
        ($0.row, $0.shape, $0.row.elementType(for: form))
      }
    }
    unsafe result.write(layout.map { unsafe muon_state_layout($0.0, $0.1, $0.2) })
  }
}

@c @implementation
public func muon_optimizer_get_cost(
  _ optimizer: OpaquePointer?, _ group: Int64, _ param: UnsafePointer<muon_param>?,
  _ outOperations: UnsafeMutablePointer<Int64>?
) -> muon_status {
  unsafe guarded(outOperations, "outOperations") {
    let param = try unsafe readStruct(param, "param")
    return try unsafe withOptimizer(optimizer) { optimizer in
      let form = unsafe try ParameterForm(param, notYetOf: optimizer)
      return Int64(try optimizer.cost(ofGroup: Int(group), for: form))
    }
  }
}

extension ParameterForm {
  fileprivate init(_ param: muon_param, notYetOf optimizer: Optimizer) throws {
    let (name, extents) = unsafe try described(param, index: optimizer.parameterCount)
    try self.init(
      name, extents, view: unsafe view(param, of: name),
      storage: unsafe MuonC.storage(param, "parameter \(name)"))
  }
}

extension muon_state_layout {
  fileprivate init(_ row: StateBuffer, _ shape: Shape, _ type: ElementType) {
    unsafe self.init()
    unsafe name = constant(row.name)
    unsafe torch_key = constant(row.torchKey)
    unsafe dtype = cDtype(type)
    unsafe ndim = Int32(shape.extents.count)
    unsafe withUnsafeMutableBytes(of: &self.shape) { bytes in
      let extents = unsafe bytes.assumingMemoryBound(to: Int64.self)
      for (index, extent) in shape.extents.enumerated() { unsafe extents[index] = Int64(extent) }
    }
  }
}

@c @implementation
public func muon_optimizer_get_state_bytes(
  _ optimizer: OpaquePointer?, _ outBytes: UnsafeMutablePointer<Int>?
) -> muon_status {
  unsafe guarded(outBytes, "outBytes") {
    unsafe try withOptimizer(optimizer) { $0.stateBytes }
  }
}
