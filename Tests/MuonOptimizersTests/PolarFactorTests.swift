import MuonOptimizers
import Testing

/// Backend `svd` against polar factors by Jacobi rotations in float64.
struct PolarFactorTests {
  private let options = OrthogonalizeOptions(backend: .svd)

  @Test(arguments: Spectrum.allCases, [(24, 24), (17, 40), (40, 17), (1, 9), (9, 1), (1, 1)])
  func isThePolarFactor(_ spectrum: Spectrum, _ shape: (rows: Int, columns: Int)) throws {
    let matrix = spectrum.matrix(rows: shape.rows, columns: shape.columns)
    let result = try orthogonalize(
      matrix, rows: shape.rows, columns: shape.columns, options: options)
    let reference = referencePolarFactor(DoubleMatrix(shape.rows, shape.columns, matrix))
    #expect(relativeError(result, reference.elements) < 1e-4)
  }

  @Test(arguments: [(8, 20), (20, 8), (12, 12)])
  func hasOrthonormalRowsOrColumns(_ rows: Int, _ columns: Int) throws {
    let matrix = Spectrum.logspace.matrix(rows: rows, columns: columns)
    let result = DoubleMatrix(
      rows, columns, try orthogonalize(matrix, rows: rows, columns: columns, options: options))
    let gram = rows <= columns ? result * result.transposed : result.transposed * result
    #expect(relativeError(gram.elements, DoubleMatrix.identity(gram.rows).elements) < 1e-5)
  }

  /// Directions that are only rounding errors are left out.
  @Test(arguments: [(10, 16), (16, 10), (12, 12)])
  func leavesOutWhatIsNotThere(_ rows: Int, _ columns: Int) throws {
    let left = DoubleMatrix(rows, 3, gaussian(seed: 3, count: rows * 3))
    let right = DoubleMatrix(3, columns, gaussian(seed: 4, count: 3 * columns))
    let matrix = (left * right).elements.map { Float($0) }
    let result = try orthogonalize(matrix, rows: rows, columns: columns, options: options)
    let reference = referencePolarFactor(DoubleMatrix(rows, columns, matrix))
    #expect(relativeError(result, reference.elements) < 1e-4)
    #expect(abs(norm2(result.map { Double($0) }) - 3.squareRoot()) < 1e-5)
  }

  @Test(arguments: [1e30, 1e-30] as [Float])
  func acceptsAnyScale(_ scale: Float) throws {
    let matrix = Spectrum.gaussian.matrix(rows: 7, columns: 12)
    let result = try orthogonalize(
      matrix.map { $0 * scale }, rows: 7, columns: 12, options: options)
    let reference = referencePolarFactor(DoubleMatrix(7, 12, matrix))
    #expect(relativeError(result, reference.elements) < 1e-5)
  }

  /// It has no steps to choose, but a number within their range passes.
  @Test func takesNoNoticeOfSteps() throws {
    let matrix = Spectrum.gaussian.matrix(rows: 7, columns: 12)
    var other = options
    other.steps = 3
    other.epsilon = 100
    #expect(
      try orthogonalize(matrix, rows: 7, columns: 12, options: other)
        == orthogonalize(matrix, rows: 7, columns: 12, options: options))
  }
}
