/// A matrix that keeps its Frobenius norm R, whatever it is moved along; R is what the norm was in the first step.
///
///     w = p - lr R O/‖O‖_F,   p ← R w/‖w‖_F
///
/// Wen et al., "Fantastic Pretraining Optimizers and Where to Find Them, 2.1: Hyperball Optimization", 2025.
extension Muon {
  /// Requires that the parameters of groups with `MuonOptions.hyperball` that the present step changes have a norm to
  /// keep. It reads those whose norm is not known yet.
  func requireNorms() throws(MuonError) {
    for index in active where groups[trained[index].group].hyperball {
      let parameter = trained[index]
      guard let matrices = parameter.form.matrices,
        let radii = parameter.elements(of: .radius)?.floats
      else { continue }
      let layout = matrices.reduced(rows: false, columns: false)
      for batch in 0..<matrices.batchCount {
        for (block, each) in matrices.blocks.enumerated() {
          let number = batch * matrices.blocks.count + block
          let owner =
            matrices.count == 1 ? parameter.owner : "matrix \(number) of \(parameter.owner)"
          try requireNorm(
            owner, radius: radii[layout.start(batch: batch, block: block)],
            each.matrix.norm(in: parameter.weights, at: matrices.start(batch: batch, block: block)))
        }
      }
    }
  }

  private func requireNorm(
    _ owner: String, radius: Float, _ frobenius: @autoclosure () -> Double
  ) throws(MuonError) {
    guard !(radius < 0) else {
      throw MuonError(
        .invalidArgument, "hyperball: the radius of \(owner) is negative, \(radius)")
    }
    guard radius == 0 else { return }
    let norm = Float(frobenius())
    guard norm != 0 else {
      throw MuonError(
        .invalidArgument, "hyperball: \(owner) is zero, and has no norm that it could keep")
    }
    guard norm.isFinite || nonFinitePolicy == .propagate else {
      throw MuonError(
        .invalidArgument, "hyperball: the norm of \(owner) is not finite in float32")
    }
  }

  /// Moves the parameter along O. All members of a team call it together.
  func moveOnHyperball(
    _ parameter: MuonMatrix, along o: Matrix, sums: Elements<Double>, by member: Team.Member
  ) {
    guard let radius = parameter.radius?.dense.floats else { return }
    let p = parameter.matrix(parameter.data)
    if radius[0] == 0 {
      let norm = p.norm(in: sums, by: member)
      // All have seen that it was 0.
      member.forEach(1) { _ in radius[0] = Float(norm) }
    }
    let r = Double(radius[0])
    let length = o.norm(in: sums, by: member)
    guard length != 0 else { return }
    let rate = groups[parameter.group].learningRate * r / length
    p.forEachChunk(by: member) { part, number in
      p.elements[part].move(along: o.elements[part], keep: 1, rate: Float(rate))
      sums[number] = p.elements[part].sumOfSquares()
    }
    let moved = p.total(of: sums)
    // All have read it before one goes on and writes there.
    member.waitForOthers()
    if moved == 0 {
      // p was lr R O/‖O‖: it comes out on the other side.
      p.forEachChunk(by: member) { part, _ in
        p.elements[part].become(Float(-r / length), times: o.elements[part])
      }
    } else {
      p.scale(by: r / moved.squareRoot(), by: member)
    }
  }
}

extension ParameterBuffer {
  /// `Muon` with `MuonOptions.hyperball`: the norm that a parameter keeps; 0 before its first step.
  public static let radius = ParameterBuffer("radius")
}

extension Matrix {
  /// The Frobenius norm. The sum depends on the count alone. All members of a team call it together.
  fileprivate func norm(in sums: Elements<Double>, by member: Team.Member) -> Double {
    forEachChunk(by: member) { part, number in sums[number] = elements[part].sumOfSquares() }
    let sum = total(of: sums)
    // All have read it before one goes on and writes there.
    member.waitForOthers()
    return sum.squareRoot()
  }

  /// Of a sum for each chunk.
  fileprivate func total(of sums: Elements<Double>) -> Double {
    (0..<Matrix.chunks(of: count)).reduce(0) { $0 + sums[$1] }
  }
}

extension StridedMatrix {
  /// The same norm of what is in an array from `start` on, by one thread, which only reads.
  fileprivate func norm(in weights: Weights, at start: Int) -> Double {
    Denormals.kept {
      var sum = 0.0
      forEachRun(start) { part in weights[part].forEachLoaded { sum += $0.sumOfSquares() } }
      return sum.squareRoot()
    }
  }
}
