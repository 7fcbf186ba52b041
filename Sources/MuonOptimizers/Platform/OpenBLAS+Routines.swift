internal import CMuonShims

/// What is used of LAPACK and BLAS; single-threaded, see `BLASThreads`.
extension OpenBLAS.Functions {
  private static let rowMajor: Int32 = 101
  private static let asItIs: Int32 = 111

  /// LAPACK's sgesdd with JOBZ = 'S', column by column: the first singular vectors of the m x n matrix `a`, which is
  /// overwritten. Returns false where it did not converge.
  func decompose(
    _ a: Floats, _ m: Int, _ n: Int, singularValues: Floats, u: Floats, vt: Floats, work: Floats,
    integers: Elements<Int32>
  ) -> Bool {
    let k = min(m, n)
    precondition(a.count == m * n && singularValues.count == k && u.count == m * k)
    precondition(vt.count == k * n && integers.count >= 8 * k)
    var (m, n, workCount) = (Int32(m), Int32(n), Int32(work.count))
    var (leadingU, leadingVT) = (m, min(m, n))
    var jobz = CChar(UInt8(ascii: "S"))
    var info: Int32 = 0
    unsafe sgesdd(
      &jobz, &m, &n, a.start, &m, singularValues.start, u.start, &leadingU, vt.start, &leadingVT,
      work.start, &workCount, integers.start, &info)
    return info == 0
  }

  /// C ← A B, of rows x depth and depth x columns, row by row.
  func multiply(
    _ a: Floats, _ b: Floats, into c: Floats, rows: Int, columns: Int, depth: Int
  ) {
    precondition(a.count == rows * depth && b.count == depth * columns && c.count == rows * columns)
    unsafe sgemm(
      Self.rowMajor, Self.asItIs, Self.asItIs, Int32(rows), Int32(columns), Int32(depth),
      1, a.start, Int32(depth), b.start, Int32(columns), 0, c.start, Int32(columns))
  }
}
