import MuonOptimizers
import Testing

/// What `orthogonalize` promises with its defaults: ten steps of (3, -3.2, 1.2).
struct OrthogonalizeTests {
  /// Singular values from 1 to 1/2, which ten steps bring to 1 but for 0.6¹⁰ of the distance.
  private func wellConditioned(_ rows: Int, _ columns: Int) -> [Float] {
    let noise = Spectrum.gaussian.matrix(rows: rows, columns: columns)
    let polar = referencePolarFactor(DoubleMatrix(rows, columns, noise))
    return zip(polar.elements, noise).map { Float($0) + 0.02 * $1 }
  }

  @Test(arguments: [(16, 16), (12, 30), (30, 12)])
  func rowsOrColumnsAreNearlyOrthonormal(_ rows: Int, _ columns: Int) throws {
    let result = DoubleMatrix(
      rows, columns,
      try orthogonalize(wellConditioned(rows, columns), rows: rows, columns: columns))
    let gram = rows <= columns ? result * result.transposed : result.transposed * result
    let difference = gram + -1 * DoubleMatrix.identity(gram.rows)
    #expect(difference.elements.allSatisfy { abs($0) < 0.01 })
  }

  @Test(arguments: Backend.named)
  func doesNotDependOnTheScale(_ backend: Backend) throws {
    let options = OrthogonalizeOptions(backend: backend, epsilon: 0)
    let matrix = Spectrum.gaussian.matrix(rows: 9, columns: 14)
    let result = try orthogonalize(matrix, rows: 9, columns: 14, options: options)
    for scale in [-1, 1e-20, 0.3, 7, 1e20] as [Float] {
      let scaled = try orthogonalize(
        matrix.map { $0 * scale }, rows: 9, columns: 14, options: options)
      let expected = result.map { scale < 0 ? -$0 : $0 }
      #expect(relativeError(scaled, expected) < 1e-5, "\(scale)")
    }
  }

  /// AOL scales the shorter side, so that a square matrix has another result than its transpose.
  @Test(arguments: Backend.named, [(9, 14), (11, 11)])
  func commutesWithTransposing(_ backend: Backend, _ shape: (rows: Int, columns: Int)) throws {
    let options = OrthogonalizeOptions(backend: backend)
    let (rows, columns) = shape
    guard backend != .turbo || rows != columns else { return }
    let matrix = Spectrum.powerLaw.matrix(rows: rows, columns: columns)
    let transposed = DoubleMatrix(rows, columns, matrix).transposed.elements.map { Float($0) }
    let result = try orthogonalize(matrix, rows: rows, columns: columns, options: options)
    let other = try orthogonalize(transposed, rows: columns, columns: rows, options: options)
    let back = DoubleMatrix(columns, rows, other).transposed
    #expect(relativeError(result, back.elements) < 3e-5)
  }

  @Test(arguments: [(0, 0), (0, 5), (5, 0), (0, Int.max)])
  func acceptsEmptyMatrices(_ rows: Int, _ columns: Int) throws {
    for backend in Backend.named {
      let options = OrthogonalizeOptions(backend: backend)
      #expect(try orthogonalize([], rows: rows, columns: columns, options: options) == [])
    }
  }

  @Test func worksInPlace() throws {
    let matrix = Spectrum.gaussian.matrix(rows: 9, columns: 14)
    let expected = try orthogonalize(matrix, rows: 9, columns: 14)
    var inPlace = matrix
    try unsafe inPlace.withUnsafeMutableBufferPointer { elements in
      let elements = unsafe Elements(elements)
      try orthogonalize(
        elements, rows: 9, columns: 14, options: OrthogonalizeOptions(), into: elements)
    }
    #expect(sameBits(inPlace, expected))

    var apart = [Float](repeating: .nan, count: matrix.count)
    var source = matrix
    try unsafe source.withUnsafeMutableBufferPointer { source in
      try unsafe apart.withUnsafeMutableBufferPointer { target in
        try orthogonalize(
          unsafe Elements(source), rows: 9, columns: 14, options: OrthogonalizeOptions(),
          into: unsafe Elements(target))
      }
    }
    #expect(sameBits(apart, expected))
  }

  /// Also where the element is the last, and no multiple of a vector register.
  @Test(arguments: Backend.named, [Float.nan, .infinity, -.infinity])
  func refusesWhatIsNotFinite(_ backend: Backend, _ value: Float) {
    for index in [0, 17, 34] {
      var matrix = [Float](repeating: 1, count: 35)
      matrix[index] = value
      let error = #expect(throws: MuonError.self) {
        try orthogonalize(
          matrix, rows: 5, columns: 7, options: OrthogonalizeOptions(backend: backend))
      }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test(arguments: [
    (2, 3), (-1, -6), (6, -1), (0, 6), (Int.max, Int.max), (Int.min, Int.min), (1 << 32, 1 << 32),
    (Int.max, 2), (1, 7), (1, 5),
  ])
  func refusesWrongShapes(_ rows: Int, _ columns: Int) {
    let matrix = [Float](repeating: 1, count: rows == 2 ? 7 : 6)
    let error = #expect(throws: MuonError.self) {
      try orthogonalize(matrix, rows: rows, columns: columns)
    }
    #expect(error?.code == .shape)
  }

  @Test func refusesOptions() {
    let matrix: [Float] = [1, 2, 3, 4]
    let wrong: [(OrthogonalizeOptions, MuonError.Code)] = [
      (OrthogonalizeOptions(steps: 0), .invalidArgument),
      (OrthogonalizeOptions(steps: 100), .invalidArgument),
      (OrthogonalizeOptions(backend: .turbo, steps: 5), .invalidArgument),
      (OrthogonalizeOptions(backend: .custom([])), .invalidArgument),
      (OrthogonalizeOptions(epsilon: -1e-9), .invalidArgument),
      (OrthogonalizeOptions(epsilon: .nan), .invalidArgument),
      (OrthogonalizeOptions(epsilon: .infinity), .invalidArgument),
      (OrthogonalizeOptions(backend: .polarExpress, precision: .bf16), .unsupported),
    ]
    for (options, code) in wrong {
      let error = #expect(throws: MuonError.self) {
        try orthogonalize(matrix, rows: 2, columns: 2, options: options)
      }
      #expect(error?.code == code)
    }
  }

  /// Large enough that `auto` may use integers.
  @Test func float32IsTheDefault() throws {
    let matrix = uniform(seed: 5, count: 70 * 90)
    let explicit = try orthogonalize(
      matrix, rows: 70, columns: 90, options: OrthogonalizeOptions(precision: .f32))
    #expect(sameBits(explicit, try orthogonalize(matrix, rows: 70, columns: 90)))
  }
}
