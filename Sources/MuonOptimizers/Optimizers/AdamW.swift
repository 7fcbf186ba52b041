internal import CMuonKernels

/// AdamW, for parameters of any shape (arXiv 1711.05101), as `torch.optim.AdamW` computes it.
///
/// At step t of a parameter p, from 1, with means m and v that start at 0:
///
///     p ← p (1 - lr·weightDecay)
///     m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²
///     p ← p - lr/(1 - β₁ᵗ) · m / (√v/√(1 - β₂ᵗ) + ε)
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

  override func effectiveLearningRate(of parameter: TrainedParameter) -> Double {
    groups[parameter.group].learningRate
  }

  /// Its square, of which v takes up 1 - beta2, is less than 2^-3 of the largest number: with it v, of
  /// which beta2 remains, is not larger than before where it was large.
  override var harmlessGradient: Float { 0x1p62 }

  override func stateStaysFinite(_ parameter: TrainedParameter, elements: Range<Int>) -> Bool {
    guard let g = unsafe parameter.gradient, let m = unsafe parameter.state[0].start,
      let v = unsafe parameter.state[1].start
    else { return true }
    let offset = elements.lowerBound
    var constants = groups[parameter.group].constants(step: 1)
    return unsafe isFinite(
      Kernels.passes.adamw_highest(
        elements.count, g + offset, m + offset, v + offset, &constants))
  }

  // MARK: Steps

  override var ownScratchBytes: Int {
    befores.reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride }
  }

  override func planStep() throws(MuonError) {
    workers = Team.sensibleSize(forElements: parts.elements)
    guard statisticsLevel != .none, !active.isEmpty else { return }
    while befores.count < workers { befores.append(try unsafe Buffer(count: Matrix.chunk)) }
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
            adamW.update(parameter, options, offset, count, by: member)
          }
        }
      }
    }
  }

  private func update(
    _ parameter: TrainedParameter, _ options: AdamWOptions, _ offset: Int, _ count: Int,
    by member: Team.Member
  ) {
    guard let p = unsafe parameter.data, let g = unsafe parameter.gradient,
      let m = unsafe parameter.state[0].start, let v = unsafe parameter.state[1].start
    else { return }
    var constants = options.constants(step: parameter.steps + 1)
    guard let meter = parameter.meter else {
      unsafe Kernels.passes.adamw(
        count, p + offset, g + offset, m + offset, v + offset, &constants)
      return
    }
    let end = offset + count
    for offset in unsafe stride(from: offset, to: end, by: Matrix.chunk) {
      let count = unsafe min(Matrix.chunk, end - offset)
      let before = unsafe befores[member.index].start
      unsafe before.update(from: p + offset, count: count)
      unsafe Kernels.passes.adamw(
        count, p + offset, g + offset, m + offset, v + offset, &constants)
      unsafe Kernels.passes.move(count, before, p + offset, constants.keep, 1)
      let chunk = unsafe offset / Matrix.chunk
      unsafe meter.change[chunk] = Kernels.passes.sum_of_squares(count, before)
      unsafe meter.gradient[chunk] = Denormals.kept {
        unsafe Kernels.passes.sum_of_squares(count, g + offset)
      }
    }
  }
}

extension AdamWOptions {
  /// Of a parameter's step, from 1.
  fileprivate func constants(step: Int) -> muon_adamw_constants {
    let bias1 = 1 - Mathematics.power(beta1, Double(step))
    let bias2 = 1 - Mathematics.power(beta2, Double(step))
    return muon_adamw_constants(
      keep: Float(1 - learningRate * weightDecay),
      rate: Float(learningRate / bias1),
      beta1: Float(beta1), rest1: Float(1 - beta1),
      beta2: Float(beta2), rest2: Float(1 - beta2),
      scale2: Float(1 / bias2.squareRoot()), eps: Float(epsilon))
  }
}

extension ParameterBuffer {
  /// `AdamW`: the mean of the gradients.
  public static let meanGradient = ParameterBuffer("exp_avg")
  /// `AdamW`: the mean of their squares.
  public static let meanSquaredGradient = ParameterBuffer("exp_avg_sq")
}
