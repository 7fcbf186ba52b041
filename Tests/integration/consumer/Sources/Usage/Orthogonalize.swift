import MuonOptimizers

/// Every backend on one matrix: close to the exact factor, whose rows are orthonormal.
func usesOrthogonalize() throws {
  let (rows, columns) = (12, 20)
  let matrix = uniform(rows * columns, seed: 9)
  let exact = try orthogonalize(
    matrix, rows: rows, columns: columns, options: OrthogonalizeOptions(backend: .svd))
  for i in 0..<rows {
    for j in 0..<rows {
      let product = (0..<columns).reduce(Float(0)) {
        $0 + exact[i * columns + $1] * exact[j * columns + $1]
      }
      try check(abs(product - (i == j ? 1 : 0)) < 1e-5, "rows \(i) and \(j): \(product)")
    }
  }
  for backend in Backend.named {
    let result = try orthogonalize(
      matrix, rows: rows, columns: columns, options: OrthogonalizeOptions(backend: backend))
    let distance = zip(result, exact).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    try check(distance.squareRoot() < 0.4 * Float(rows).squareRoot(), backend.name)
  }
  let quick = OrthogonalizeOptions(backend: .newtonSchulz5, epsilon: 1e-7)
  try checkClose(
    orthogonalize(matrix, rows: rows, columns: columns, options: quick),
    Reference.newtonSchulz(matrix.map(Double.init), rows: rows, columns: columns), within: 1e-4)
  let own = Backend.custom(try Backend.newtonSchulz5.coefficients(steps: 5))
  try check(
    orthogonalize(
      matrix, rows: rows, columns: columns, options: .init(backend: own, steps: 5, epsilon: 1e-7))
      == orthogonalize(matrix, rows: rows, columns: columns, options: quick))
  try check(orthogonalize([0, 0], rows: 1, columns: 2) == [0, 0])
}
