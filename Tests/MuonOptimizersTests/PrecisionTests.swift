import MuonOptimizers
import Testing

/// How far each precision may be from the float64 polynomial, on matrices that are large enough for
/// bfloat16, for the Gram iteration, and for sums in more than one block.
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

      let stored = bfloat16Orthogonalize(g, backend: backend, epsilon: 1e-8)
      let bar = max(3e-2, relativeError(stored.elements, exact.elements))
      let auto = try error(.auto)
      #expect(auto <= bar, "\(backend.name) auto")
      var line = "ERR \(spectrum) \(rows)x\(columns) \(backend.name) f32 \(f32) auto \(auto) bar \(bar)"
      if hasBFloat16, backend != .polarExpress, backend != .cans {
        let bf16 = try error(.bf16)
        line += " bf16 \(bf16)"
        #expect(bf16 <= bar, "\(backend.name) bf16")
      }
      print(line)
    }
  }
}
