/// Memory to orthogonalize one matrix at a time: the sums of squares of its parts, the matrix itself, and
/// what its plan needs besides.
final class OrthogonalizationScratch {
  /// In elements.
  struct Size {
    var floats = 0
    /// Float64.
    var sums = 0
    var integers = 0

    /// Enough for either, one after the other.
    mutating func formMaximum(_ other: Size) {
      floats = max(floats, other.floats)
      sums = max(sums, other.sums)
      integers = max(integers, other.integers)
    }
  }

  private let floatBuffer: Buffer<Float>
  private let sumBuffer: Buffer<Double>
  private let integerBuffer: Buffer<Int32>

  init(_ size: Size) throws(MuonError) {
    floatBuffer = try Buffer(count: size.floats)
    sumBuffer = try Buffer(count: size.sums)
    integerBuffer = try Buffer(count: size.integers)
  }

  var bytes: Int {
    floats.count * MemoryLayout<Float>.stride + sums.count * MemoryLayout<Double>.stride
      + integers.count * MemoryLayout<Int32>.stride
  }

  func holds(_ size: Size) -> Bool {
    floats.count >= size.floats && sums.count >= size.sums && integers.count >= size.integers
  }

  /// The matrix, and what its plan needs.
  var floats: Floats { floatBuffer.elements }
  /// The sums of squares of the parts that the element-wise passes over the matrix are handed out in.
  var sums: Elements<Double> { sumBuffer.elements }
  /// LAPACK's.
  var integers: Elements<Int32> { integerBuffer.elements }

  /// The matrix that `OrthogonalizationPlan.run` works on.
  func matrix(rows: Int, columns: Int) -> Matrix { Matrix(floats, rows, columns) }

  /// What is behind so many floats.
  func arena(from start: Int) -> Arena<Float> { Arena(floats[start..<floats.count]) }
}
