/// Muon's step of one matrix.
@safe
struct MuonTask {
  let orthogonalizer: Orthogonalizer
  /// O, where it was worked out ahead.
  var solved: Buffer<Float>?

  private let update: Update
  private let nesterov: Bool
  /// The weights of m and g in the new momentum.
  private let momentum, gradientWeight: Float
  /// p ← keep·p - rate·O.
  private let keep, rate: Float

  init(_ update: Update, _ options: MuonOptions, _ orthogonalizer: Orthogonalizer) {
    self.orthogonalizer = orthogonalizer
    self.update = update
    nesterov = options.nesterov
    momentum = Float(options.momentum)
    switch options.momentumStyle {
    case .classic: gradientWeight = 1
    case .ema: gradientWeight = Float(1 - options.momentum)
    }
    let shape = update.parameter.layout
    let scale = options.shapeScale.factor(rows: shape.rows, columns: shape.columns)
    keep = Float(1 - options.learningRate * options.weightDecay)
    rate = Float(options.learningRate * scale)
  }

  var rows: Int { update.parameter.layout.rows }
  var columns: Int { update.parameter.layout.columns }
  var count: Int { update.parameter.count }
  var owner: String { update.parameter.owner }

  /// In multiplications, about.
  var cost: Double {
    Double(count) * Double(min(rows, columns)) * Double(orthogonalizer.coefficients.count + 1)
  }

  /// Works O out and keeps it, and writes nothing else. False where LAPACK did not converge.
  func solve(in scratch: Orthogonalizer.Scratch) -> Bool {
    guard let solved else { return false }
    let x = unsafe scratch.matrix(rows: rows, columns: columns)
    unsafe writeDirection(into: x.floats)
    guard orthogonalizer.orthogonalize(rows: rows, columns: columns, in: scratch) else {
      return false
    }
    unsafe solved.start.update(from: x.floats, count: count)
    return true
  }

  /// Makes the step: the momentum, and the parameter.
  func apply(in scratch: Orthogonalizer.Scratch) {
    if let solved {
      unsafe moveParameter(along: solved.start)
    } else {
      let x = unsafe scratch.matrix(rows: rows, columns: columns)
      unsafe writeDirection(into: x.floats)
      // Only a backend that was solved ahead can fail.
      _ = orthogonalizer.orthogonalize(rows: rows, columns: columns, in: scratch)
      unsafe moveParameter(along: x.floats)
    }
    writeMomentum()
  }

  /// u, from the momentum as it will be.
  private func writeDirection(into u: UnsafeMutablePointer<Float>) {
    let (g, m) = unsafe (update.gradient, update.state[0])
    let (momentum, gradientWeight) = (momentum, gradientWeight)
    if nesterov {
      for i in 0..<count {
        let new = unsafe momentum * m[i] + gradientWeight * g[i]
        unsafe u[i] = gradientWeight * g[i] + momentum * new
      }
    } else {
      for i in 0..<count { unsafe u[i] = momentum * m[i] + gradientWeight * g[i] }
    }
  }

  private func writeMomentum() {
    let (g, m) = unsafe (update.gradient, update.state[0])
    let (momentum, gradientWeight) = (momentum, gradientWeight)
    for i in 0..<count { unsafe m[i] = momentum * m[i] + gradientWeight * g[i] }
  }

  private func moveParameter(along o: UnsafeMutablePointer<Float>) {
    let p = unsafe update.data
    let (keep, rate) = (keep, rate)
    for i in 0..<count { unsafe p[i] = keep * p[i] - rate * o[i] }
  }
}
