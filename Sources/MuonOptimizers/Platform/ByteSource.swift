internal import Glibc

/// Where a checkpoint is read from.
protocol ByteSource {
  var byteCount: Int { get }
  /// Reads as many bytes as there is room for.
  @unsafe func read(at offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws(MuonError)
}

/// A checkpoint in memory. Offsets are in range here.
@safe
struct MemorySource: ByteSource {
  let bytes: UnsafeRawBufferPointer

  var byteCount: Int { unsafe bytes.count }

  @unsafe func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) {
    unsafe target.copyMemory(
      from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + target.count]))
  }
}

/// A checkpoint in a file. It is read, not mapped: a mapping ends the process where the file is cut short
/// meanwhile.
final class FileSource: ByteSource {
  let byteCount: Int
  private let path: String
  private let descriptor: CInt

  init(_ path: String) throws(MuonError) {
    self.path = path
    var status = stat()
    // Before it is opened: that alone lets a pipe's writer go on, and devices may do anything.
    if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      descriptor = -1
      throw MuonError(.io, "\(path) is not a file")
    }
    descriptor = FileSource.open(path)
    guard descriptor >= 0 else { throw systemError("open", path) }
    let failed = unsafe fstat(descriptor, &status) != 0
    let error = systemError("read", path)
    guard !failed, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw failed ? error : MuonError(.io, "\(path) is not a file")
    }
    byteCount = Int(status.st_size)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Without waiting, should it have become a pipe. Where another process has a lease on the file, that one is
  /// told, and has some seconds to give it up.
  private static func open(_ path: String) -> CInt {
    for _ in 0..<200 {
      let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
      if descriptor >= 0 || errno != EWOULDBLOCK { return descriptor }
      usleep(10_000)
    }
    errno = EWOULDBLOCK
    return -1
  }

  @unsafe func read(at offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws(MuonError) {
    var done = 0
    while done < bytes.count {
      let count = unsafe pread(
        descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done,
        off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw systemError("read", path) }
      guard count > 0 else {
        throw MuonError(.corrupt, "\(path) ended at byte \(offset + done) while it was read")
      }
      done += count
    }
  }
}
