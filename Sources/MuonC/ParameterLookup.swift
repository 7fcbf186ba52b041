// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_optimizer_find_param(
  _ optimizer: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ outParam: UnsafeMutablePointer<Int64>?
) -> muon_status {
  unsafe guarded(outParam, "outParam") {
    let name = try unsafe string(name, "name")
    return unsafe try withOptimizer(optimizer) { Int64(try $0.index(ofParameterNamed: name)) }
  }
}

@c @implementation
public func muon_optimizer_get_param_name(
  _ optimizer: OpaquePointer?, _ param: Int64, _ outName: UnsafeMutablePointer<CChar>?,
  _ capacity: Int, _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(outName, "outName", capacity: capacity, count: outCount)
    result.write(
      text: try unsafe withOptimizer(optimizer) { try $0.name(ofParameter: Int(param)) })
  }
}

@c @implementation
public func muon_optimizer_get_param_group(
  _ optimizer: OpaquePointer?, _ param: Int64, _ outGroup: UnsafeMutablePointer<Int64>?
) -> muon_status {
  unsafe guarded(outGroup, "outGroup") {
    unsafe try withOptimizer(optimizer) { Int64(try $0.group(ofParameter: Int(param))) }
  }
}

extension ListResult<CChar> {
  /// Writes a text with the NUL that ends it, which counts. Where it is cut off, it ends with a NUL too.
  func write(text: String) {
    var bytes = Array(text.utf8CString)
    if capacity > 0, capacity < bytes.count { bytes[capacity - 1] = 0 }
    write(bytes)
  }
}
