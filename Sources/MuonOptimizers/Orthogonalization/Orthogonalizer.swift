/// A backend with its coefficients worked out, ready to be run on matrices.
struct Orthogonalizer {
  let backend: Backend
  let coefficients: [Coefficients]
  let epsilon: Double

  init(
    backend: Backend, steps: Int?, epsilon: Double, precision: Precision
  ) throws(MuonError) {
    coefficients = try backend.coefficients(steps: steps)
    try requireNonNegative(epsilon, "eps")
    try precision.check()
    self.backend = backend
    self.epsilon = epsilon
  }

  /// The memory one matrix needs, itself included.
  struct Need {
    var floats = 0
    var integers = 0

    /// Enough for either, one after the other.
    mutating func formMaximum(_ other: Need) {
      floats = max(floats, other.floats)
      integers = max(integers, other.integers)
    }
  }

  func need(rows: Int, columns: Int) throws(MuonError) -> Need {
    let (count, short) = (rows * columns, min(rows, columns))
    guard count > 0 else { return Need() }
    guard backend == .svd else { return Need(floats: 2 * count + 2 * short * short) }
    let scratch = try PolarFactor.scratch(rows: rows, columns: columns)
    return Need(floats: count + scratch.floats, integers: scratch.integers)
  }

  /// Memory for one worker. The matrix to orthogonalize is put at its start.
  final class Scratch {
    let floats: Buffer<Float>
    let integers: Buffer<Int32>

    init(_ need: Need) throws(MuonError) {
      floats = try Buffer(count: need.floats)
      integers = try Buffer(count: need.integers)
    }

    func holds(_ need: Need) -> Bool {
      floats.count >= need.floats && integers.count >= need.integers
    }

    func matrix(rows: Int, columns: Int) -> Matrix {
      unsafe Matrix(floats.start, rows, columns)
    }
  }

  /// Orthogonalizes `scratch.matrix(rows:columns:)` in place. Zeros stay zeros; a matrix with NaN or
  /// infinity becomes NaN. Returns false where LAPACK did not converge, which only `svd` can do.
  func orthogonalize(rows: Int, columns: Int, in scratch: Scratch) -> Bool {
    let x = unsafe scratch.matrix(rows: rows, columns: columns)
    let norm = unsafe x.frobeniusNorm()
    guard norm != 0 else { return true }
    guard norm.isFinite else {
      unsafe x.fill(.nan)
      return true
    }
    let afterX = unsafe x.floats + x.count
    guard backend != .svd else {
      unsafe x.scale(by: 1 / norm)
      return unsafe PolarFactor.replace(x, floats: afterX, integers: scratch.integers.start)
    }
    unsafe x.scale(by: 1 / (norm + epsilon))
    let short = unsafe x.shortSide
    let afterNext = unsafe afterX + x.count
    unsafe NewtonSchulz.iterate(
      x, coefficients, aolScaling: backend.usesAOLScaling,
      next: Matrix(afterX, rows, columns),
      gram: Matrix(afterNext, short, short),
      polynomial: Matrix(afterNext + short * short, short, short))
    return true
  }
}
