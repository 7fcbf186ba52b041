/// Numbers in memory that somebody else keeps alive, with edges that are checked.
///
/// To go past an edge ends the process, as with Swift's arrays: it is a mistake in this library, and what callers
/// pass is checked before it comes here.
@safe
package struct Elements<Element: BitwiseCopyable> {
  /// Where the first one is; not to be used where there is none.
  let start: UnsafeMutablePointer<Element>
  package let count: Int

  @unsafe
  init(start: UnsafeMutablePointer<Element>, count: Int) {
    unsafe self.start = unsafe start
    self.count = count
  }

  @unsafe
  package init(_ buffer: UnsafeMutableBufferPointer<Element>) {
    let nowhere = MemoryLayout<Element>.alignment
    let start =
      unsafe buffer.baseAddress ?? UnsafeMutablePointer(bitPattern: nowhere).unsafelyUnwrapped
    unsafe self.init(start: start, count: buffer.count)
  }

  static var none: Elements { unsafe Elements(UnsafeMutableBufferPointer(start: nil, count: 0)) }

  package var buffer: UnsafeMutableBufferPointer<Element> {
    unsafe UnsafeMutableBufferPointer(start: start, count: count)
  }

  /// Of the first one.
  var address: UInt { unsafe UInt(bitPattern: start) }

  /// The addresses they take up.
  var addresses: Range<UInt> { address..<(address + UInt(count * MemoryLayout<Element>.stride)) }

  subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count)
      return unsafe start[index]
    }
    nonmutating set {
      precondition(index >= 0 && index < count)
      unsafe start[index] = newValue
    }
  }

  /// A part of them.
  subscript(part: Range<Int>) -> Elements {
    precondition(part.lowerBound >= 0 && part.upperBound <= count)
    return unsafe Elements(start: start + part.lowerBound, count: part.count)
  }

  /// The first `count` of them.
  func first(_ count: Int) -> Elements {
    precondition(count >= 0 && count <= self.count)
    return unsafe Elements(start: start, count: count)
  }

  func fill(with value: Element) { unsafe buffer.update(repeating: value) }

  /// Copies as many others here.
  func copy(from others: Elements) {
    precondition(others.count == count)
    unsafe start.update(from: others.start, count: count)
  }

  func copy(from values: [Element]) {
    precondition(values.count == count)
    _ = unsafe buffer.update(fromContentsOf: values)
  }

  /// A copy.
  var values: [Element] { unsafe Array(buffer) }

  func withSpan<Result>(_ body: (Span<Element>) throws -> Result) rethrows -> Result {
    try unsafe body(UnsafeBufferPointer(buffer).span)
  }

  func withMutableSpan<Result, Failure: Error>(
    _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var span = unsafe buffer.mutableSpan
    return try body(&span)
  }
}

typealias Floats = Elements<Float>

/// Memory that is handed out piece by piece.
struct Arena<Element: BitwiseCopyable> {
  /// What has not been handed out.
  private(set) var rest: Elements<Element>

  init(_ elements: Elements<Element>) { rest = elements }

  /// The next `count` elements.
  mutating func take(_ count: Int) -> Elements<Element> {
    defer { rest = rest[count..<rest.count] }
    return rest.first(count)
  }
}

/// So many floats as fill whole cache lines.
func onCacheLine(_ count: Int) -> Int { (count + 15) / 16 * 16 }
