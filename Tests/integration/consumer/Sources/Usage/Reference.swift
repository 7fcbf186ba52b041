/// The optimizers' formulas in float64 and plain loops.
enum Reference {
  /// Five steps of Keller Jordan's quintic on a matrix that is no taller than it is wide.
  static func newtonSchulz(_ matrix: [Double], rows: Int, columns: Int) -> [Double] {
    let norm = matrix.reduce(0) { $0 + $1 * $1 }.squareRoot() + 1e-7
    var x = matrix.map { $0 / norm }
    for _ in 0..<5 {
      var gram = [Double](repeating: 0, count: rows * rows)
      for i in 0..<rows {
        for j in 0..<rows {
          for k in 0..<columns { gram[i * rows + j] += x[i * columns + k] * x[j * columns + k] }
        }
      }
      var polynomial = gram.map { -4.7750 * $0 }
      for i in 0..<rows {
        polynomial[i * rows + i] += 3.4445
        for j in 0..<rows {
          for k in 0..<rows {
            polynomial[i * rows + j] += 2.0315 * gram[i * rows + k] * gram[k * rows + j]
          }
        }
      }
      var next = [Double](repeating: 0, count: x.count)
      for i in 0..<rows {
        for j in 0..<columns {
          for k in 0..<rows {
            next[i * columns + j] += polynomial[i * rows + k] * x[k * columns + j]
          }
        }
      }
      x = next
    }
    return x
  }

  struct Muon {
    var momentum: [Double]

    mutating func step(
      _ values: inout [Double], _ gradient: [Float], rows: Int, columns: Int, rate: Double,
      decay: Double
    ) {
      momentum = zip(momentum, gradient).map { 0.95 * $0 + Double($1) }
      let update = zip(momentum, gradient).map { 0.95 * $0 + Double($1) }
      let direction = Reference.newtonSchulz(update, rows: rows, columns: columns)
      values = zip(values, direction).map { $0 * (1 - rate * decay) - rate * $1 }
    }
  }

  struct AdamW {
    var mean, square: [Double]
    /// β₁ᵗ and β₂ᵗ.
    var power1 = 1.0
    var power2 = 1.0

    mutating func step(
      _ values: inout [Double], _ gradient: [Float], rate: Double, decay: Double
    ) {
      (power1, power2) = (power1 * 0.9, power2 * 0.999)
      for i in values.indices {
        let g = Double(gradient[i])
        mean[i] = 0.9 * mean[i] + 0.1 * g
        square[i] = 0.999 * square[i] + 0.001 * g * g
        let root = square[i].squareRoot() / (1 - power2).squareRoot() + 1e-8
        values[i] = values[i] * (1 - rate * decay) - rate / (1 - power1) * mean[i] / root
      }
    }
  }
}
