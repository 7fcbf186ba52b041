/// Whether lines of O are brought nearer to each other in size before the parameter is moved along it, by a running
/// mean of their squares: NorMuon (arXiv 2510.05491).
///
/// With O of r rows and c columns, and q_i the mean of the squares of line i:
///
///     v_i ← β₂ v_i + (1 - β₂) q_i,   d_i = 1 / (√v_i + 1e-10)
///     O_ij ← f d_i O_ij
///
/// where f is such that O keeps its Frobenius norm. v starts at 0.
public enum SecondMoment: String, CaseIterable, Sendable {
  /// No.
  case none
  /// Rows, which are outputs.
  case normuon
  /// Rows where r ≥ c, else columns: as in modded-nanogpt.
  case normuonLong = "normuon_long"

  /// What a line is, of a matrix of this shape.
  func lines(rows: Int, columns: Int) -> Matrix.Side? {
    switch self {
    case .none: nil
    case .normuon: .rows
    case .normuonLong: rows >= columns ? .rows : .columns
    }
  }

  private func lines(_ shape: Shape) -> Matrix.Side? {
    lines(rows: shape.rows, columns: shape.columns)
  }

  /// The layout of v: that of the matrices, and 1 across lines.
  func layout(of matrices: MatrixLayout) -> MatrixLayout? {
    lines(matrices.blocks[0].shape).map {
      matrices.reduced(rows: $0 == .rows, columns: $0 == .columns)
    }
  }

  /// Requires that v has a shape: that lines are rows in all matrices, or columns in all.
  func requireAlike(_ matrices: MatrixLayout, of owner: String) throws(MuonError) {
    let first = lines(matrices.blocks[0].shape)
    guard matrices.blocks.allSatisfy({ lines($0.shape) == first }) else {
      throw MuonError(
        .unsupported,
        "second_moment \(rawValue): some blocks of the view of \(owner) have at least as many rows as columns, "
          + "and some have fewer")
    }
  }
}

extension ParameterBuffer {
  /// `Muon` with `MuonOptions.secondMoment`: the running mean of the squares of lines of O.
  public static let secondMomentum = ParameterBuffer("second_momentum")
}

extension Matrix {
  /// How many columns a thread sums up at a time.
  private static let block = 256

  /// How many lines there are.
  func count(of lines: Side) -> Int { lines == .rows ? rows : columns }

  /// Normalizes lines by `v`, a number for each of them, which is advanced: see `SecondMoment`. `sums` has room for as
  /// many. All members of a team call it together, and none returns before all is done.
  func normalize(
    _ lines: Side, _ v: Floats, beta2: Double, in sums: Elements<Double>, by member: Team.Member
  ) {
    let count = count(of: lines)
    let sums = sums.first(count)
    sumSquares(lines, into: sums, by: member)
    member.forEach(1) { _ in
      Matrix.factors(sums, v, beta2: beta2, length: lines == .rows ? columns : rows)
    }
    member.forEachPart(of: rows, each: max(1, Matrix.chunk / max(columns, 1))) { part in
      for i in part {
        if lines == .rows { row(i).scale(by: sums[i]) } else { row(i).scale(by: sums) }
      }
    }
  }

  /// The sums of the squares of lines.
  private func sumSquares(_ lines: Side, into sums: Elements<Double>, by member: Team.Member) {
    if lines == .rows {
      member.forEachPart(of: rows, each: max(1, Matrix.chunk / max(columns, 1))) { part in
        for i in part { sums[i] = row(i).sumOfSquares() }
      }
    } else {
      member.forEachPart(of: columns, each: Matrix.block) { part in
        sums[part].fill(with: 0)
        for i in 0..<rows { row(i)[part].addSquares(to: sums[part]) }
      }
    }
  }

  /// Advances v, and puts f d_i in the place of the sums of the squares of lines of so many elements.
  private static func factors(
    _ sums: Elements<Double>, _ v: Floats, beta2: Double, length: Int
  ) {
    precondition(v.count == sums.count)
    var (before, after) = (0.0, 0.0)
    for i in 0..<sums.count {
      let square = sums[i]
      v[i] = Float(beta2 * Double(v[i]) + (1 - beta2) * (square / Double(length)))
      sums[i] = 1 / (Double(v[i]).squareRoot() + 1e-10)
      before += square
      after += square * sums[i] * sums[i]
    }
    let f = after == 0 ? 1 : (before / after).squareRoot()
    for i in 0..<sums.count { sums[i] *= f }
  }
}
