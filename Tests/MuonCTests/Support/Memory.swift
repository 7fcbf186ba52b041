/// Memory for arguments, all of it freed at once.
@safe
final class Memory {
  private static let size = 1 << 18
  private let start = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
  private var used = 0

  init() { unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: Memory.size) }
  deinit { unsafe start.deallocate() }

  /// Zeros, aligned to a cache line.
  func bytes(_ count: Int) -> UnsafeMutableRawPointer {
    let here = used
    used += (count + 63) / 64 * 64
    precondition(used <= Memory.size)
    return unsafe start + here
  }

  func array<Element: BitwiseCopyable>(_ values: [Element]) -> UnsafeMutablePointer<Element> {
    let pointer = unsafe bytes(max(1, values.count) * MemoryLayout<Element>.stride)
      .bindMemory(to: Element.self, capacity: values.count)
    for (index, value) in values.enumerated() { unsafe pointer[index] = value }
    return unsafe pointer
  }

  func value<Element: BitwiseCopyable>(_ value: Element) -> UnsafeMutablePointer<Element> {
    unsafe array([value])
  }

  /// NUL-terminated.
  func text(_ utf8: some Sequence<UInt8>) -> UnsafeMutablePointer<CChar> {
    unsafe array(utf8.map { CChar(bitPattern: $0) } + [0])
  }
}

/// A copy of the floats at an address.
@safe func floats(_ start: UnsafeMutableRawPointer?, _ count: Int) -> [Float] {
  unsafe Array(
    UnsafeBufferPointer(start: start?.assumingMemoryBound(to: Float.self), count: count))
}
