internal import CMuon
internal import Glibc

/// A C string in the library's constant data.
@unsafe
func constant(_ text: StaticString) -> UnsafePointer<CChar>? {
  unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// A C string that is made once and never freed.
@safe
struct PermanentText: @unchecked Sendable {
  let start: UnsafePointer<CChar>?

  init(_ text: String) { unsafe start = unsafe UnsafePointer(strdup(text)) }
}

/// A copy of a caller's text, which must be UTF-8.
func string(_ text: UnsafePointer<CChar>?, _ name: String) throws -> String {
  guard let text = unsafe text else { throw null(name) }
  guard let string = unsafe String(validatingCString: text) else {
    throw CallError(MUON_ERR_INVALID_ARGUMENT, "\(name) is not UTF-8")
  }
  return string
}
