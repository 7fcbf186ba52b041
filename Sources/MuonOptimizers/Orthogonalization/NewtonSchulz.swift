/// The Newton–Schulz iteration: it maps every singular value σ of X to p(σ), where p is the
/// composition of the odd polynomials a·x + b·x³ + c·x⁵, and leaves the singular vectors alone. The
/// coefficients are such that p(σ) is near 1 for the σ in (0, 1] that matter.
///
/// X stays in float32; where the kernel multiplies bfloat16, operands are rounded as they are packed.
/// That is closer to the exact polynomial than storing X in bfloat16, which buries small singular
/// directions.
struct NewtonSchulz: Equatable {
  /// Of X by its short side and by its long one, of A, and of B for its product with X.
  private let short, long, square, factor: Packing
  /// The floats of A and of B, each with room for its packed form.
  private let squareCount: Int
  /// Memory for one matrix, beside the matrix itself, in floats.
  let scratchCount: Int

  /// For matrices of this shape, neither of whose extents is 0.
  init(rows: Int, columns: Int, _ kernel: ProductKernel) {
    let (m, n, isWide) = (min(rows, columns), max(rows, columns), rows <= columns)
    short = Packing(kernel, lanes: m, depth: n, as: .both)
    long = Packing(kernel, lanes: n, depth: m, as: isWide ? .right : .left)
    square = Packing(kernel, lanes: m, depth: m, as: .both)
    factor = Packing(kernel, lanes: m, depth: m, as: isWide ? .left : .right)
    squareCount = max(m * m, square.count, factor.count)
    scratchCount = 2 * squareCount + onCacheLine(m) + max(short.count, long.count, square.count)
  }

  var kernel: ProductKernel { short.kernel }

  /// Writes p(scale·X) to `epilogue`; X is lost. scale·X has singular values in [0, 1].
  ///
  /// All is done on the short side of the matrix: for a wide X with A = X Xᵀ, for a tall one with
  /// A = Xᵀ X and the factors of the last line exchanged.
  func iterate(
    _ x: Matrix, scale: Float, _ coefficients: [Coefficients], aolScaling: Bool,
    in scratch: Arena<Float>, to epilogue: Epilogue, by member: Team.Member
  ) {
    let products = Multiplier(kernel, by: member)
    var scratch = scratch
    let (forA, forB) = (scratch.take(squareCount), scratch.take(squareCount))
    let diagonals = scratch.take(onCacheLine(x.shortSide))
    let packed = scratch.rest
    let a = Matrix(forA, x.shortSide, x.shortSide)
    let b = Matrix(forB, x.shortSide, x.shortSide)
    // The scale of X is taken into its first products.
    var scale = scale

    for (step, p) in coefficients.enumerated() {
      let isApart = step >= Self.stepsWithWholeDiagonal(of: coefficients.count)
      let diagonal = isApart ? diagonals : nil
      let rescaled = aolScaling && step == 0
      let last = step == coefficients.count - 1 ? epilogue : Epilogue(replacing: x)

      // A = X Xᵀ
      let xs = products.pack(x.few, of: x, short, into: packed)
      products.multiply(xs, xs, times: scale * scale, into: a, symmetric: true)
      if rescaled { Self.scaleAOL(x, gram: a, scratch: forB, by: member) }

      // B = b A + c A²; A is symmetric. Without c it is b A, and b is taken into the next product.
      if p.c != 0 {
        let aa = products.pack(
          symmetric: a, square, into: packed, diagonal: diagonal, mirroring: rescaled)
        products.multiply(aa, aa, times: Float(p.c), plus: Float(p.b) * a, into: b, symmetric: true)
      }
      let (polynomial, free) = p.c != 0 ? (b, forA) : (a, forB)
      let b = p.c != 0 ? 1 : Float(p.b)

      // X ← a X + B X, or, at the last step, the epilogue of it.
      let bb = products.pack(
        symmetric: polynomial, factor, into: free, diagonal: diagonal, mirroring: rescaled)
      let xx = products.pack(x.many, of: x, long, into: packed)
      let (left, right) = x.isWide ? (bb, xx) : (xx, bb)
      products.multiply(left, right, times: b * scale, plus: Float(p.a) * scale * x, to: last)
      scale = 1
    }
  }

  /// In how many of the first steps A and B are multiplied whole; then their diagonals are multiplied apart,
  /// see `Multiplier`.
  ///
  /// Each step brings the small singular values of X a few times nearer to the large ones, and A and B nearer
  /// to multiples of the identity. Before they are near, B is next to nothing where singular values are
  /// small, and so is B times the rounding error of X; that error times B without its diagonal is not, and the
  /// steps that follow would magnify it there.
  static func stepsWithWholeDiagonal(of steps: Int) -> Int { max(1, steps - 6) }

  /// p(σ) of one singular value: all there is to the iteration of a vector.
  static func value(_ sigma: Double, _ coefficients: [Coefficients], aolScaling: Bool) -> Double {
    let start = aolScaling ? sigma / max(sigma * sigma, smallestRow).squareRoot() : sigma
    return coefficients.reduce(start) { x, p in x * (p.a + x * x * (p.b + x * x * p.c)) }
  }

  /// The least Σ_j |A_ij| that a row is scaled by; ‖X‖_F is 1.
  private static let smallestRow = 1e-30

  /// AOL scaling (arXiv 2512.04632): multiplies each row i of the short side of X by
  /// s_i = (Σ_j |A_ij|)^-½ with A = X Xᵀ, and A accordingly by s_i s_j. The largest singular value is
  /// then at most 1, and nearer to 1 than the Frobenius norm would leave it. Rows that are next to
  /// nothing beside the others stay so: what float32 has of their A is no measure.
  ///
  /// Only the lower triangle of `gram` is there. `scratch` gets the s_i.
  private static func scaleAOL(
    _ x: Matrix, gram: Matrix, scratch: Floats, by member: Team.Member
  ) {
    let s = scratch.first(gram.rows)
    member.forEach(gram.rows) { i in
      let sum = gram.sumOfMagnitudes(ofSymmetricRow: i)
      s[i] = Float(1 / max(sum, smallestRow).squareRoot())
    }
    // One after the other: the product of two scales may be past float32.
    member.forEach(gram.rows) { i in
      gram.row(i).first(i + 1).multiply(by: s[i], times: s)
    }
    member.forEach(x.rows) { i in
      if x.isWide { x.row(i).scale(by: s[i]) } else { x.row(i).multiply(by: s) }
    }
  }
}
