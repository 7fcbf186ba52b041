import MuonOptimizers
import Testing

/// Each polynomial in float32 against the same polynomial in float64, on the same matrix.
struct BackendTests {
  static let short = Backend.custom([
    Coefficients(4.0848, -6.8946, 2.9270), Coefficients(2.8769, -3.1427, 1.2046),
  ])
  static let polynomials = Backend.named.filter { $0 != .svd } + [short]

  /// None of the extents is a multiple of a tile.
  static let shapes = [(37, 37), (37, 53), (53, 37), (13, 52), (52, 13)]

  @Test(arguments: Spectrum.allCases, shapes)
  func evaluatesItsPolynomial(_ spectrum: Spectrum, _ shape: (rows: Int, columns: Int)) throws {
    let matrix = spectrum.matrix(rows: shape.rows, columns: shape.columns)
    for backend in BackendTests.polynomials {
      let error = try error(of: backend, on: matrix, shape.rows, shape.columns)
      #expect(error < tolerance(backend, spectrum), "\(backend.name)")
    }
  }

  /// A rounding error of float32 is about 6e-8 of the largest singular value, and so up to 6e-4 of
  /// one that is 1e-4 times as large. A polynomial that brings the small ones up to 1 brings their
  /// errors up, too: seen were 1.2e-5 after 5 steps and 5e-5 after 10. And `cans` is steep: its
  /// first polynomial has slope 26 at 1; seen were 1.2e-5.
  private func tolerance(_ backend: Backend, _ spectrum: Spectrum) -> Double {
    switch (spectrum, backend) {
    case (.logspace, .deepSeekV4), (.logspace, .orthogonalize): 1e-4
    case (.logspace, _), (.lowRank, _), (_, .cans): 3e-5
    case (.gaussian, _), (.powerLaw, _): 1e-5
    }
  }

  @Test(arguments: polynomials, [(1, 1), (1, 29), (29, 1), (2, 3)])
  func acceptsVectors(_ backend: Backend, _ shape: (rows: Int, columns: Int)) throws {
    let (rows, columns) = shape
    let matrix = Spectrum.gaussian.matrix(rows: rows, columns: columns)
    // The one singular value of a vector is 1, where the polynomials of `cans` and `cubic5` are so
    // steep that the rounding of the norm shows: four roundings, then.
    let g = DoubleMatrix(rows, columns, matrix)
    let exact = referenceOrthogonalize(g, backend: backend, epsilon: 1e-8)
    let rounded = referenceOrthogonalize(g, backend: backend, epsilon: 1e-8 + 2.4e-7 * g.norm)
    let tolerance = max(1e-5, relativeError(rounded.elements, exact.elements))
    #expect(try error(of: backend, on: matrix, rows, columns) < tolerance)
  }

  /// Fewer steps than rows, more, and many more: the rows begin again, or the last repeats.
  @Test(
    arguments: [
      (Backend.newtonSchulz5, [1, 2, 8]), (.you, [1, 4, 7, 10]), (.polarExpress, [1, 3, 8, 20]),
      (.cans, [2, 9]), (.deepSeekV4, [3, 9, 12]), (.orthogonalize, [1, 5, 25]),
      (.cubic5, [5]), (.turbo, [4]), (short, [1, 2, 5, 9]),
    ])
  func takesANumberOfSteps(_ backend: Backend, _ stepCounts: [Int]) throws {
    let matrix = Spectrum.gaussian.matrix(rows: 7, columns: 12)
    for steps in stepCounts {
      #expect(try error(of: backend, on: matrix, 7, 12, steps: steps) < 1e-5, "\(steps) steps")
      #expect(try error(of: backend, on: matrix, 12, 7, steps: steps) < 1e-5, "\(steps) steps")
    }
  }

  /// X is G/(‖G‖_F + eps), whatever the scale; AOL scaling has neither of the two in its result.
  @Test(arguments: polynomials, [1e30, 1, 1e-6, 1e-12, 1e-30])
  func dividesByTheNormAndEpsilon(_ backend: Backend, _ scale: Double) throws {
    let matrix = Spectrum.gaussian.matrix(rows: 7, columns: 12).map { $0 * Float(scale) }
    for epsilon in [0, 1e-8, 10 * scale] where backend != .turbo || scale > 1e-20 * epsilon {
      #expect(try error(of: backend, on: matrix, 7, 12, epsilon: epsilon) < 1e-5, "\(epsilon)")
    }
  }

  /// The squares of what is next to nothing beside eps, or beside other rows, are past float32, and
  /// AOL has nothing to divide by: it stays next to nothing, and nothing else is spoilt by it.
  @Test(arguments: [1e-20, 1e-25, 1e-30, 1e-38] as [Float])
  func aolLeavesTinyRowsTiny(_ scale: Float) throws {
    let options = OrthogonalizeOptions(backend: .turbo)
    let matrix = Spectrum.gaussian.matrix(rows: 7, columns: 12)
    let tiny = try orthogonalize(
      matrix.map { scale * 1e-5 * $0 }, rows: 7, columns: 12, options: options)
    #expect(tiny.allSatisfy { abs($0) <= 1 })

    var (oneTiny, oneZero) = (matrix, matrix)
    for j in 24..<36 { (oneTiny[j], oneZero[j]) = (scale * matrix[j], 0) }
    let result = try orthogonalize(oneTiny, rows: 7, columns: 12, options: options)
    let expected = try orthogonalize(oneZero, rows: 7, columns: 12, options: options)
    #expect(relativeError(result, expected) < 1e-4)
  }

  @Test(arguments: Backend.named + [short])
  func leavesZerosAlone(_ backend: Backend) throws {
    let zeros = [Float](repeating: 0, count: 35)
    for epsilon in [0, 1e-8] {
      let options = OrthogonalizeOptions(backend: backend, epsilon: epsilon)
      #expect(try orthogonalize(zeros, rows: 5, columns: 7, options: options) == zeros)
      #expect(try orthogonalize(zeros, rows: 7, columns: 5, options: options) == zeros)
    }
  }

  /// Rows and columns of zeros among others stay zeros.
  @Test(arguments: Backend.named + [short])
  func keepsZeroRowsAndColumns(_ backend: Backend) throws {
    for (rows, columns) in [(6, 9), (9, 6)] {
      var matrix = Spectrum.gaussian.matrix(rows: rows, columns: columns)
      for j in 0..<columns { matrix[2 * columns + j] = 0 }
      for i in 0..<rows { matrix[i * columns + 4] = 0 }
      #expect(try error(of: backend, on: matrix, rows, columns) < 1e-5)
      let options = OrthogonalizeOptions(backend: backend)
      let result = try orthogonalize(matrix, rows: rows, columns: columns, options: options)
      // LAPACK rotates rows into each other, the polynomials do not.
      let limit: Float = backend == .svd ? 1e-6 : 0
      #expect((0..<columns).allSatisfy { abs(result[2 * columns + $0]) <= limit })
      #expect((0..<rows).allSatisfy { abs(result[$0 * columns + 4]) <= limit })
    }
  }

  private func error(
    of backend: Backend, on matrix: [Float], _ rows: Int, _ columns: Int, steps: Int? = nil,
    epsilon: Double = 1e-8
  ) throws -> Double {
    let options = OrthogonalizeOptions(backend: backend, steps: steps, epsilon: epsilon)
    let reference = referenceOrthogonalize(
      DoubleMatrix(rows, columns, matrix), backend: backend, steps: steps, epsilon: epsilon)
    return relativeError(
      try orthogonalize(matrix, rows: rows, columns: columns, options: options),
      reference.elements)
  }
}
