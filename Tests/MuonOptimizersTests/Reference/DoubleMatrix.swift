import COpenBLAS

/// A dense row-major matrix of float64: what the library, which has products of its own, is compared
/// with.
struct DoubleMatrix {
  let rows, columns: Int
  var elements: [Double]

  init(_ rows: Int, _ columns: Int, _ elements: [Double]) {
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  init(_ rows: Int, _ columns: Int, _ floats: [Float]) {
    self.init(rows, columns, floats.map { Double($0) })
  }

  static func zeros(_ rows: Int, _ columns: Int) -> DoubleMatrix {
    DoubleMatrix(rows, columns, [Double](repeating: 0, count: rows * columns))
  }

  static func identity(_ n: Int) -> DoubleMatrix {
    var result = zeros(n, n)
    for i in 0..<n { result.elements[i * n + i] = 1 }
    return result
  }

  var transposed: DoubleMatrix {
    var result = DoubleMatrix.zeros(columns, rows)
    for i in 0..<rows {
      for j in 0..<columns { result.elements[j * rows + i] = elements[i * columns + j] }
    }
    return result
  }

  /// The Frobenius norm.
  var norm: Double { norm2(elements) }

  static func * (a: DoubleMatrix, b: DoubleMatrix) -> DoubleMatrix {
    var result = zeros(a.rows, b.columns)
    result.add(1, a, b, times: 0)
    return result
  }

  /// C ← alpha A B + beta C
  mutating func add(_ alpha: Double, _ a: DoubleMatrix, _ b: DoubleMatrix, times beta: Double) {
    let (m, k, n) = (Int32(rows), Int32(a.columns), Int32(columns))
    guard m > 0, n > 0, k > 0 else { return }
    unsafe elements.withUnsafeMutableBufferPointer { c in
      unsafe cblas_dgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, alpha, a.elements, k, b.elements, n,
        beta, c.baseAddress, n)
    }
  }

  static func * (a: Double, b: DoubleMatrix) -> DoubleMatrix {
    DoubleMatrix(b.rows, b.columns, b.elements.map { a * $0 })
  }

  static func + (a: DoubleMatrix, b: DoubleMatrix) -> DoubleMatrix {
    DoubleMatrix(a.rows, a.columns, zip(a.elements, b.elements).map { $0 + $1 })
  }
}

func norm2(_ values: [Double]) -> Double {
  values.reduce(0) { $0 + $1 * $1 }.squareRoot()
}

/// ‖a - b‖/‖b‖; where b is 0, ‖a‖.
func relativeError(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  let difference = norm2(zip(a, b).map { $0 - $1 })
  let scale = norm2(b)
  return scale == 0 ? difference : difference / scale
}

func relativeError(_ a: [Float], _ b: [Double]) -> Double {
  relativeError(a.map { Double($0) }, b)
}

func relativeError(_ a: [Float], _ b: [Float]) -> Double {
  relativeError(a.map { Double($0) }, b.map { Double($0) })
}
