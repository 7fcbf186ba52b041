/// AdamW, for parameters of any shape (arXiv 1711.05101), as `torch.optim.AdamW` computes it.
///
/// At step t of a parameter p, from 1, with means m and v that start at 0:
///
///     p ← p (1 - lr·weightDecay)
///     m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²
///     p ← p - lr/(1 - β₁ᵗ) · m / (√v/√(1 - β₂ᵗ) + ε)
///
/// With `AdamWOptions.cautiousWeightDecay` the first of them leaves out the elements that the last one moves away
/// from 0.
///
/// m and v are float32. What is below `Float.leastNormalMagnitude` counts as 0 where that changes the update by
/// less than 1e-6 of it, which is so for the default ε.
public final class AdamW: GroupedOptimizer<AdamWOptions> {
  private var workers = 1
  /// Where steps are measured, one a worker: a part of a parameter as it was before.
  private var befores: [Buffer<Float>] = []

  /// Parameters of any shape, in a first group with these options.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and for memory that overlaps,
  ///   `outOfMemory` for the state.
  public init(
    _ parameters: [Parameter] = [], options: AdamWOptions = AdamWOptions()
  ) throws(MuonError) {
    try super.init(
      .adamW, state: [StateBuffer("exp_avg"), StateBuffer("exp_avg_sq")], parameters, options)
  }

  // Not in the generic class: schedulers come here in every step, and may not allocate.
  override func rate(ofGroup group: Int) -> Double { groups[group].learningRate }
  override func setRate(_ rate: Double, ofGroup group: Int) { groups[group].learningRate = rate }
  override func weightDecay(ofGroup group: Int) -> Double { groups[group].weightDecay }
  override func setWeightDecay(_ weightDecay: Double, ofGroup group: Int) {
    groups[group].weightDecay = weightDecay
  }

  override func effectiveLearningRate(of parameter: TrainedParameter) -> Double {
    groups[parameter.group].learningRate
  }

  /// Its square, of which v takes up 1 - beta2, is less than 2^-3 of the largest number: with it v, of
  /// which beta2 remains, is not larger than before where it was large.
  override var harmlessGradient: Float { 0x1p62 }

  override func stateStaysFinite(_ parameter: TrainedParameter, elements: Range<Int>) -> Bool {
    guard let g = parameter.gradient else { return true }
    let (m, v) = (parameter.state[0].elements, parameter.state[1].elements)
    let step = groups[parameter.group].update(step: 1, gradientScale: stepScale)
    return isFinite(step.highest(g[elements], m[elements], v[elements]))
  }

  // MARK: Steps

  override var ownScratchBytes: Int {
    befores.reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride }
  }

  override func planStep() throws(MuonError) {
    workers = Team.sensibleSize(forElements: parts.elements)
    guard statisticsLevel != .none, !active.isEmpty else { return }
    while befores.count < workers { befores.append(try Buffer(count: Matrix.chunk)) }
  }

  override func runStep() { Team.run(workers: workers, Step(adamW: self)) }

  private struct Step: TeamWork {
    let adamW: AdamW

    func perform(by member: Team.Member) {
      Denormals.flushed {
        adamW.parts.forEach(by: member) { place, offset, count in
          let parameter = adamW.trained[adamW.active[place]]
          let options = adamW.groups[parameter.group]
          Denormals.kept(unless: options.toleratesFlush) {
            adamW.update(parameter, options, offset..<offset + count, by: member)
          }
        }
      }
    }
  }

  private func update(
    _ parameter: TrainedParameter, _ options: AdamWOptions, _ elements: Range<Int>,
    by member: Team.Member
  ) {
    guard let g = parameter.gradient else { return }
    let (p, m, v) = (parameter.data, parameter.state[0].elements, parameter.state[1].elements)
    let step = options.update(step: parameter.steps + 1, gradientScale: stepScale)
    guard let meter = parameter.meter else {
      step.apply(p[elements], g[elements], m[elements], v[elements])
      return
    }
    for start in stride(from: elements.lowerBound, to: elements.upperBound, by: Matrix.chunk) {
      let part = start..<min(start + Matrix.chunk, elements.upperBound)
      let before = befores[member.index].elements.first(part.count)
      before.copy(from: p[part])
      step.apply(p[part], g[part], m[part], v[part])
      step.decay.move(before, along: p[part], rate: 1, direction: m[part])
      let chunk = start / Matrix.chunk
      meter.change[chunk] = before.sumOfSquares()
      meter.gradient[chunk] = Denormals.kept { g[part].sumOfSquares() }
    }
  }
}

extension AdamWOptions {
  /// Of a parameter's step, from 1, with a gradient that is multiplied by a factor first.
  fileprivate func update(step: Int, gradientScale: Float) -> AdamWStep {
    let bias1 = 1 - Mathematics.power(beta1, Double(step))
    let bias2 = 1 - Mathematics.power(beta2, Double(step))
    return AdamWStep(
      gradientScale: gradientScale, keep: 1 - learningRate * weightDecay,
      rate: learningRate / bias1, beta1: beta1, beta2: beta2, scale2: 1 / bias2.squareRoot(),
      epsilon: epsilon, cautious: cautiousWeightDecay)
  }
}

extension ParameterBuffer {
  /// `AdamW`: the mean of the gradients.
  public static let meanGradient = ParameterBuffer("exp_avg")
  /// `AdamW`: the mean of their squares.
  public static let meanSquaredGradient = ParameterBuffer("exp_avg_sq")
}
