internal import CMuonKernels

/// The passes over numbers of any type. Those of 16 bits give what the same numbers in float32 give, to the bit.
extension Numbers {
  /// Of bfloat16 and float16; `nil` of the other types.
  private var half: muon_half? {
    switch type {
    case .bfloat16: MUON_HALF_BF16
    case .float16: MUON_HALF_F16
    case .float32, .int16: nil
    }
  }

  /// y ← x, exactly.
  package func widen(into y: Elements<Float>) {
    precondition(y.count == count)
    if let floats {
      y.copy(from: floats)
    } else if let half, let bits {
      unsafe Kernels.passes.widen(half, count, bits.start, y.start)
    } else {
      let x = unsafe start.assumingMemoryBound(to: Int16.self)
      for i in 0..<count { unsafe y.start[i] = Float(x[i]) }
    }
  }

  /// These in float32: where they are, or else in memory that has room for them.
  func widened(in memory: @autoclosure () -> Floats) -> Floats {
    if let floats { return floats }
    let memory = memory()
    widen(into: memory)
    return memory
  }

  /// x ← y, rounded to nearest even; integers must be such.
  package func round(from y: Elements<Float>) {
    precondition(y.count == count)
    if let floats {
      floats.copy(from: y)
    } else if let half, let bits {
      unsafe Kernels.passes.narrow(half, count, y.start, bits.start)
    } else {
      let x = unsafe start.assumingMemoryBound(to: Int16.self)
      for i in 0..<count { unsafe x[i] = Int16(exactly: y.start[i]) ?? 0 }
    }
  }

  /// Where these are not the master rounded, somebody has written them, and the master becomes what they are.
  func lead(_ master: Floats) {
    precondition(master.count == count)
    guard let half, let bits else { return }
    unsafe Kernels.passes.follow(half, count, bits.start, master.start)
  }

  /// y, of bfloat16 and the remainders beside it; see `split(_:into:)`.
  func join(_ remainder: Numbers, into y: Floats) {
    precondition(remainder.count == count && y.count == count)
    guard let bits, let rest = remainder.bits else { return }
    unsafe Kernels.passes.join(
      count, bits.start, UnsafeRawPointer(rest.start).assumingMemoryBound(to: Int16.self), y.start)
  }

  /// Becomes the nearest to y, ties away from 0; what is left goes to the remainders.
  func split(_ y: Floats, into remainder: Numbers) {
    precondition(remainder.count == count && y.count == count)
    guard let bits, let rest = remainder.bits else { return }
    unsafe Kernels.passes.split(
      count, y.start, bits.start,
      UnsafeMutableRawPointer(rest.start).assumingMemoryBound(to: Int16.self))
  }

  /// Σ x²
  func sumOfSquares() -> Double {
    guard let half, let bits else { return floats?.sumOfSquares() ?? 0 }
    return unsafe Kernels.passes.sum_of_squared_halves(half, count, bits.start)
  }

  /// The highest magnitude, as the bits of a float32: infinity and NaN are the highest.
  func highest() -> UInt32 {
    guard let half, let bits else { return floats?.highest() ?? 0 }
    return unsafe Kernels.passes.highest_half(half, count, bits.start)
  }

  /// Whether none is NaN or infinity.
  var areFinite: Bool { isFinite(highest()) }

  /// A copy in float32.
  package var values: [Float] {
    unsafe [Float](unsafeUninitializedCapacity: count) { values, initialized in
      widen(into: unsafe Elements(values))
      initialized = count
    }
  }

  /// Requires of numbers that are to be stored as integers that they are such.
  package func requireIntegers(
    _ values: some Sequence<Float>, of what: @autoclosure () -> String
  ) throws(MuonError) {
    guard type == .int16 else { return }
    for value in values where Int16(exactly: value) == nil {
      throw MuonError(
        .invalidArgument,
        "\(what()) has whole numbers from \(Int16.min) to \(Int16.max), got \(value)")
    }
  }

  /// Copies as many numbers here, rounded to nearest even.
  func copy(from values: [Float]) {
    precondition(values.count == count)
    // Only read.
    unsafe values.withUnsafeBufferPointer {
      unsafe round(from: Elements(UnsafeMutableBufferPointer(mutating: $0)))
    }
  }

  /// Runs `body` for both in float32, part by part where one of them is not: on the stack, for a look at numbers that
  /// allocates nothing.
  static func forEachWidened(_ x: Numbers, _ y: Numbers, _ body: (Floats, Floats) -> Void) {
    precondition(x.count == y.count)
    if let x = x.floats, let y = y.floats { return body(x, y) }
    Floats.onStack { memory in
      let most = memory.count / 2
      for start in stride(from: 0, to: x.count, by: most) {
        let part = start..<min(start + most, x.count)
        let (wideX, wideY) = (memory[0..<part.count], memory[most..<most + part.count])
        x[part].widen(into: wideX)
        y[part].widen(into: wideY)
        body(wideX, wideY)
      }
    }
  }
}

extension Elements where Element == Float {
  /// Lends memory on the stack: as much as Swift has there, and not on the heap.
  static func onStack(_ body: (Floats) -> Void) {
    unsafe withUnsafeTemporaryAllocation(
      of: Float.self, capacity: 1024 / MemoryLayout<Float>.stride
    ) { body(unsafe Elements($0)) }
  }
}
