internal import CMuonKernels

/// The Newton–Schulz iteration: it maps every singular value σ of X to p(σ), where p is the
/// composition of the odd polynomials a·x + b·x³ + c·x⁵, and leaves the singular vectors alone. The
/// coefficients are such that p(σ) is near 1 for the σ in (0, 1] that matter.
///
/// X stays in float32; where the kernel multiplies bfloat16, operands are rounded as they are packed.
/// That is closer to the exact polynomial than storing X in bfloat16, which buries small singular
/// directions.
enum NewtonSchulz {
  /// Memory for one matrix, beside the matrix itself.
  @unsafe
  struct Scratch {
    /// Two of m x m, each with room for its packed form.
    let gram, polynomial: UnsafeMutablePointer<Float>
    /// Of A and of B.
    let diagonal: UnsafeMutablePointer<Float>
    /// A packed operand of the size of X.
    let packed: UnsafeMutablePointer<Float>

    init(at start: UnsafeMutablePointer<Float>, rows: Int, columns: Int, _ kernel: ProductKernel) {
      let m = min(rows, columns)
      let square = unsafe Self.square(m, kernel)
      unsafe gram = start
      unsafe polynomial = start + square
      unsafe diagonal = start + 2 * square
      unsafe packed = diagonal + Self.onCacheLine(m)
    }

    static func count(rows: Int, columns: Int, _ kernel: ProductKernel) -> Int {
      let m = min(rows, columns)
      return unsafe 2 * square(m, kernel) + onCacheLine(m) + packed(rows, columns, kernel)
    }

    static func onCacheLine(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    private static func square(_ m: Int, _ kernel: ProductKernel) -> Int {
      max(m * m, kernel.packedCount(lanes: m, depth: m))
    }

    /// X is packed by rows and by columns, one after the other.
    private static func packed(_ rows: Int, _ columns: Int, _ kernel: ProductKernel) -> Int {
      max(
        kernel.packedCount(lanes: rows, depth: columns),
        kernel.packedCount(lanes: columns, depth: rows))
    }
  }

  /// Writes p(scale·X) to `epilogue`; X is lost. scale·X has singular values in [0, 1].
  ///
  /// All is done on the short side of the matrix: for a wide X with A = X Xᵀ, for a tall one with
  /// A = Xᵀ X and the factors of the last line exchanged.
  static func iterate(
    _ x: Matrix, scale: Float, _ coefficients: [Coefficients], aolScaling: Bool,
    _ kernel: ProductKernel, _ scratch: Scratch, to epilogue: Epilogue, by member: Team.Member
  ) {
    let m = unsafe x.shortSide
    let (short, long): (ProductKernel.Side, ProductKernel.Side) =
      unsafe x.isWide ? (.rows, .columns) : (.columns, .rows)
    let a = unsafe Matrix(scratch.gram, m, m)
    let b = unsafe Matrix(scratch.polynomial, m, m)
    let packed = unsafe scratch.packed
    // The scale of X is taken into its first products.
    var scale = scale

    for (step, p) in coefficients.enumerated() {
      let isApart = step >= stepsWithWholeDiagonal(of: coefficients.count)
      let diagonal = unsafe isApart ? scratch.diagonal : nil
      // A = X Xᵀ
      unsafe kernel.pack(short, of: x, into: packed, by: member)
      unsafe kernel.multiply(
        packed, packed, depth: x.count / m, into: a, symmetric: true, alpha: scale * scale,
        by: member)
      let rescaled = aolScaling && step == 0
      if rescaled { unsafe scaleAOL(x, gram: a, scratch: b.floats, by: member) }

      // B = b A + c A²; A is symmetric. Without c it is b A, and b is taken into the next product.
      var (polynomial, factor) = unsafe (a, Float(p.b))
      if p.c != 0 {
        unsafe kernel.packSymmetric(
          a, mirroring: rescaled, into: packed, diagonal: diagonal, by: member)
        unsafe kernel.multiply(
          packed, packed, depth: m, into: b, symmetric: true, alpha: Float(p.c),
          plus: ProductKernel.Term(
            matrix: a.floats, factor: Float(p.b), rows: diagonal, columns: diagonal),
          by: member)
        unsafe (polynomial, factor) = (b, 1)
      }

      // X ← a X + B X, or, at the last step, the epilogue of it.
      let packedPolynomial = unsafe polynomial.floats == a.floats ? b.floats : a.floats
      unsafe kernel.packSymmetric(
        polynomial, mirroring: rescaled, into: packedPolynomial, diagonal: diagonal, by: member)
      unsafe kernel.pack(long, of: x, into: packed, by: member)
      let (left, right) = unsafe x.isWide ? (packedPolynomial, packed) : (packed, packedPolynomial)
      let (rows, columns) = unsafe x.isWide ? (diagonal, nil) : (nil, diagonal)
      let isLast = step == coefficients.count - 1
      var next =
        unsafe isLast ? epilogue : Epilogue(floats: x.floats, keep: 0, rate: 1) as Epilogue?
      while let to = unsafe next {
        unsafe kernel.multiply(
          left, right, depth: m, into: Matrix(to.floats, x.rows, x.columns),
          alpha: to.rate * (factor * scale),
          plus: ProductKernel.Term(matrix: to.floats, factor: to.keep),
          plus: ProductKernel.Term(
            matrix: x.floats, factor: to.rate * (Float(p.a) * scale), rows: rows, columns: columns),
          by: member)
        unsafe next = to.next
      }
      scale = 1
    }
  }

  /// In how many of the first steps A and B are multiplied whole; then their diagonals are multiplied apart,
  /// see `ProductKernel.packSymmetric`.
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
    _ x: Matrix, gram: Matrix, scratch s: UnsafeMutablePointer<Float>, by member: Team.Member
  ) {
    let n = unsafe gram.rows
    let (gram, x) = unsafe (gram, x)
    member.forEach(n) { i in
      var sum = 0.0
      for j in 0...i { sum += Double(unsafe gram.floats[i * n + j].magnitude) }
      for j in (i + 1)..<n { sum += Double(unsafe gram.floats[j * n + i].magnitude) }
      unsafe s[i] = Float(1 / max(sum, smallestRow).squareRoot())
    }
    // One after the other: the product of two scales may be past float32.
    member.forEach(n) { i in
      for j in 0...i { unsafe gram.floats[i * n + j] = gram.floats[i * n + j] * s[i] * s[j] }
    }
    let columns = unsafe x.columns
    let wide = unsafe x.isWide
    unsafe member.forEach(x.rows) { i in
      for j in 0..<columns { unsafe x.floats[i * columns + j] *= wide ? s[i] : s[j] }
    }
  }
}
