internal import CMuonShims

/// What is used of LAPACK and BLAS; single-threaded, see `BLASThreads`.
extension OpenBLAS.Functions {
  private static let rowMajor: Int32 = 101
  private static let asItIs: Int32 = 111

  /// LAPACK's sgesdd with JOBZ = 'S', column by column: the first singular vectors of the m x n matrix `a`, which is
  /// overwritten. Returns false where it did not converge.
  @unsafe
  func decompose(
    _ a: UnsafeMutablePointer<Float>, _ m: Int, _ n: Int,
    singularValues: UnsafeMutablePointer<Float>, u: UnsafeMutablePointer<Float>,
    vt: UnsafeMutablePointer<Float>, work: UnsafeMutablePointer<Float>, workCount: Int,
    integers: UnsafeMutablePointer<Int32>
  ) -> Bool {
    var (m, n, workCount) = (Int32(m), Int32(n), Int32(workCount))
    var (leadingU, leadingVT) = (m, min(m, n))
    var jobz = CChar(UInt8(ascii: "S"))
    var info: Int32 = 0
    unsafe sgesdd(
      &jobz, &m, &n, a, &m, singularValues, u, &leadingU, vt, &leadingVT, work, &workCount,
      integers,
      &info)
    return info == 0
  }

  /// C ← A B, of rows x depth and depth x columns, row by row.
  @unsafe
  func multiply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
    rows: Int, columns: Int, depth: Int
  ) {
    unsafe sgemm(
      Self.rowMajor, Self.asItIs, Self.asItIs, Int32(rows), Int32(columns), Int32(depth),
      1, a, Int32(depth), b, Int32(columns), 0, c, Int32(columns))
  }
}
