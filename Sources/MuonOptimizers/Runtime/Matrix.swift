/// A dense row-major matrix in memory that somebody else keeps alive.
@unsafe
struct Matrix {
  let floats: UnsafeMutablePointer<Float>
  let rows: Int
  let columns: Int

  init(_ floats: UnsafeMutablePointer<Float>, _ rows: Int, _ columns: Int) {
    unsafe self.floats = unsafe floats
    unsafe self.rows = rows
    unsafe self.columns = columns
  }

  var count: Int { unsafe rows * columns }
  var isWide: Bool { unsafe rows <= columns }
  /// The length of the shorter side.
  var shortSide: Int { unsafe min(rows, columns) }

  func copy(from other: Matrix) {
    unsafe floats.update(from: other.floats, count: count)
  }

  /// ‖M‖_F, summed in float64: it neither overflows nor underflows, whatever the scale.
  ///
  /// Four sums, so that the additions need not wait for each other; their order is fixed.
  func frobeniusNorm() -> Double {
    let count = unsafe count
    var sums = SIMD4<Double>.zero
    var i = 0
    while i + 4 <= count {
      let x = unsafe SIMD4(
        Double(floats[i]), Double(floats[i + 1]), Double(floats[i + 2]), Double(floats[i + 3]))
      sums += x * x
      i += 4
    }
    while i < count {
      let x = Double(unsafe floats[i])
      sums[0] += x * x
      i += 1
    }
    return sums.sum().squareRoot()
  }

  /// M ← factor M, the product taken in float64: the factor may be one that float32 cannot hold.
  func scale(by factor: Double) {
    for i in 0..<(unsafe count) {
      unsafe floats[i] = Float(Double(floats[i]) * factor)
    }
  }

  func fill(_ value: Float) {
    unsafe floats.update(repeating: value, count: count)
  }
}
