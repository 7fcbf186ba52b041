internal import Glibc

/// Numbers at an address that does not change, aligned to a cache line, and freed with the object.
///
/// Swift's arrays end the process when memory runs out; this throws.
@safe
final class Buffer<Element: BitwiseCopyable & ExpressibleByIntegerLiteral> {
  let count: Int
  let start: UnsafeMutablePointer<Element>

  /// A buffer of `count` zeros.
  init(count: Int) throws(MuonError) {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard count >= 0, !overflow else {
      throw MuonError(.outOfMemory, "\(count) elements are more than memory can hold")
    }
    var memory: UnsafeMutableRawPointer? = nil
    guard unsafe posix_memalign(&memory, 64, max(bytes, 64)) == 0, let memory = unsafe memory else {
      throw MuonError(.outOfMemory, "out of memory: \(bytes) bytes could not be allocated")
    }
    self.count = count
    unsafe start = memory.bindMemory(to: Element.self, capacity: max(count, 1))
    unsafe start.initialize(repeating: 0, count: count)
  }

  deinit { unsafe free(start) }

  var elements: UnsafeMutableBufferPointer<Element> {
    unsafe UnsafeMutableBufferPointer(start: start, count: count)
  }
}
