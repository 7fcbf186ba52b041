internal import CMuonKernels

/// A backend with its coefficients worked out, ready to be run on matrices.
struct Orthogonalizer {
  let backend: Backend
  let coefficients: [Coefficients]
  let epsilon: Double
  private let table: CoefficientTable?
  private let precision: Precision
  private let method: Iteration

  init(
    backend: Backend, steps: Int?, epsilon: Double, precision: Precision, method: Iteration
  ) throws(MuonError) {
    coefficients = try backend.coefficients(steps: steps)
    table = try backend.table()
    try requireNonNegative(epsilon, "eps")
    if precision == .bf16, let table {
      guard ProductKernel.bf16 != nil else {
        throw MuonError(.unsupported, "precision bf16: the processor has no bfloat16 products")
      }
      guard table.toleratesBF16 else {
        throw MuonError(
          .unsupported, "precision bf16: backend \(backend.name) is too far off in bfloat16")
      }
    }
    if method == .gram {
      guard let table, table.gramRestarts != nil else {
        throw MuonError(
          .unsupported, "method gram: backend \(backend.name) is not known to stand it")
      }
      guard precision != .bf16 else {
        throw MuonError(.unsupported, "method gram: it is in float32, not in precision bf16")
      }
      guard coefficients.count <= Method.mostGramSteps else {
        throw MuonError(
          .unsupported,
          "method gram: it is close enough for at most \(Method.mostGramSteps) steps, "
            + "not for \(coefficients.count)")
      }
    }
    self.backend = backend
    self.epsilon = epsilon
    self.precision = precision
    self.method = method
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
    let count = rows * columns
    guard count > 0 else { return Need() }
    // The matrix, and the sums of the parts that its norm is taken of.
    let before = Scratch.matrixOffset(count: count) + count
    guard let table else {
      let scratch = try PolarFactor.scratch(rows: rows, columns: columns)
      return Need(floats: before + scratch.floats, integers: scratch.integers)
    }
    if min(rows, columns) == 1 { return Need(floats: before) }
    switch method(rows: rows, columns: columns, table) {
    case .standard(let kernel):
      return unsafe Need(
        floats: before + NewtonSchulz.Scratch.count(rows: rows, columns: columns, kernel))
    case .gram:
      return unsafe Need(
        floats: before + GramNewtonSchulz.Scratch.count(rows: rows, columns: columns, .f32))
    }
  }

  private func method(rows: Int, columns: Int, _ table: CoefficientTable) -> Method {
    Method.choose(rows: rows, columns: columns, table, coefficients, precision, method)
  }

  /// Memory for one matrix at a time.
  final class Scratch {
    let floats: Buffer<Float>
    let integers: Buffer<Int32>

    init(_ need: Need) throws(MuonError) {
      floats = try Buffer(count: need.floats)
      integers = try Buffer(count: need.integers)
    }

    var bytes: Int {
      floats.count * MemoryLayout<Float>.stride + integers.count * MemoryLayout<Int32>.stride
    }

    func holds(_ need: Need) -> Bool {
      floats.count >= need.floats && integers.count >= need.integers
    }

    /// One sum for each part that the element-wise passes are handed out in.
    static func matrixOffset(count: Int) -> Int {
      let sums = unsafe (count + Matrix.chunk - 1) / Matrix.chunk
      // As float64, and the matrix behind them on a cache line.
      return (2 * sums + 15) / 16 * 16
    }

    func matrix(rows: Int, columns: Int) -> Matrix {
      unsafe Matrix(floats.start + Self.matrixOffset(count: rows * columns), rows, columns)
    }

    /// The sums of squares of the parts of the matrix.
    var sums: UnsafeMutablePointer<Double> {
      unsafe UnsafeMutableRawPointer(floats.start).assumingMemoryBound(to: Double.self)
    }
  }

