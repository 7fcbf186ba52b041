/// Where a result O goes: p ← keep p + rate O. With keep 0, p is not read.
struct Epilogue {
  let matrix: Matrix
  let keep, rate: Float
  /// Where O itself is written besides, for those who want to see it.
  let copy: Matrix?

  init(_ matrix: Matrix, keep: Float, rate: Float, copy: Matrix? = nil) {
    precondition(copy.map { $0.rows == matrix.rows && $0.columns == matrix.columns } ?? true)
    (self.matrix, self.keep, self.rate, self.copy) = (matrix, keep, rate, copy)
  }

  /// M ← O
  init(replacing matrix: Matrix) { self.init(matrix, keep: 0, rate: 1) }

  /// What is to be done with O = factor M, of an M that is there. All members of a team call it together.
  func apply(to m: Matrix, scaledBy factor: Float = 1, by member: Team.Member) {
    precondition(m.rows == matrix.rows && m.columns == matrix.columns)
    m.forEachChunk(by: member) { part, _ in
      let (p, m, rate) = (matrix.elements[part], m.elements[part], rate * factor)
      if keep == 0 { p.become(rate, times: m) } else { p.move(along: m, keep: keep, rate: -rate) }
      guard let copy = copy?.elements[part] else { return }
      if factor == 1 { copy.copy(from: m) } else { copy.become(factor, times: m) }
    }
  }
}
