internal import COpenBLAS

/// OpenBLAS, which `PolarFactor` needs beside LAPACK; single-threaded, see `BLASThreads`.
enum BLAS {
  /// The largest extent a matrix may have: LAPACK counts in 32-bit integers.
  static let maximumExtent = Int(Int32.max)

  /// C ← A B.
  static func multiply(_ a: Matrix, _ b: Matrix, into c: Matrix) {
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans,
      blasint(c.rows), blasint(c.columns), blasint(a.columns),
      1, a.floats, blasint(a.columns), b.floats, blasint(b.columns),
      0, c.floats, blasint(c.columns))
  }
}
