import MuonOptimizers
import Testing

/// How far each precision may be from the float64 polynomial, on matrices that are large enough for
/// bfloat16, for the Gram iteration, and for sums in more than one block.
///
/// Seen in float32 were 9e-6 on Gaussian matrices, and 2e-4 on others (Gram); in bfloat16, 2.9e-2
/// on any, where an iteration that stores bfloat16 is up to 0.5 off.
struct PrecisionTests {
  static let shapes = [(128, 128), (96, 384), (384, 96), (70, 515)]
  static let polynomials = Backend.named.filter { $0 != .svd }

  @Test(arguments: Spectrum.allCases, shapes)
  func isCloseEnough(_ spectrum: Spectrum, _ shape: (rows: Int, columns: Int)) throws {
    let (rows, columns) = shape
    let matrix = spectrum.matrix(rows: rows, columns: columns)
    let g = DoubleMatrix(rows, columns, matrix)
    let hasBFloat16 = processorHasBFloat16()
    for backend in PrecisionTests.polynomials {
      let exact = referenceOrthogonalize(g, backend: backend, epsilon: 1e-8)
      func error(_ precision: Precision) throws -> Double {
        let options = OrthogonalizeOptions(backend: backend, precision: precision)
        return relativeError(
          try orthogonalize(matrix, rows: rows, columns: columns, options: options),
          exact.elements)
      }
      let f32 = try error(.f32)
      #expect(f32 <= (spectrum == .gaussian ? 1e-4 : 1e-3), "\(backend.name) f32")

      let auto = try error(.auto)
      #expect(auto <= 3e-2, "\(backend.name) auto")
      if hasBFloat16, backend != .polarExpress, backend != .cans {
        let bf16 = try error(.bf16)
        #expect(bf16 <= 3e-2, "\(backend.name) bf16")
        #expect(bf16 > 1e-4, "\(backend.name): these are not bfloat16 products")
      } else {
        #expect(auto == f32, "\(backend.name)")
      }
    }
  }

  /// Extents that have no factor in common with a tile, and sums in blocks that end anywhere.
  @Test(arguments: [
    (1, 1), (31, 33), (129, 131), (200, 203), (129, 257), (257, 129), (513, 77), (77, 513),
    (65, 1031), (3, 1500), (1500, 3), (1, 70001),
  ])
  func acceptsEveryShape(_ rows: Int, _ columns: Int) throws {
    let matrix = uniform(seed: 9, count: rows * columns)
    let exact = referenceOrthogonalize(
      DoubleMatrix(rows, columns, matrix), backend: .newtonSchulz5, epsilon: 1e-8)
    for (precision, bar) in [(Precision.f32, 1e-5), (.auto, 3e-2)] {
      let options = OrthogonalizeOptions(backend: .newtonSchulz5, precision: precision)
      let result = try orthogonalize(matrix, rows: rows, columns: columns, options: options)
      #expect(relativeError(result, exact.elements) < bar, "\(precision)")
    }
  }

  /// What was in the result before is not read, nor is it used as scratch where it is the matrix.
  @Test(arguments: Backend.named, [(70, 90), (90, 70), (66, 300), (300, 66)])
  func resultIsOnlyWritten(_ backend: Backend, _ shape: (rows: Int, columns: Int)) throws {
    let (rows, columns) = shape
    let matrix = uniform(seed: 10, count: rows * columns)
    for precision in [Precision.f32, .auto] {
      let options = OrthogonalizeOptions(backend: backend, precision: precision)
      var apart = [Float](repeating: 0, count: matrix.count)
      var inPlace = matrix
      for before in [Float.nan, .infinity, 3e38] {
        apart = [Float](repeating: before, count: matrix.count)
        try unsafe matrix.withUnsafeBufferPointer { source in
          try unsafe apart.withUnsafeMutableBufferPointer { target in
            try unsafe orthogonalize(
              source, rows: rows, columns: columns, options: options, into: target)
          }
        }
        #expect(apart.allSatisfy { abs($0) < 2 }, "\(precision), \(before)")
      }
      try unsafe inPlace.withUnsafeMutableBufferPointer { elements in
        try unsafe orthogonalize(
          UnsafeBufferPointer(elements), rows: rows, columns: columns, options: options,
          into: elements)
      }
      #expect(sameBits(inPlace, apart), "\(precision)")
    }
  }

  /// Norms from which the scale can, and cannot, be taken into the first product.
  @Test(arguments: [1e-30, 1e-14, 1e-11, 1e-3, 1e9, 1e11, 1e30] as [Float], [(70, 80), (70, 300)])
  func doesNotDependOnTheScale(_ scale: Float, _ shape: (rows: Int, columns: Int)) throws {
    let (rows, columns) = shape
    let matrix = uniform(seed: 12, count: rows * columns)
    for backend in PrecisionTests.polynomials {
      for (precision, bar) in [(Precision.f32, 3e-5), (.auto, 3e-2)] {
        let options = OrthogonalizeOptions(backend: backend, epsilon: 0, precision: precision)
        let result = try orthogonalize(matrix, rows: rows, columns: columns, options: options)
        let scaled = try orthogonalize(
          matrix.map { $0 * scale }, rows: rows, columns: columns, options: options)
        #expect(relativeError(scaled, result) < bar, "\(backend.name) \(precision)")
      }
    }
  }
}
