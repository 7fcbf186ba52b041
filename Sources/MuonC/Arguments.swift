internal import CMuon
internal import MuonOptimizers

// What every entry point asks of its arguments before it uses them.

func null(_ name: String) -> CallError {
  CallError(MUON_ERR_INVALID_ARGUMENT, "\(name) is NULL")
}

private func misaligned(_ name: String) -> CallError {
  CallError(MUON_ERR_INVALID_ARGUMENT, "\(name) is not aligned to what it points to")
}

/// Requires a pointer to something that can be read.
@unsafe
func required<T>(_ pointer: UnsafePointer<T>?, _ name: String) throws -> UnsafePointer<T> {
  guard let pointer = unsafe pointer else { throw null(name) }
  guard UInt(bitPattern: pointer) % UInt(MemoryLayout<T>.alignment) == 0 else {
    throw misaligned(name)
  }
  return unsafe pointer
}

/// Requires a pointer to something that can be written.
@unsafe
func required<T>(
  _ pointer: UnsafeMutablePointer<T>?, _ name: String
) throws -> UnsafeMutablePointer<T> {
  guard let pointer = unsafe pointer else { throw null(name) }
  _ = try unsafe required(UnsafePointer(pointer), name)
  return unsafe pointer
}

/// The largest number of parameters, optimizers or schedules that one call takes.
let maximumListCount = 1 << 20

/// Requires a list that a caller counted. NULL will do for an empty one.
@unsafe
func list<T>(
  _ pointer: UnsafePointer<T>?, count: Int, most: Int = maximumListCount, _ name: String
) throws -> UnsafeBufferPointer<T> {
  guard count >= 0, count <= most else {
    throw CallError(
      MUON_ERR_INVALID_ARGUMENT,
      "the number of \(name) must be at most \(most), got \(UInt(bitPattern: count))")
  }
  guard count > 0 else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
  try requireMemory(for: count, each: 1024)
  return unsafe UnsafeBufferPointer(start: try required(pointer, name), count: count)
}

/// Requires memory for so many numbers. NULL will do for an empty one. Whether it is aligned to them is seen when their
/// type is known.
@unsafe
func memory(
  _ pointer: UnsafeMutableRawPointer?, _ count: Int, _ name: String
) throws(MuonError) -> NumberMemory {
  guard count >= 0, count <= Int.max / MemoryLayout<Float>.stride else {
    throw MuonError(
      .shape, "\(name): \(UInt(bitPattern: count)) elements are more than can be addressed")
  }
  guard unsafe pointer != nil || count == 0 else {
    throw MuonError(
      .invalidArgument, "\(name) is NULL; its count of \(count) needs memory")
  }
  return unsafe NumberMemory(pointer, count: count)
}

/// Requires a buffer of floats. NULL will do for an empty one.
@unsafe
func floats(
  _ pointer: UnsafeMutableRawPointer?, count: Int, _ name: String
) throws -> UnsafeMutableBufferPointer<Float> {
  guard count >= 0, count <= Int.max / MemoryLayout<Float>.stride else {
    throw CallError(
      MUON_ERR_SHAPE, "\(name): \(UInt(bitPattern: count)) floats are more than can be addressed")
  }
  guard let pointer = unsafe pointer else {
    guard count == 0 else {
      throw CallError(
        MUON_ERR_INVALID_ARGUMENT, "\(name) is NULL; its count of \(count) needs memory")
    }
    return unsafe UnsafeMutableBufferPointer(start: nil, count: 0)
  }
  let address = UInt(bitPattern: pointer)
  guard address % UInt(MemoryLayout<Float>.alignment) == 0 else { throw misaligned(name) }
  let bytes = UInt(count) * UInt(MemoryLayout<Float>.stride)
  guard !address.addingReportingOverflow(bytes).overflow else {
    throw CallError(
      MUON_ERR_INVALID_ARGUMENT, "\(name) goes past the end of the address space")
  }
  return unsafe UnsafeMutableBufferPointer(
    start: pointer.assumingMemoryBound(to: Float.self), count: count)
}

/// The same for floats that are only read.
@unsafe
func floats(
  _ pointer: UnsafePointer<Float>?, count: Int, _ name: String
) throws -> UnsafeBufferPointer<Float> {
  unsafe UnsafeBufferPointer(
    try floats(UnsafeMutableRawPointer(mutating: pointer), count: count, name))
}

/// Where a call writes a list: the arguments `outThings, capacity, outCount` that end it.
@safe
struct ListResult<Element> {
  private let elements: UnsafeMutablePointer<Element>?
  private let count: UnsafeMutablePointer<Int>
  let capacity: Int

  /// Checked before the call does anything. With a capacity of 0 there need be no list.
  init(
    _ elements: UnsafeMutablePointer<Element>?, _ name: String, capacity: Int,
    count: UnsafeMutablePointer<Int>?
  ) throws {
    unsafe self.count = try unsafe required(count, "outCount")
    guard capacity >= 0 else {
      throw CallError(
        MUON_ERR_INVALID_ARGUMENT, "a capacity of \(UInt(bitPattern: capacity)) is past memory")
    }
    unsafe self.elements = capacity == 0 ? nil : try unsafe required(elements, name)
    self.capacity = capacity
  }

  /// Writes as many as there is room for, and how many there are.
  func write(_ values: [Element]) {
    for (index, value) in values.prefix(capacity).enumerated() { unsafe elements?[index] = value }
    writeCount(values.count)
  }

  func copy(_ values: UnsafeBufferPointer<Element>) where Element: BitwiseCopyable {
    if let from = values.baseAddress {
      unsafe elements?.update(from: from, count: min(capacity, values.count))
    }
    writeCount(values.count)
  }

  /// In float32.
  func copy(_ numbers: Numbers) where Element == Float {
    if let elements = unsafe elements {
      let part = numbers.first(min(capacity, numbers.count))
      unsafe part.widen(
        into: Elements(UnsafeMutableBufferPointer(start: elements, count: part.count)))
    }
    writeCount(numbers.count)
  }

  func writeCount(_ count: Int) { unsafe self.count.pointee = count }

  /// For a call that makes what it lists: what is not written could never be destroyed.
  func requireRoom(for needed: Int, _ things: String) throws {
    guard needed <= capacity else {
      throw CallError(
        MUON_ERR_INVALID_ARGUMENT,
        "there are \(needed) \(things), and the capacity is \(capacity); nothing was made")
    }
  }
}

/// A 0 or 1.
func flag(_ value: Int32, _ name: String) throws -> Bool {
  guard value == 0 || value == 1 else {
    throw CallError(MUON_ERR_INVALID_ARGUMENT, "\(name) must be 0 or 1, got \(value)")
  }
  return value == 1
}
