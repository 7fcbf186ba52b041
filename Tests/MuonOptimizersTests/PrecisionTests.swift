import MuonOptimizers
import Testing

/// How far each precision may be from the float64 polynomial, on matrices that are large enough for
/// operands that are rounded, for the Gram iteration, and for sums in more than one block.
///
/// In float32 the bar is 1e-4; in int16 4e-3, in bfloat16
/// 2.7e-2 and in int8 0.11 on any, where an iteration that stores bfloat16 is up to 0.5 off.
struct PrecisionTests {
  static let shapes = [(128, 128), (96, 384), (384, 96), (70, 515)]
  static let polynomials = Backend.named.filter { $0 != .svd }

  @Test(arguments: Spectrum.allCases, shapes)
  func isCloseEnough(_ spectrum: Spectrum, _ shape: (rows: Int, columns: Int)) throws {
    let (rows, columns) = shape
    let matrix = spectrum.matrix(rows: rows, columns: columns)
    let g = DoubleMatrix(rows, columns, matrix)
    for backend in PrecisionTests.polynomials {
      let exact = referenceOrthogonalize(g, backend: backend, epsilon: 1e-8)
      func error(
        _ precision: Precision, _ method: NewtonSchulzMethod = .auto
      ) throws -> Double {
        let options = OrthogonalizeOptions(
          backend: backend, precision: precision, method: method)
        return relativeError(
          try orthogonalize(matrix, rows: rows, columns: columns, options: options),
          exact.elements)
      }
      let f32 = try error(.f32)
      #expect(f32 <= 1e-4, "\(backend.name) f32")

      let auto = try error(.auto)
      #expect(auto <= barOfAuto(g, backend, exact), "\(backend.name) auto")
      let takesInt16 = autoTakesInt16(shortSide: min(rows, columns))
      if takesInt16 {
        #expect(auto != f32, "\(backend.name) auto")
      } else if backend == .newtonSchulz5 {  // whose Gram iteration need not restart for `auto`
        #expect(auto <= 1e-3, "\(backend.name) auto")
      } else {
        #expect(auto == f32, "\(backend.name) auto")
      }
      if processorHasInt16() {
        let int16 = try error(.int16, .standard)
        #expect(int16 <= 5e-3, "\(backend.name) int16")
        #expect(int16 > 5e-5, "\(backend.name): these are not products of 16-bit integers")
        if processorHasInt8() {
          let int8 = try error(.int8)
          #expect(int8 <= 0.15, "\(backend.name) int8")
          #expect(int8 > 8 * int16, "\(backend.name): these are not products of 8-bit integers")
        }
      }
      if processorHasBFloat16(), backend != .polarExpress, backend != .cans {
        let bf16 = try error(.bf16)
        #expect(bf16 <= 3e-2, "\(backend.name) bf16")
        #expect(bf16 > 5e-4, "\(backend.name): these are not bfloat16 products")
      }
    }
  }

  /// One or equal rows, products of two vectors, and all ones: whose one singular value, 1, every step
  /// brings somewhere else.
  @Test(arguments: [(64, 64), (96, 384), (300, 70)])
  func int16StandsRankOne(_ rows: Int, _ columns: Int) throws {
    guard processorHasInt16() else { return }
    let (left, right) = (uniform(seed: 2, count: rows), uniform(seed: 3, count: columns))
    func matrix(_ element: (_ i: Int, _ j: Int) -> Float) -> [Float] {
      (0..<rows * columns).map { element($0 / columns, $0 % columns) }
    }
    for (name, matrix) in [
      ("one row", matrix { i, j in i == 7 ? right[j] : 0 }), ("equal rows", matrix { right[$1] }),
      ("two vectors", matrix { left[$0] * right[$1] }), ("ones", matrix { _, _ in 1 }),
    ] {
      for backend in PrecisionTests.polynomials {
        let g = DoubleMatrix(rows, columns, matrix)
        let exact = referenceOrthogonalize(g, backend: backend, epsilon: 1e-8)
        for (method, bar) in [
          (NewtonSchulzMethod.standard, 1e-2), (.auto, barOfAuto(g, backend, exact)),
        ] {
          let result = try orthogonalize(
            matrix, rows: rows, columns: columns,
            options: OrthogonalizeOptions(backend: backend, precision: .int16, method: method))
          #expect(
            relativeError(result, exact.elements) <= bar, "\(backend.name), \(name), \(method)")
        }
      }
    }
  }

  /// A step in 8-bit integers would err more than a hundred times as much on a few rows.
  @Test(arguments: [96, 256])
  func autoMakesNoStepInInt8(_ n: Int) throws {
    guard autoTakesInt16(shortSide: n) else { return }
    let matrix = uniform(seed: 7, count: n * n)
    func run(_ precision: Precision) throws -> [Float] {
      try orthogonalize(
        matrix, rows: n, columns: n,
        options: OrthogonalizeOptions(
          backend: .newtonSchulz5, precision: precision, method: .standard))
    }
    #expect(sameBits(try run(.auto), try run(.int16)))
  }

  /// By request, whatever they are; by itself the library takes float32.
  @Test func int16IsForCoefficientsOfYourOwn() throws {
    let matrix = uniform(seed: 9, count: 64 * 64)
    func run(_ precision: Precision) throws -> [Float] {
      try orthogonalize(
        matrix, rows: 64, columns: 64,
        options: OrthogonalizeOptions(
          backend: .custom([Coefficients(3.4445, -4.7750, 2.0315)]), precision: precision))
    }
    #expect(sameBits(try run(.auto), try run(.f32)))
    guard processorHasInt16() else { return }
    #expect(relativeError(try run(.int16), try run(.f32)) <= 1e-2)
    #expect(!sameBits(try run(.int16), try run(.f32)))
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
    for (precision, bar) in [(Precision.f32, 1e-5), (.auto, 1e-2)] {
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
        var source = matrix
        try unsafe source.withUnsafeMutableBufferPointer { source in
          try unsafe apart.withUnsafeMutableBufferPointer { target in
            try orthogonalize(
              unsafe Elements(source), rows: rows, columns: columns, options: options,
              into: unsafe Elements(target))
          }
        }
        #expect(source == matrix)
        #expect(apart.allSatisfy { abs($0) < 2 }, "\(precision), \(before)")
      }
      try unsafe inPlace.withUnsafeMutableBufferPointer { elements in
        let elements = unsafe Elements(elements)
        try orthogonalize(elements, rows: rows, columns: columns, options: options, into: elements)
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
      for (precision, bar) in [(Precision.f32, 3e-5), (.auto, 1e-2)] {
        let options = OrthogonalizeOptions(backend: backend, epsilon: 0, precision: precision)
        let result = try orthogonalize(matrix, rows: rows, columns: columns, options: options)
        let scaled = try orthogonalize(
          matrix.map { $0 * scale }, rows: rows, columns: columns, options: options)
        #expect(relativeError(scaled, result) < bar, "\(backend.name) \(precision)")
      }
    }
  }
}

/// How far `auto` may be: 1e-2, or as far as the same iteration with all stored in bfloat16.
func barOfAuto(_ g: DoubleMatrix, _ backend: Backend, _ exact: DoubleMatrix) -> Double {
  let stored = referenceOrthogonalize(
    g, backend: backend, epsilon: 1e-8, stored: storedInBFloat16)
  return max(1e-2, relativeError(stored.elements.map { Float($0) }, exact.elements))
}
