internal import CMuon
internal import MuonOptimizers

/// A C string in the library's constant data.
@unsafe
func constant(_ text: StaticString) -> UnsafePointer<CChar>? {
  unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// A C string that is made once and never freed.
@safe
struct PermanentText: @unchecked Sendable {
  let start: UnsafePointer<CChar>?

  init(_ text: String) {
    let utf8 = text.utf8CString
    let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: utf8.count)
    _ = unsafe copy.initialize(fromContentsOf: utf8)
    unsafe start = UnsafePointer(copy.baseAddress)
  }
}

/// A copy of a caller's text, which must be UTF-8.
func string(_ text: UnsafePointer<CChar>?, _ name: String) throws -> String {
  guard let text = unsafe text else { throw null(name) }
  // What is made of it takes a multiple.
  try unsafe requireMemory(forText: text, each: 32)
  guard let string = unsafe String(validatingCString: text) else {
    throw CallError(MUON_ERR_INVALID_ARGUMENT, "\(name) is not UTF-8")
  }
  return string
}
