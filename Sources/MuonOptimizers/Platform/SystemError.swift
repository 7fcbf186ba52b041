internal import Glibc

/// What the system said of the call that failed just now.
func systemError(_ action: String, _ path: String) -> MuonError {
  let reason = unsafe String(cString: strerror(errno))
  // The reason is to be read, too, where messages have an end.
  let shown = path.utf8.count > 600 ? path.prefix(250) + "..." + path.suffix(250) : path[...]
  return MuonError(.io, "cannot \(action) \(shown): \(reason)")
}
