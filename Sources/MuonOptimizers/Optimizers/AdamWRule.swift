internal import CMuonKernels

/// AdamW's options by group, and its step.
final class AdamWRule: GroupedRule {
  var groups = OptionGroups<AdamWOptions>()

  let kind = OptimizerKind.adamW
  let stateBuffers = [StateBuffer("exp_avg"), StateBuffer("exp_avg_sq")]

  func restoringOptions(
    from header: CheckpointHeader, optimizer: Int, groups restored: Range<Int>,
    members: [Optimizer.Member]
  ) throws(MuonError) -> () -> Void {
    let groups = try groups.restored(from: header, optimizer: optimizer, groups: restored)
    return { self.groups = groups }
  }

  func effectiveLearningRate(of update: Update) -> Double {
    groups[update.group].learningRate
  }

  /// Where steps are measured, one a worker: a part of a parameter as it was before.
  private var befores: [Buffer<Float>] = []
  private var workers = 1

  var scratchBytes: Int { befores.reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride } }

  func check(_ shape: Shape, of owner: String, group: Int) {}

  /// Its square, of which v takes up 1 - beta2, is less than 2^-3 of the largest number: with it v, of
  /// which beta2 remains, is not larger than before where it was large.
  let harmlessGradient: Float = 0x1p62

  func stateStaysFinite(
    _ state: [StateMemory], group: Int, gradient: UnsafePointer<Float>, elements: Range<Int>
  ) -> Bool {
    guard let m = unsafe state[0].start, let v = unsafe state[1].start else { return true }
    let offset = elements.lowerBound
    var constants = constants(of: groups[group], step: 1)
    return unsafe isFinite(
      Kernels.passes.adamw_highest(
        elements.count, gradient + offset, m + offset, v + offset, &constants))
  }

  private func constants(of options: AdamWOptions, step: Int) -> muon_adamw_constants {
    let bias1 = 1 - Mathematics.power(options.beta1, Double(step))
    let bias2 = 1 - Mathematics.power(options.beta2, Double(step))
    return muon_adamw_constants(
      keep: Float(1 - options.learningRate * options.weightDecay),
      rate: Float(options.learningRate / bias1),
      beta1: Float(options.beta1), rest1: Float(1 - options.beta1),
      beta2: Float(options.beta2), rest2: Float(1 - options.beta2),
      scale2: Float(1 / bias2.squareRoot()), eps: Float(options.epsilon))
  }

  func prepare(_ updates: [Update]) throws(MuonError) {
    workers = Team.sensibleSize(forElements: updates.reduce(0) { $0 + $1.parameter.count })
    guard updates.contains(where: { $0.meter != nil }) else { return }
    while befores.count < workers { befores.append(try unsafe Buffer(count: Matrix.chunk)) }
  }

  func apply(_ updates: [Update]) {
    Team.run(workers: workers, Step(rule: self, updates: updates))
  }

  private struct Step: TeamWork {
    let rule: AdamWRule
    let updates: [Update]

    func perform(by member: Team.Member) {
      Denormals.flushed {
        for update in updates {
          let options = rule.groups[update.group]
          Denormals.kept(unless: options.toleratesFlush) {
            rule.apply(update, options, by: member)
          }
        }
      }
    }
  }

  private func apply(_ update: Update, _ options: AdamWOptions, by member: Team.Member) {
    var constants = constants(of: options, step: update.step)
    let meter = update.meter
    member.forEachPart(of: update.parameter.count) { offset, count in
      guard let meter else {
        unsafe apply(&constants, to: update, offset, count)
        return
      }
      let end = offset + count
      for offset in unsafe stride(from: offset, to: end, by: Matrix.chunk) {
        let count = unsafe min(Matrix.chunk, end - offset)
        let before = unsafe befores[member.index].start
        unsafe before.update(from: update.data + offset, count: count)
        unsafe apply(&constants, to: update, offset, count)
        unsafe Kernels.passes.move(count, before, update.data + offset, constants.keep, 1)
        let chunk = unsafe offset / Matrix.chunk
        unsafe meter.change[chunk] = Kernels.passes.sum_of_squares(count, before)
        unsafe meter.gradient[chunk] = Denormals.kept {
          unsafe Kernels.passes.sum_of_squares(count, update.gradient + offset)
        }
      }
    }
  }

  private func apply(
    _ constants: UnsafePointer<muon_adamw_constants>, to update: Update, _ offset: Int, _ count: Int
  ) {
    guard let m = unsafe update.state[0].start, let v = unsafe update.state[1].start else { return }
    unsafe Kernels.passes.adamw(
      count, update.data + offset, update.gradient + offset, m + offset, v + offset, constants)
  }
}

extension ParameterBuffer {
  /// `AdamW`: the mean of the gradients.
  public static let meanGradient = ParameterBuffer("exp_avg")
  /// `AdamW`: the mean of their squares.
  public static let meanSquaredGradient = ParameterBuffer("exp_avg_sq")
}
