/// The squares of the gradients, a sum for each of their parts, so that no sum depends on the number of threads.
private struct GradientNorm: TeamWork {
  let optimizer: Optimizer
  let squares: Elements<Double>

  func perform(by worker: Team.Member) {
    // The gradients may have NaN, and the host may have asked for traps.
    FloatingPointEnvironment.withoutTraps {
      Denormals.kept {
        optimizer.parts.forEach(by: worker) { place, offset, count in
          let parameter = optimizer.trained[optimizer.active[place]]
          guard let gradient = parameter.gradient else { return }
          squares[optimizer.parts.number(place, offset)] =
            gradient[offset..<offset + count].sumOfSquares()
        }
      }
    }
  }
}

extension Optimizer {
  /// Sets what the gradients of the next step are multiplied by so that their norm, over all parameters of
  /// several optimizers, is at most a number; and returns the norm, ‖scale·g‖. Gradients are only read.
  ///
  /// The factor is scale·min(1, maxNorm/(‖scale·g‖ + 1e-6)), as `torch.nn.utils.clip_grad_norm_` has it. Where
  /// the norm is not finite it is the scale, and the policies decide. It serves each optimizer for the next step
  /// alone, whether that is made, or skipped or refused for NaN or infinity. Muon's direction does not depend on
  /// the scale of all its gradients: clipping changes only how much a step weighs in the momentum.
  ///
  /// - Parameters:
  ///   - optimizers: Each once.
  ///   - maxNorm: At least 0; infinity clips nothing.
  ///   - scale: Finite, at least 0: such as 1/n for gradients that are the sums of n batches.
  /// - Throws: `invalidArgument` for other numbers and for an optimizer that is there twice, `outOfMemory`;
  ///   nothing has changed then.
  @discardableResult
  public static func clipGradientNorm(
    all optimizers: [Optimizer], to maxNorm: Double, scale: Double = 1
  ) throws(MuonError) -> Double {
    try requireDistinct(optimizers)
    return try clipGradientNorm(optimizers.count, to: maxNorm, scale: scale) { optimizers[$0] }
  }

  /// The same for `count` optimizers, none of them twice, each of which it asks for by its number.
  package static func clipGradientNorm(
    _ count: Int, to maxNorm: Double, scale: Double, _ optimizer: (Int) -> Optimizer
  ) throws(MuonError) -> Double {
    try requireNonNegative(scale, "grad_scale")
    guard maxNorm >= 0 else {
      throw MuonError(.invalidArgument, "max_norm must be at least 0, got \(maxNorm)")
    }
    var squares = 0.0
    for index in 0..<count { squares += try optimizer(index).sumOfSquaredGradients() }
    let norm = scale * squares.squareRoot()
    let factor = norm.isFinite ? scale * min(1, maxNorm / (norm + 1e-6)) : scale
    for index in 0..<count { optimizer(index).gradientScale = factor }
    return norm
  }

  /// Sets what the gradients of the next step are multiplied by; finite, at least 0.
  ///
  /// - Throws: `invalidArgument` for another number.
  public func setGradientScale(_ scale: Double) throws(MuonError) {
    try requireNonNegative(scale, "grad_scale")
    gradientScale = scale
  }

  /// At the beginning of a step, which the scale is for; a step of one parameter leaves it to a whole one.
  func beginGradientScale() { stepScale = only == nil ? Float(gradientScale) : 1 }

  /// When the step is certain to be made, or is left out for what is not finite. One that fails for another
  /// reason can be tried again with the scale.
  static func endGradientScales(_ count: Int, _ optimizer: (Int) -> Optimizer) {
    for index in 0..<count where optimizer(index).only == nil { optimizer(index).gradientScale = 1 }
  }

  private func sumOfSquaredGradients() throws(MuonError) -> Double {
    try listWork()
    if (partSquares?.count ?? 0) < parts.count { partSquares = try Buffer(count: parts.count) }
    guard let partSquares else { return 0 }
    let squares = partSquares.elements
    Team.run(
      workers: Team.sensibleSize(forElements: parts.elements),
      GradientNorm(optimizer: self, squares: squares))
    return (0..<parts.count).reduce(0) { $0 + squares[$1] }
  }
}
