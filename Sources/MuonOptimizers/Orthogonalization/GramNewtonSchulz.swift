internal import CMuonKernels

/// The Newton–Schulz iteration on the Gram matrix (Dao-AILab, 2026): the same function as `NewtonSchulz`,
/// and cheaper for a long X.
///
/// Every iterate is X_k = Q_k X with Q_k a polynomial in R = X Xᵀ, so that all iteration is on m x m
/// symmetric matrices that commute, and X itself is multiplied only at the beginning and at the end.
/// It squares the condition number, and restarts where a table needs it.
enum GramNewtonSchulz {
  /// Memory for one matrix, beside the matrix itself.
  @unsafe
  struct Scratch {
    /// Of m x m; r has room for its packed form.
    let r, q, z: UnsafeMutablePointer<Float>
    /// A packed operand of the size of X, or two packed ones of m x m.
    let packed: UnsafeMutablePointer<Float>
    let secondPacked: UnsafeMutablePointer<Float>
    /// Of R or Q, and of Z.
    let diagonal, secondDiagonal: UnsafeMutablePointer<Float>

    init(at start: UnsafeMutablePointer<Float>, rows: Int, columns: Int, _ kernel: ProductKernel) {
      let m = min(rows, columns)
      let square = kernel.packedCount(lanes: m, depth: m)
      unsafe r = start
      unsafe q = r + max(m * m, square)
      unsafe z = q + m * m
      unsafe diagonal = z + m * m
      unsafe secondDiagonal = diagonal + NewtonSchulz.Scratch.onCacheLine(m)
      unsafe packed = secondDiagonal + NewtonSchulz.Scratch.onCacheLine(m)
      unsafe secondPacked = packed + square
    }

    static func count(rows: Int, columns: Int, _ kernel: ProductKernel) -> Int {
      let m = min(rows, columns)
      let square = kernel.packedCount(lanes: m, depth: m)
      return unsafe max(m * m, square) + 2 * m * m + 2 * NewtonSchulz.Scratch.onCacheLine(m)
        + max(
          2 * square,
          kernel.packedCount(lanes: rows, depth: columns),
          kernel.packedCount(lanes: columns, depth: rows))
    }
  }

  /// Symmetric matrices are packed without their diagonals, see `ProductKernel.packSymmetric`.
  ///
  /// Writes p(scale·X) to `epilogue`; X is lost. scale·X has singular values in [0, 1].
  ///
  /// - Parameter restarts: Before these steps, Q is applied to X and the iteration begins again.
  static func iterate(
    _ x: Matrix, scale: Float, _ coefficients: [Coefficients], restarts: [Int],
    _ kernel: ProductKernel, _ scratch: Scratch, to epilogue: Epilogue, by member: Team.Member
  ) {
    let m = unsafe x.shortSide
    let (short, long): (ProductKernel.Side, ProductKernel.Side) =
      unsafe x.isWide ? (.rows, .columns) : (.columns, .rows)
    let r = unsafe Matrix(scratch.r, m, m)
    let q = unsafe Matrix(scratch.q, m, m)
    let z = unsafe Matrix(scratch.z, m, m)
    let (packed, packedZ) = unsafe (scratch.packed, scratch.secondPacked)
    let (diagonal, diagonalOfZ) = unsafe (scratch.diagonal, scratch.secondDiagonal)
    var scale = scale

    /// p ← keep p + rate Q (scale X)
    func applyQ(to epilogue: Epilogue) {
      // R is not needed any more.
      unsafe kernel.packSymmetric(q, into: r.floats, diagonal: diagonal, by: member)
      unsafe kernel.pack(long, of: x, into: packed, by: member)
      let (left, right) = unsafe x.isWide ? (r.floats, packed) : (packed, r.floats)
      let (rows, columns) = unsafe x.isWide ? (diagonal, nil) : (nil, diagonal)
      var next = unsafe epilogue as Epilogue?
      while let to = unsafe next {
        unsafe kernel.multiply(
          left, right, depth: m, into: Matrix(to.floats, x.rows, x.columns),
          alpha: to.rate * scale, plus: ProductKernel.Term(matrix: to.floats, factor: to.keep),
          plus: ProductKernel.Term(matrix: x.floats, rows: rows, columns: columns), by: member)
        unsafe next = to.next
      }
    }

    /// S ← a S + S Z, where S and Z commute.
    func multiplyByZ(_ s: Matrix, adding a: Float) {
      unsafe kernel.packSymmetric(s, into: packed, diagonal: diagonal, by: member)
      unsafe kernel.multiply(
        packed, packedZ, depth: m, into: s, symmetric: true,
        plus: ProductKernel.Term(matrix: s.floats, factor: a, columns: diagonalOfZ),
        plus: ProductKernel.Term(matrix: z.floats, rows: diagonal), by: member)
    }

    var begins = true
    for (step, p) in coefficients.enumerated() {
      if step > 0, restarts.contains(step) {
        unsafe applyQ(to: Epilogue(floats: x.floats, keep: 0, rate: 1))
        scale = 1
        begins = true
      }
      if begins {
        // R = X Xᵀ
        unsafe kernel.pack(short, of: x, into: packed, by: member)
        unsafe kernel.multiply(
          packed, packed, depth: x.count / m, into: r, symmetric: true, alpha: scale * scale,
          by: member)
      }

      // Z = b R + c R²
      unsafe kernel.packSymmetric(r, into: packed, diagonal: diagonal, by: member)
      unsafe kernel.multiply(
        packed, packed, depth: m, into: z, symmetric: true, alpha: Float(p.c),
        plus: ProductKernel.Term(
          matrix: r.floats, factor: Float(p.b), rows: diagonal, columns: diagonal),
        by: member)
      unsafe kernel.packSymmetric(z, into: packedZ, diagonal: diagonalOfZ, by: member)

      if begins {
        // Q = Z + a I
        unsafe copy(z, to: q, adding: Float(p.a), by: member)
        begins = false
      } else {
        // Q ← a Q + Q Z
        unsafe multiplyByZ(q, adding: Float(p.a))
      }

      // R ← (a I + Z) R (a I + Z), in two products
      if step < coefficients.count - 1, !restarts.contains(step + 1) {
        for _ in 0..<2 { unsafe multiplyByZ(r, adding: Float(p.a)) }
      }
    }
    unsafe applyQ(to: epilogue)
  }

  /// Q ← Z + a I, of the lower triangle.
  private static func copy(
    _ z: Matrix, to q: Matrix, adding a: Float, by member: Team.Member
  ) {
    let m = unsafe z.rows
    let (z, q) = unsafe (z.floats, q.floats)
    member.forEach(m) { i in
      unsafe (q + i * m).update(from: z + i * m, count: i + 1)
      unsafe q[i * m + i] += a
    }
  }
}
