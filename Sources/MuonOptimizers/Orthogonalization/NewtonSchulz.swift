/// The Newton–Schulz iteration: it maps every singular value σ of X to p(σ), where p is the
/// composition of the odd polynomials a·x + b·x³ + c·x⁵, and leaves the singular vectors alone. The
/// coefficients are such that p(σ) is near 1 for the σ in (0, 1] that matter.
enum NewtonSchulz {
  /// Overwrites `x` with p(X). `x` has singular values in [0, 1]; the other three are scratch: `next`
  /// of the same shape, `gram` and `polynomial` square, of its shorter side.
  ///
  /// All is done on the short side of the matrix: for a wide X with A = X Xᵀ, for a tall one with
  /// A = Xᵀ X and the factors of the last line exchanged.
  static func iterate(
    _ x: Matrix, _ coefficients: [Coefficients], aolScaling: Bool,
    next: Matrix, gram: Matrix, polynomial: Matrix
  ) {
    var (current, following) = unsafe (x, next)
    for (step, p) in coefficients.enumerated() {
      // A = X Xᵀ
      unsafe BLAS.gram(current, into: gram)
      if aolScaling, step == 0 { unsafe scaleAOL(current, gram: gram, scratch: polynomial.floats) }

      // B = b A + c A²; A is symmetric, so that A² = A Aᵀ.
      unsafe polynomial.copy(from: gram)
      if p.c == 0 {
        unsafe polynomial.scale(by: p.b)
      } else {
        unsafe BLAS.gram(gram, alpha: p.c, beta: p.b, into: polynomial)
      }

      // X ← a X + B X
      unsafe following.copy(from: current)
      if unsafe current.isWide {
        unsafe BLAS.multiply(polynomial, current, alpha: 1, beta: p.a, into: following)
      } else {
        unsafe BLAS.multiply(current, polynomial, alpha: 1, beta: p.a, into: following)
      }
      unsafe swap(&current, &following)
    }
    if unsafe current.floats != x.floats { unsafe x.copy(from: current) }
  }

  /// The least Σ_j |A_ij| that a row is scaled by; ‖X‖_F is 1.
  private static let smallestRow = 1e-30

  /// AOL scaling (arXiv 2512.04632): multiplies each row i of the short side of X by
  /// s_i = (Σ_j |A_ij|)^-½ with A = X Xᵀ, and A accordingly by s_i s_j. The largest singular value is
  /// then at most 1, and nearer to 1 than the Frobenius norm would leave it. Rows that are next to
  /// nothing beside the others stay so: what float32 has of their A is no measure.
  ///
  /// `scratch` gets the s_i.
  private static func scaleAOL(_ x: Matrix, gram: Matrix, scratch s: UnsafeMutablePointer<Float>) {
    let n = unsafe gram.rows
    for i in 0..<n {
      var sum = 0.0
      for j in 0..<n { sum += Double(unsafe gram.floats[i * n + j].magnitude) }
      unsafe s[i] = Float(1 / max(sum, smallestRow).squareRoot())
    }
    for i in 0..<n {
      // One after the other: the product of two scales may be past float32.
      for j in 0..<n { unsafe gram.floats[i * n + j] = gram.floats[i * n + j] * s[i] * s[j] }
    }
    let (rows, columns) = unsafe (x.rows, x.columns)
    let wide = unsafe x.isWide
    for i in 0..<rows {
      for j in 0..<columns { unsafe x.floats[i * columns + j] *= wide ? s[i] : s[j] }
    }
  }
}
