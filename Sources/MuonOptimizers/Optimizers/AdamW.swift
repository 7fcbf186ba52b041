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
  /// One a worker, where steps are measured or not all is float32.
  private var scratch: [AdamWScratch] = []

  /// Parameters of any shape, in a first group with these options.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and for memory that overlaps,
  ///   `outOfMemory` for the state.
  public init(
    _ parameters: [Parameter] = [], options: AdamWOptions = AdamWOptions()
  ) throws(MuonError) {
    let state = [StateBuffer("exp_avg"), StateBuffer("exp_avg_sq", isOfSquares: true)]
    try super.init(.adamW, state: state + StateBuffer.ofMaster, parameters, options)
  }

  override func requireTrainable(
    _ parameter: ParameterForm, _ options: AdamWOptions
  ) throws(MuonError) {
    guard parameter.storage.momentum == .float32 else {
      throw MuonError(
        .unsupported,
        "\(parameter.owner): AdamW's state is float32; in \(parameter.storage.momentum.rawValue) "
          + "exp_avg_sq would stay as it is, for its increments are below half of the distance between numbers"
      )
    }
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
    let (m, v) = (parameter.state[0].floats[elements], parameter.state[1].floats[elements])
    let step = groups[parameter.group].update(step: 1, gradientScale: stepScale)
    var (start, stays) = (0, true)
    Numbers.forEachWidened(g[elements], Numbers(m)) { g, m in
      let part = start..<start + g.count
      stays = stays && isFinite(step.highest(g, m, v[part])) && v[part].areNotNegative
      start += g.count
    }
    return stays
  }

  // MARK: Steps

  override var ownScratchBytes: Int {
    scratch.reduce(0) { $0 + $1.bytes }
  }

  override func planStep() throws(MuonError) {
    workers = Team.sensibleSize(forElements: parts.elements)
    let measured = statisticsLevel != .none && !active.isEmpty
    let widened = active.contains {
      trained[$0].data.type != .float32 || trained[$0].gradient?.type != .float32
    }
    guard measured || widened else { return }
    if !scratch.allSatisfy({ $0.holds(before: measured, widened: widened) }) { scratch.removeAll() }
    while scratch.count < workers {
      scratch.append(try AdamWScratch(before: measured, widened: widened))
    }
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
    let weights = parameter.weights
    let (m, v) = (parameter.state[0].floats, parameter.state[1].floats)
    let step = options.update(step: parameter.steps + 1, gradientScale: stepScale)
    let meter = parameter.meter
    if meter == nil, let p = weights.data.floats, let g = g.floats {
      step.apply(p[elements], g[elements], m[elements], v[elements])
      return
    }
    // What is measured is summed up by chunks; else so much at a time as stays next to the processor.
    let size = meter == nil ? 1 << 12 : Matrix.chunk
    let own = scratch[member.index]
    for start in stride(from: elements.lowerBound, to: elements.upperBound, by: size) {
      let part = start..<min(start + size, elements.upperBound)
      let p = weights.inPlace?[part] ?? own.parameter.first(part.count)
      weights[part].load(into: p)
      let floats = g[part].widened(in: own.gradient.first(part.count))
      if meter != nil { own.before.first(part.count).copy(from: p) }
      step.apply(p, floats, m[part], v[part])
      if let meter {
        let before = own.before.first(part.count)
        step.decay.move(before, along: p, rate: 1, direction: m[part])
        let chunk = start / Matrix.chunk
        meter.change[chunk] = before.sumOfSquares()
        meter.gradient[chunk] = Denormals.kept { g[part].sumOfSquares() }
      }
      weights[part].store(from: p)
    }
  }
}

/// What a worker needs for a chunk: where steps are measured what the parameter was before, and, where it and its
/// gradient are not float32, what they are in float32.
private struct AdamWScratch {
  let before, parameter, gradient: Floats
  private let memory: Buffer<Float>

  init(before: Bool, widened: Bool) throws(MuonError) {
    memory = try Buffer(count: ((before ? 1 : 0) + (widened ? 2 : 0)) * Matrix.chunk)
    var arena = Arena(memory.elements)
    self.before = arena.take(before ? Matrix.chunk : 0)
    parameter = arena.take(widened ? Matrix.chunk : 0)
    gradient = arena.take(widened ? Matrix.chunk : 0)
  }

  func holds(before: Bool, widened: Bool) -> Bool {
    (!before || self.before.count > 0) && (!widened || parameter.count > 0)
  }

  var bytes: Int { memory.count * MemoryLayout<Float>.stride }
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
