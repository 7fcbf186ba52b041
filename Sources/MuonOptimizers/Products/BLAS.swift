internal import CMuonShims

/// What `PolarFactor` needs beside LAPACK; single-threaded, see `BLASThreads`.
enum BLAS {
  /// The largest extent a matrix may have: LAPACK counts in 32-bit integers.
  static let maximumExtent = Int(Int32.max)

  private static let rowMajor: Int32 = 101
  private static let asItIs: Int32 = 111

  /// C ← A B.
  static func multiply(_ a: Matrix, _ b: Matrix, into c: Matrix, _ blas: OpenBLAS.Functions) {
    unsafe blas.sgemm(
      rowMajor, asItIs, asItIs, Int32(c.rows), Int32(c.columns), Int32(a.columns),
      1, a.floats, Int32(a.columns), b.floats, Int32(b.columns),
      0, c.floats, Int32(c.columns))
  }
}