  /// Orthogonalizes `scratch.matrix(rows:columns:)`, of which `scratch.sums` has the sums of squares,
  /// and writes the result O to `target`; zeros give zeros, NaN or infinity gives NaN. All members of a
  /// team call it together. Returns false where LAPACK did not converge, which only `svd` can do; then
  /// nothing is written.
  func orthogonalize(
    rows: Int, columns: Int, in scratch: Scratch, to target: Target, by member: Team.Member
  ) -> Bool {
    let x = unsafe scratch.matrix(rows: rows, columns: columns)
    let norm = unsafe (0..<x.chunks).reduce(0) { unsafe $0 + scratch.sums[$1] }.squareRoot()
    guard norm != 0, norm.isFinite else {
      unsafe fill(x, with: norm == 0 ? 0 : .nan, by: member)
      unsafe move(target, along: x, by: member)
      return true
    }
    let afterX = unsafe x.floats + x.count
    guard let table else {
      // LAPACK is not for teams: one member solves, and all of them move.
      Denormals.kept { unsafe x.scale(by: 1 / norm, by: member) }
      member.forEach(1) { _ in
        // Whoever called has required it.
        let done =
          if let blas = OpenBLAS.loaded {
            BLASThreads.single(blas) {
              unsafe PolarFactor.replace(x, floats: afterX, integers: scratch.integers.start, blas)
            }
          } else {
            false
          }
        unsafe scratch.sums[0] = done ? 1 : 0
      }
      let converged = unsafe scratch.sums[0] == 1
      // All have read it before one goes on and writes there.
      member.waitForOthers()
      if converged { unsafe move(target, along: x, by: member) }
      return converged
    }
    // A vector's one singular value is its norm, which needs no products.
    let isVector = min(rows, columns) == 1
    // AOL scaling takes any factor out again. With a large eps the squares it needs could be lost.
    let size = backend.usesAOLScaling ? norm : norm + epsilon
    var scale =
      isVector
      ? NewtonSchulz.value(norm / size, coefficients, aolScaling: backend.usesAOLScaling) / norm
      : 1 / size
    // It is taken into the first product, unless squares of elements could leave float32.
    if !(1e-12...1e12).contains(scale) {
      // All elements may be denormal; after this, those that are are nothing beside the others.
      Denormals.kept { unsafe x.scale(by: scale, by: member) }
      scale = 1
    }
    if isVector {
      let scaled = unsafe Target(
        floats: target.floats, keep: target.keep, rate: target.rate * Float(scale))
      unsafe move(scaled, along: x, by: member)
      if let copy = unsafe target.copy {
        unsafe move(Target(floats: copy, keep: 0, rate: Float(scale)), along: x, by: member)
      }
      return true
    }
    switch method(rows: rows, columns: columns, table) {
    case .standard(let kernel):
      unsafe NewtonSchulz.iterate(
        x, scale: Float(scale), coefficients, aolScaling: backend.usesAOLScaling, kernel,
        NewtonSchulz.Scratch(at: afterX, rows: rows, columns: columns, kernel), to: target,
        by: member)
    case .gram(let restarts):
      unsafe GramNewtonSchulz.iterate(
        x, scale: Float(scale), coefficients, restarts: restarts, .f32,
        GramNewtonSchulz.Scratch(at: afterX, rows: rows, columns: columns, .f32), to: target,
        by: member)
    }
    return true
  }

  private func fill(_ x: Matrix, with value: Float, by member: Team.Member) {
    let floats = unsafe x.floats
    unsafe x.forEachChunk(by: member) { offset, count in
      unsafe (floats + offset).update(repeating: value, count: count)
    }
  }

  /// p ← keep p + rate O
  private func move(_ target: Target, along o: Matrix, by member: Team.Member) {
    let floats = unsafe o.floats
    unsafe o.forEachChunk(by: member) { offset, count in
      unsafe target.move(along: floats, offset: offset, count: count)
    }
  }
}

extension Target {
  /// p ← keep p + rate O for a part of it.
  func move(along o: UnsafeMutablePointer<Float>, offset: Int, count: Int) {
    let p = unsafe floats + offset
    if unsafe keep == 0 {
      for i in 0..<count { unsafe p[i] = rate * o[offset + i] }
    } else {
      unsafe CPU.passes.move?(count, p, o + offset, keep, -rate)
    }
    if let copy = unsafe copy { unsafe (copy + offset).update(from: o + offset, count: count) }
  }
}

extension Orthogonalizer {
  /// In multiplications, about.
  func cost(rows: Int, columns: Int) -> Double {
    Double(rows * columns) * Double(min(rows, columns)) * Double(coefficients.count + 1)
  }
}
