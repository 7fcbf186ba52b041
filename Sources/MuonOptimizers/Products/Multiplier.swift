internal import CMuonKernels

/// Products by a kernel, made by the members of a team, who make all of these calls together.
@safe
struct Multiplier {
  let kernel: ProductKernel
  let member: Team.Member

  init(_ kernel: ProductKernel, by member: Team.Member) {
    self.kernel = kernel
    self.member = member
  }

  /// Packs the rows or the columns of a matrix.
  ///
  /// - Parameter memory: Has room for what is packed.
  func pack(_ side: Matrix.Side, of x: Matrix, _ packing: Packing, into memory: Floats) -> Operand {
    let (lanes, depth) = side == .rows ? (x.rows, x.columns) : (x.columns, x.rows)
    let (laneStride, depthStride) = side == .rows ? (x.columns, 1) : (1, x.columns)
    precondition(packing.kernel == kernel && packing.lanes == lanes && packing.depth == depth)
    let packed = memory.first(packing.count)
    unsafe withUnsafePointer(to: packing.inC) { packing in
      unsafe member.forEach(packing.pointee.panels) { panel in
        unsafe muon_gemm_pack(
          packing, x.elements.start, laneStride, depthStride, panel, packed.start)
      }
    }
    return Operand(packing: packing, packed: packed, matrix: x, diagonal: nil)
  }

  /// Packs a symmetric matrix of which only the lower triangle is there.
  ///
  /// Where the matrix is near a multiple of the identity, its diagonal, many times larger than the rest, is what
  /// the bits of an operand would be spent on. With `diagonal` it goes there, is 0 in what is packed, and is
  /// multiplied apart, in float32.
  ///
  /// - Parameters:
  ///   - memory: Has room for what is packed.
  ///   - mirroring: Whether the blocks on the diagonal are to be made whole first. They are so as
  ///     a product of an operand with itself left them.
  ///   - diagonal: Has room for as many elements as the matrix has rows.
  func pack(
    symmetric x: Matrix, _ packing: Packing, into memory: Floats, diagonal: Floats? = nil,
    mirroring: Bool = true
  ) -> Operand {
    precondition(packing.kernel == kernel && packing.lanes == x.rows && packing.depth == x.rows)
    precondition(x.rows == x.columns)
    let packed = memory.first(packing.count)
    let diagonal = diagonal?.first(x.rows)
    unsafe withUnsafePointer(to: packing.inC) { packing in
      unsafe member.forEach(packing.pointee.panels) { panel in
        unsafe muon_gemm_pack_symmetric(
          packing, x.elements.start, mirroring ? 1 : 0, panel, diagonal?.start, packed.start)
      }
    }
    return Operand(packing: packing, packed: packed, matrix: x, diagonal: diagonal)
  }

  /// O = alpha A B + a term, for the epilogue. The rows of A are packed, and the columns of B. What the terms and
  /// the epilogue have may be in the same place as what an operand was packed of.
  ///
  /// With `symmetric`, O is known to be, and only the blocks of lanes on and below its diagonal are computed.
  func multiply(
    _ a: Operand, _ b: Operand, times alpha: Float = 1, plus term: Term? = nil,
    to epilogue: Epilogue, symmetric: Bool = false
  ) {
    let c = epilogue.matrix
    let (left, right) = (a.packing, b.packing)
    precondition(left.kernel == kernel && right.kernel == kernel)
    precondition(left.role.contains(.left) && right.role.contains(.right))
    precondition(
      left.depth == right.depth && left.lanes == c.rows && right.lanes == c.columns)
    precondition(!symmetric || c.rows == c.columns)

    @inline(__always)
    func output(_ c: Matrix, keep: Float, rate: Float) -> muon_gemm_output {
      var terms = unsafe OutputTerms(of: c)
      unsafe terms.add(c, factor: keep)
      if let term { unsafe terms.add(term.matrix, factor: rate * term.factor) }
      // With A = R + E and B = S + F, where R and S are the diagonals, A B = E F + R B + A S - R S. The kernel
      // takes off R S, which is in both of the others.
      if let rows = a.diagonal { unsafe terms.add(b.matrix, rows: rows) }
      if let columns = b.diagonal { unsafe terms.add(a.matrix, columns: columns) }
      return unsafe muon_gemm_output(
        c: c.elements.start, stride: c.columns, alpha: rate * alpha,
        terms: (terms.one, terms.two))
    }

    let first = unsafe output(c, keep: epilogue.keep, rate: epilogue.rate)
    var all = unsafe muon_gemm_epilogue(count: 1, outputs: (first, first))
    if let copy = epilogue.copy {
      unsafe all.outputs.1 = unsafe output(copy, keep: 0, rate: 1)
      all.count = 2
    }
    unsafe withUnsafePointer(to: left.inC) { left in
      unsafe withUnsafePointer(to: right.inC) { right in
        var tiles = unsafe muon_gemm_tiles_for(left, right, Int32(member.teamSize))
        member.forEach(tiles.down * tiles.across) { tile in
          unsafe muon_gemm_tile(
            left, a.packed.start, right, b.packed.start, symmetric ? 1 : 0, &tiles, tile, &all)
        }
      }
    }
  }

  /// C ← alpha A B + a term.
  func multiply(
    _ a: Operand, _ b: Operand, times alpha: Float = 1, plus term: Term? = nil, into c: Matrix,
    symmetric: Bool = false
  ) {
    multiply(a, b, times: alpha, plus: term, to: Epilogue(replacing: c), symmetric: symmetric)
  }
}

/// What is added to a product on its way into a matrix: at most two matrices of the same shape.
@unsafe
private struct OutputTerms {
  private(set) var one, two: muon_gemm_term
  private var count = 0
  private let rows, columns: Int

  init(of c: Matrix) {
    let none = unsafe muon_gemm_term(matrix: c.elements.start, factor: 0, rows: nil, columns: nil)
    unsafe (one, two) = unsafe (none, none)
    unsafe (rows, columns) = (c.rows, c.columns)
  }

  /// Adds factor M, and alpha diag(rows) M and alpha M diag(columns).
  mutating func add(
    _ m: Matrix, factor: Float = 0, rows: Floats? = nil, columns: Floats? = nil
  ) {
    guard factor != 0 || rows != nil || columns != nil else { return }
    unsafe precondition(m.rows == self.rows && m.columns == self.columns)
    unsafe precondition((rows?.count ?? self.rows) == self.rows)
    unsafe precondition((columns?.count ?? self.columns) == self.columns)
    let place = unsafe m.elements.start
    if unsafe count > 0 && one.matrix == place {
      unsafe OutputTerms.add(to: &one, factor, rows, columns)
    } else if unsafe count > 1 && two.matrix == place {
      unsafe OutputTerms.add(to: &two, factor, rows, columns)
    } else {
      unsafe precondition(count < 2)
      let term = unsafe muon_gemm_term(
        matrix: place, factor: factor, rows: rows?.start, columns: columns?.start)
      if unsafe count == 0 { unsafe one = unsafe term } else { unsafe two = unsafe term }
      unsafe count += 1
    }
  }

  private static func add(
    to term: inout muon_gemm_term, _ factor: Float, _ rows: Floats?, _ columns: Floats?
  ) {
    unsafe precondition(rows == nil || term.rows == nil)
    unsafe precondition(columns == nil || term.columns == nil)
    unsafe term.factor += factor
    if let rows { unsafe term.rows = UnsafePointer(rows.start) }
    if let columns { unsafe term.columns = UnsafePointer(columns.start) }
  }
}
