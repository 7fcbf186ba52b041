/// Numbers of a type that is known at run time, in memory that somebody else keeps alive, with edges that are checked
/// as those of `Elements`.
@safe
package struct Numbers {
  package let type: ElementType
  package let count: Int
  /// Where the first one is; not to be used where there is none.
  let start: UnsafeMutableRawPointer

  @unsafe
  package init(_ type: ElementType, start: UnsafeMutableRawPointer?, count: Int) {
    (self.type, self.count) = (type, count)
    unsafe self.start =
      start ?? UnsafeMutableRawPointer(bitPattern: type.size).unsafelyUnwrapped
  }

  package init(_ floats: Elements<Float>) {
    unsafe self.init(.float32, start: floats.start, count: floats.count)
  }

  /// All that memory of a caller's has room for, which must be whole elements; `nil` where there is none.
  @unsafe
  static func given(
    _ type: ElementType, _ memory: UnsafeMutableRawBufferPointer?, of owner: String
  ) throws(MuonError) -> Numbers? {
    guard let memory = unsafe memory else { return nil }
    guard memory.count % type.size == 0 else {
      throw MuonError(
        .shape,
        "\(memory.count) bytes of \(owner) are no whole elements of \(type.rawValue), \(type.size) bytes each"
      )
    }
    return unsafe Numbers(type, start: memory.baseAddress, count: memory.count / type.size)
  }

  /// In memory for floats, as many of which as it takes.
  init(_ type: ElementType, in floats: Floats, count: Int) {
    precondition(Numbers.floats(for: count, type) <= floats.count)
    unsafe self.init(type, start: floats.start, count: count)
  }

  /// The floats that have room for so many numbers.
  static func floats(for count: Int, _ type: ElementType) -> Int {
    (count * type.size + 3) / MemoryLayout<Float>.size
  }

  static func none(_ type: ElementType) -> Numbers { unsafe Numbers(type, start: nil, count: 0) }

  /// So many zeros, and what keeps them alive.
  static func zeros(
    _ type: ElementType, count: Int, companion: UInt = 0
  ) throws(MuonError) -> (numbers: Numbers, owner: AnyObject) {
    if type == .float32 {
      let buffer = try Buffer<Float>(count: count, companion: companion)
      return (Numbers(buffer.elements), buffer)
    }
    let buffer = try Buffer<UInt16>(count: count, companion: companion)
    return (unsafe Numbers(type, start: buffer.elements.start, count: count), buffer)
  }

  package var bytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: start, count: count * type.size)
  }

  /// Of the first one.
  var address: UInt { unsafe UInt(bitPattern: start) }

  /// The addresses they take up.
  var addresses: Range<UInt> { address..<(address + UInt(count * type.size)) }

  /// A part of them.
  subscript(part: Range<Int>) -> Numbers {
    precondition(part.lowerBound >= 0 && part.upperBound <= count)
    return unsafe Numbers(type, start: start + part.lowerBound * type.size, count: part.count)
  }

  /// The first `count` of them.
  package func first(_ count: Int) -> Numbers { self[0..<count] }

  /// Them, if they are float32.
  package var floats: Elements<Float>? {
    guard type == .float32 else { return nil }
    return unsafe Elements(start: start.assumingMemoryBound(to: Float.self), count: count)
  }

  /// Their bits, if those are 16.
  var bits: Elements<UInt16>? {
    guard type.size == 2 else { return nil }
    return unsafe Elements(start: start.assumingMemoryBound(to: UInt16.self), count: count)
  }

  func fillWithZeros() { unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0) }

  /// Copies as many others of the same type here.
  func copy(from others: Numbers) {
    precondition(others.count == count && others.type == type)
    unsafe start.copyMemory(from: others.start, byteCount: count * type.size)
  }
}

/// Memory for so many numbers of a type that is not known yet.
@safe
package struct NumberMemory {
  private let start: UnsafeMutableRawPointer?
  private let count: Int

  @unsafe
  package init(_ start: UnsafeMutableRawPointer?, count: Int) {
    unsafe self.start = start
    self.count = count
  }

  package func numbers(of type: ElementType) -> Numbers {
    unsafe Numbers(type, start: start, count: count)
  }
}
