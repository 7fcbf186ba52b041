internal import COpenBLAS

/// The matrix products of the library, in float32 over OpenBLAS, single-threaded: see `BLASThreads`.
enum BLAS {
  /// The largest extent a matrix may have: OpenBLAS counts in 32-bit integers.
  static let maximumExtent = Int(Int32.max)

  /// C ← alpha A B + beta C.
  static func multiply(_ a: Matrix, _ b: Matrix, alpha: Double, beta: Double, into c: Matrix) {
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans,
      blasint(c.rows), blasint(c.columns), blasint(a.columns),
      Float(alpha), a.floats, blasint(a.columns), b.floats, blasint(b.columns),
      Float(beta), c.floats, blasint(c.columns))
  }

  /// The smaller Gram matrix of X, C ← alpha G + beta C: G is X Xᵀ if X is wide, Xᵀ X if it is tall.
  ///
  /// C must be symmetric. Half of it is computed and then mirrored, at about half the price of a
  /// general product.
  static func gram(_ x: Matrix, alpha: Double = 1, beta: Double = 0, into c: Matrix) {
    unsafe cblas_ssyrk(
      CblasRowMajor, CblasLower, x.isWide ? CblasNoTrans : CblasTrans,
      blasint(x.shortSide), blasint(max(x.rows, x.columns)),
      Float(alpha), x.floats, blasint(x.columns),
      Float(beta), c.floats, blasint(c.columns))
    unsafe mirrorLowerTriangle(c)
  }

  /// Copies the lower triangle onto the upper one, in blocks that stay in the cache.
  private static func mirrorLowerTriangle(_ c: Matrix) {
    let n = unsafe c.rows
    let block = 32
    for i0 in stride(from: 0, to: n, by: block) {
      for j0 in stride(from: 0, through: i0, by: block) {
        for i in i0..<min(i0 + block, n) {
          for j in j0..<max(j0, min(j0 + block, i)) {
            unsafe c.floats[j * n + i] = unsafe c.floats[i * n + j]
          }
        }
      }
    }
  }
}
