/// Numbers at an address that does not change, and freed with the object.
///
/// Swift's arrays end the process when memory runs out; this throws.
@safe
final class Buffer<Element: BitwiseCopyable & ExpressibleByIntegerLiteral> {
  let count: Int
  /// What is in it, as long as the buffer is.
  let elements: Elements<Element>
  private let memory: UnsafeMutableRawPointer

  /// A buffer of `count` zeros that begins where the companion's address does within a cache line: passes
  /// over both are faster then, for no store to one looks like the next load from the other.
  init(count: Int, companion address: UInt = 0) throws(MuonError) {
    let line = 64
    let offset = Int(address % UInt(line))
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    let (size, tooLarge) = bytes.addingReportingOverflow(line)
    guard count >= 0, !overflow, !tooLarge else {
      throw MuonError(.outOfMemory, "\(count) elements are more than memory can hold")
    }
    guard let memory = unsafe Memory.allocate(size, alignment: line) else {
      throw MuonError(.outOfMemory, "out of memory: \(bytes) bytes could not be allocated")
    }
    self.count = count
    unsafe self.memory = memory
    let start = unsafe (memory + offset).bindMemory(to: Element.self, capacity: max(count, 1))
    unsafe start.initialize(repeating: 0, count: count)
    elements = unsafe Elements(start: start, count: count)
  }

  deinit { unsafe Memory.release(memory) }
}
