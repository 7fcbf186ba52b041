internal import CMuonKernels

/// Memory to orthogonalize one matrix at a time: the sums of squares of its parts, the matrix itself, and
/// what its plan needs besides.
final class OrthogonalizationScratch {
  /// In elements.
  struct Size {
    var floats = 0
    var integers = 0

    /// Enough for either, one after the other.
    mutating func formMaximum(_ other: Size) {
      floats = max(floats, other.floats)
      integers = max(integers, other.integers)
    }
  }

  let floats: Buffer<Float>
  let integers: Buffer<Int32>

  init(_ size: Size) throws(MuonError) {
    floats = try Buffer(count: size.floats)
    integers = try Buffer(count: size.integers)
  }

  var bytes: Int {
    floats.count * MemoryLayout<Float>.stride + integers.count * MemoryLayout<Int32>.stride
  }

  func holds(_ size: Size) -> Bool {
    floats.count >= size.floats && integers.count >= size.integers
  }

  /// One sum for each part that the element-wise passes are handed out in.
  static func matrixOffset(count: Int) -> Int {
    let sums = unsafe (count + Matrix.chunk - 1) / Matrix.chunk
    // As float64, and the matrix behind them on a cache line.
    return (2 * sums + 15) / 16 * 16
  }

  /// The matrix that `OrthogonalizationPlan.run` works on.
  func matrix(rows: Int, columns: Int) -> Matrix {
    unsafe Matrix(floats.start + Self.matrixOffset(count: rows * columns), rows, columns)
  }

  /// The sums of squares of the parts of the matrix.
  var sums: UnsafeMutablePointer<Double> {
    unsafe UnsafeMutableRawPointer(floats.start).assumingMemoryBound(to: Double.self)
  }
}
