internal import Glibc

/// A file that appears under its name only when it is whole and on the disk. Until then it has another name
/// in the same folder, and goes away with this object.
///
/// A process that is killed leaves that other file behind: `<path>.tmp-` and the process's number, where
/// as much of the file's own name is left as there is room for.
final class AtomicFile {
  private let path, temporary, folder: String
  private var descriptor: CInt = -1
  private var folderDescriptor: CInt = -1
  private var isTemporary = false
  /// Those of the file that is replaced.
  private let access: FileAccess?

  init(_ path: String) throws(MuonError) {
    self.path = path
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    var present = stat()
    let isPresent = unsafe lstat(path, &present) == 0
    let isAbsent = !isPresent && errno == ENOENT
    let kind = present.st_mode & S_IFMT
    guard !isPresent || kind == S_IFREG || kind == S_IFLNK else {
      (temporary, access) = ("", nil)
      throw MuonError(.io, "\(path) is there and not a file; it is not replaced")
    }
    // Before anything is written: the unfinished file's name is another one.
    guard isPresent || isAbsent else {
      (temporary, access) = ("", nil)
      throw systemError("create", path)
    }
    access = isPresent && kind == S_IFREG ? FileAccess(path) : nil
    let name = AtomicFile.temporaryName(
      for: slash.map { path[path.utf8.index(after: $0)...] } ?? path[...], in: folder)
    let beside = slash.map { path[...$0] + name } ?? name
    if beside.utf8.count < Int(PATH_MAX) {
      temporary = beside
    } else {
      // No longer a path that the system takes, but the folder's is.
      folderDescriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      temporary = "/proc/self/fd/\(folderDescriptor)/\(name)"
      guard folderDescriptor >= 0 else { throw systemError("open the folder", folder) }
    }
    // Who may not read the old file may not read the new one, from the beginning.
    descriptor = unsafe open(
      temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
      isPresent && kind == S_IFREG ? 0o600 : 0o666)
    guard descriptor >= 0 else { throw systemError("create", temporary) }
    isTemporary = true
  }

  /// The name, `.tmp-`, and what no other process and no other save has; not longer than the folder's file
  /// system takes.
  private static func temporaryName(for name: Substring, in folder: String) -> String {
    let suffix = ".tmp-\(getpid())-\(String(UInt32.random(in: 0 ... .max), radix: 16))"
    let longest = unsafe pathconf(folder, CInt(_PC_NAME_MAX))
    var start = name.unicodeScalars
    while !start.isEmpty,
      start.reduce(suffix.utf8.count, { $0 + UTF8.width($1) }) > (longest > 0 ? longest : 255)
    { start.removeLast() }
    return String(start) + suffix
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    // Its path may lead through the folder's descriptor.
    if isTemporary { unsafe unlink(temporary) }
    if folderDescriptor >= 0 { close(folderDescriptor) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(MuonError) {
    var done = 0
    while done < bytes.count {
      let count = FileSizeSignal.held {
        unsafe Glibc.write(
          descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw systemError("write", temporary) }
      guard count > 0 else { throw MuonError(.io, "cannot write \(temporary): no progress") }
      done += count
    }
  }

  /// Makes sure that the file is on the disk, gives it its name, and makes sure of that too.
  ///
  /// - Throws: `io`. The old file is as it was, except after a failure of the last step: then the new one
  ///   is in its place, and may not outlast a failure of power.
  func commit() throws(MuonError) {
    // It may have been changed meanwhile.
    (FileAccess(path) ?? access)?.give(to: descriptor)
    while fsync(descriptor) != 0 {
      guard errno == EINTR else { throw systemError("write to disk", temporary) }
    }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw systemError("close", temporary) }
    // Before the name changes, so that it cannot fail after.
    if folderDescriptor < 0 {
      folderDescriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard folderDescriptor >= 0 else { throw systemError("open the folder", folder) }
    guard unsafe rename(temporary, path) == 0 else { throw systemError("replace", path) }
    isTemporary = false
    while fsync(folderDescriptor) != 0 {
      // Some file systems have nothing to do for a folder, and say so.
      if errno == EINVAL || errno == ENOTSUP { return }
      guard errno == EINTR else {
        throw systemError("make the new name last in the folder", folder)
      }
    }
  }
}
