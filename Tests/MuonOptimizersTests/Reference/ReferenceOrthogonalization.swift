import MuonOptimizers

/// What a backend makes of G, in float64.
///
/// - Parameter stored: What each matrix is rounded to after each product.
func referenceOrthogonalize(
  _ g: DoubleMatrix, backend: Backend, steps: Int? = nil, epsilon: Double,
  stored: (DoubleMatrix) -> DoubleMatrix = { $0 }
) -> DoubleMatrix {
  guard g.norm > 0 else { return g }
  guard let table = ReferenceTable(backend) else { return referencePolarFactor(g) }
  let isTall = g.rows > g.columns
  let wide = isTall ? g.transposed : g
  var x = backend == .turbo ? scaledByAOL(wide) : (1 / (wide.norm + epsilon)) * wide
  x = stored(x)
  for (a, b, c) in table.rows(steps: steps) {
    var polynomial = stored(x * x.transposed)
    polynomial.add(c, polynomial, polynomial, times: b)
    x.add(1, stored(polynomial), x, times: a)
    x = stored(x)
  }
  return isTall ? x.transposed : x
}

/// To the nearest bfloat16, as torch.optim.Muon stores every matrix.
func storedInBFloat16(_ matrix: DoubleMatrix) -> DoubleMatrix {
  var matrix = matrix
  for i in matrix.elements.indices {
    let bits = Float(matrix.elements[i]).bitPattern
    let rounded = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000
    matrix.elements[i] = Double(Float(bitPattern: rounded))
  }
  return matrix
}

/// Each row divided by the root of Σ_j |(X Xᵀ)_ij|, in place of the Frobenius norm.
private func scaledByAOL(_ x: DoubleMatrix) -> DoubleMatrix {
  // Any scale gives the same; 1 keeps the squares of very small and large numbers in range.
  var x = (1 / x.norm) * x
  let gram = x * x.transposed
  for i in 0..<x.rows {
    let sum = gram.elements[(i * x.rows)..<((i + 1) * x.rows)].reduce(0) { $0 + abs($1) }
    guard sum > 0 else { continue }
    for j in 0..<x.columns { x.elements[i * x.columns + j] /= sum.squareRoot() }
  }
  return x
}

/// The polar factor U Vᵀ of G = U S Vᵀ by one-sided Jacobi rotations. Singular values below 1e-6 of
/// the largest are float32's rounding, and count as zeros.
func referencePolarFactor(_ g: DoubleMatrix) -> DoubleMatrix {
  guard g.rows >= g.columns else { return referencePolarFactor(g.transposed).transposed }
  guard g.norm > 0 else { return g }
  let (m, n) = (g.rows, g.columns)
  // Columns as rows: their rotations are over contiguous numbers.
  var us = ((1 / g.norm) * g).transposed
  var v = DoubleMatrix.identity(n)
  var turned = true
  while turned {
    turned = false
    for p in 0..<n {
      for q in (p + 1)..<n {
        var (pp, qq, pq) = (0.0, 0.0, 0.0)
        for i in 0..<m {
          let (x, y) = (us.elements[p * m + i], us.elements[q * m + i])
          pp += x * x
          qq += y * y
          pq += x * y
        }
        guard abs(pq) > 1e-14 * (pp * qq).squareRoot(), abs(pq) > 1e-30 else { continue }
        turned = true
        let zeta = (qq - pp) / (2 * pq)
        let t = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
        let cosine = 1 / (1 + t * t).squareRoot()
        rotate(&us, p, q, cosine, cosine * t)
        rotate(&v, p, q, cosine, cosine * t)
      }
    }
  }
  let singularValues = (0..<n).map { norm2(Array(us.elements[($0 * m)..<(($0 + 1) * m)])) }
  let cutoff = 1e-6 * (singularValues.max() ?? 0)
  for j in 0..<n {
    let factor = singularValues[j] > cutoff ? 1 / singularValues[j] : 0
    for i in 0..<m { us.elements[j * m + i] *= factor }
  }
  return us.transposed * v
}

/// Turns rows p and q.
private func rotate(
  _ x: inout DoubleMatrix, _ p: Int, _ q: Int, _ cosine: Double, _ sine: Double
) {
  let n = x.columns
  for i in 0..<n {
    let (a, b) = (x.elements[p * n + i], x.elements[q * n + i])
    x.elements[p * n + i] = cosine * a - sine * b
    x.elements[q * n + i] = sine * a + cosine * b
  }
}
