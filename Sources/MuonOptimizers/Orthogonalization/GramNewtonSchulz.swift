/// The Newton–Schulz iteration on the Gram matrix (Dao-AILab, 2026): the same function as `NewtonSchulz`,
/// and cheaper for a long X.
///
/// Every iterate is X_k = Q_k X with Q_k a polynomial in R = X Xᵀ, so that all iteration is on m x m
/// symmetric matrices that commute, and X itself is multiplied only at the beginning and at the end.
/// It squares the condition number, and restarts where a table needs it.
struct GramNewtonSchulz: Equatable {
  /// Of X by its short side and by its long one; of R for its square, of R and Q for their products with Z, of Z for
  /// these; and of Q for its product with X.
  private let short, long, square, left, right, factor: Packing
  /// Before these steps, Q is applied to X and the iteration begins again.
  let restarts: [Int]
  /// The floats of R, with room for the packed form of Q.
  private let countOfR: Int
  /// The floats of the packed form of R or Q, where there is one of Z too.
  private let squareCount: Int
  /// Memory for one matrix, beside the matrix itself, in floats.
  let scratchCount: Int

  /// For matrices of this shape, neither of whose extents is 0.
  init(rows: Int, columns: Int, _ kernel: ProductKernel, restarts: [Int]) {
    let (m, n, isWide) = (min(rows, columns), max(rows, columns), rows <= columns)
    short = Packing(kernel, lanes: m, depth: n, as: .both)
    long = Packing(kernel, lanes: n, depth: m, as: isWide ? .right : .left)
    square = Packing(kernel, lanes: m, depth: m, as: .both)
    left = Packing(kernel, lanes: m, depth: m, as: .left)
    right = Packing(kernel, lanes: m, depth: m, as: .right)
    factor = Packing(kernel, lanes: m, depth: m, as: isWide ? .left : .right)
    self.restarts = restarts
    countOfR = max(m * m, factor.count)
    squareCount = max(square.count, left.count)
    scratchCount =
      countOfR + 2 * m * m + 2 * onCacheLine(m)
      + max(squareCount + right.count, short.count, long.count)
  }

  var kernel: ProductKernel { short.kernel }

  /// Symmetric matrices are packed without their diagonals, see `Multiplier`.
  ///
  /// Writes p(scale·X) to `epilogue`; X is lost. scale·X has singular values in [0, 1].
  func iterate(
    _ x: Matrix, scale: Float, _ coefficients: [Coefficients], in scratch: Arena<Float>,
    to epilogue: Epilogue, by member: Team.Member
  ) {
    let products = Multiplier(kernel, by: member)
    let m = x.shortSide
    var scratch = scratch
    let forR = scratch.take(countOfR)
    let r = Matrix(forR, m, m)
    let (q, z) = (Matrix(scratch.take(m * m), m, m), Matrix(scratch.take(m * m), m, m))
    let (diagonal, diagonalOfZ) = (scratch.take(onCacheLine(m)), scratch.take(onCacheLine(m)))
    // Of X; or of R or Q, and behind it of Z.
    let packed = scratch.rest
    let packedZ = packed[squareCount..<packed.count]
    var scale = scale

    /// O = Q (scale X)
    func applyQ(to epilogue: Epilogue) {
      // R is not needed any more.
      let qq = products.pack(symmetric: q, factor, into: forR, diagonal: diagonal)
      let xx = products.pack(x.many, of: x, long, into: packed)
      let (left, right) = x.isWide ? (qq, xx) : (xx, qq)
      products.multiply(left, right, times: scale, to: epilogue)
    }

    /// S ← a S + S Z, where S and Z commute.
    func multiply(_ s: Matrix, by zz: Operand, adding a: Float) {
      let ss = products.pack(symmetric: s, left, into: packed, diagonal: diagonal)
      products.multiply(ss, zz, plus: a * s, into: s, symmetric: true)
    }

    var begins = true
    for (step, p) in coefficients.enumerated() {
      let a = Float(p.a)
      if step > 0, restarts.contains(step) {
        applyQ(to: Epilogue(replacing: x))
        (scale, begins) = (1, true)
      }
      if begins {
        // R = X Xᵀ
        let xs = products.pack(x.few, of: x, short, into: packed)
        products.multiply(xs, xs, times: scale * scale, into: r, symmetric: true)
      }

      // Z = b R + c R²
      let rr = products.pack(symmetric: r, square, into: packed, diagonal: diagonal)
      products.multiply(rr, rr, times: Float(p.c), plus: Float(p.b) * r, into: z, symmetric: true)
      let zz = products.pack(symmetric: z, right, into: packedZ, diagonal: diagonalOfZ)

      if begins {
        // Q = Z + a I
        Self.copy(z, to: q, adding: a, by: member)
        begins = false
      } else {
        // Q ← a Q + Q Z
        multiply(q, by: zz, adding: a)
      }

      // R ← (a I + Z) R (a I + Z), in two products
      if step < coefficients.count - 1, !restarts.contains(step + 1) {
        for _ in 0..<2 { multiply(r, by: zz, adding: a) }
      }
    }
    applyQ(to: epilogue)
  }

  /// Q ← Z + a I, of the lower triangle.
  private static func copy(
    _ z: Matrix, to q: Matrix, adding a: Float, by member: Team.Member
  ) {
    member.forEach(z.rows) { i in
      let row = q.row(i)
      row.first(i + 1).copy(from: z.row(i).first(i + 1))
      row[i] += a
    }
  }
}
