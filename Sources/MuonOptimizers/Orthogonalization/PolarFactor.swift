/// The exact polar factor U Vᵀ of X = U S Vᵀ, by LAPACK's divide and conquer.
///
/// Singular directions that cannot be told from rounding errors, see `relativeCutoff`, are left out, so
/// that X·(XᵀX)^(-½) is meant in the sense of the pseudo-inverse.
enum PolarFactor {
  /// 4k², which LAPACK needs for its work, stays within 32 bits.
  private static let maximumShortSide = 23_000

  /// The scratch for one shape: floats for U, Vᵀ, S and LAPACK's work, and LAPACK's integers.
  static func scratch(rows: Int, columns: Int) throws(MuonError) -> (floats: Int, integers: Int) {
    let k = min(rows, columns)
    guard k <= maximumShortSide, case let work = workCount(rows: rows, columns: columns),
      work <= OpenBLAS.maximumExtent
    else {
      throw MuonError(
        .unsupported, "backend svd: LAPACK's work for \(rows)x\(columns) is past 32-bit integers")
    }
    return (floats: k * (rows + columns) + k + work, integers: 8 * k)
  }

  /// What sgesdd's manual asks for with JOBZ = 'S', and room to work in blocks of 64.
  private static func workCount(rows: Int, columns: Int) -> Int {
    let k = min(rows, columns)
    return 4 * k * k + 7 * k + 64 * (rows + columns)
  }

  /// Below this part of the largest, singular values are rounding errors: those of sums over the long side, which
  /// grow with its root, or where all terms are alike, as in equal rows, with itself.
  private static func relativeCutoff(longSide: Int) -> Float {
    max(1e-6 * Float(longSide).squareRoot(), 1e-8 * Float(longSide))
  }

  /// Overwrites `x` with its polar factor; `x` is finite and not of enormous or tiny scale. Returns
  /// false where LAPACK did not converge.
  static func replace(
    _ x: Matrix, floats: Arena<Float>, integers: Elements<Int32>, _ blas: OpenBLAS.Functions
  ) -> Bool {
    // Column by column, row-major X is Xᵀ: m x n with m the columns of X. (Xᵀ's polar factor is the
    // transpose of X's, so that the result is row-major again.)
    let (m, n, k) = (x.columns, x.rows, x.shortSide)
    var floats = floats
    let (u, vt, singularValues) = (floats.take(m * k), floats.take(k * n), floats.take(k))
    let work = floats.take(workCount(rows: n, columns: m))
    guard
      blas.decompose(
        x.elements, m, n, singularValues: singularValues, u: u, vt: vt, work: work,
        integers: integers)
    else { return false }

    let cutoff = relativeCutoff(longSide: max(m, n)) * singularValues[0]
    for j in 0..<k where singularValues[j] <= cutoff { u[j * m..<(j + 1) * m].fill(with: 0) }
    // Row-major: X ← (Vᵀ)ᵀ Uᵀ, of which u and vt are the transposes already.
    blas.multiply(vt, u, into: x.elements, rows: n, columns: m, depth: k)
    return true
  }
}
