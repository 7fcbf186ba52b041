internal import CMuonKernels
internal import Glibc

/// The options of a parameter group of `AdamW`. The defaults are torch's.
public struct AdamWOptions: Hashable, Sendable, GroupOptions {
  /// Finite, at least 0.
  public var learningRate: Double
  /// How much the means of g and of g² keep of what they were; in [0, 1).
  public var beta1, beta2: Double
  /// Added to the root in the denominator; finite, at least 0.
  public var epsilon: Double
  /// Decoupled; finite, at least 0.
  public var weightDecay: Double

  /// Options with torch's defaults.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0.01
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  func check() throws(MuonError) {
    try requireNonNegative(learningRate, "lr")
    try requireDecayRate(beta1, "beta1")
    try requireDecayRate(beta2, "beta2")
    try requireNonNegative(epsilon, "eps")
    try requireNonNegative(weightDecay, "weight_decay")
  }
}

/// AdamW, for parameters of any shape (arXiv 1711.05101), as `torch.optim.AdamW` computes it.
///
/// At step t of a parameter p, from 1, with means m and v that start at 0:
///
///     p ← p (1 - lr·weightDecay)
///     m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²
///     p ← p - lr/(1 - β₁ᵗ) · m / (√v/√(1 - β₂ᵗ) + ε)
public final class AdamW: Optimizer {
  private let adamW = AdamWRule()

  /// Parameters of any shape, in a first group with these options.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and for memory that overlaps,
  ///   `outOfMemory` for the state.
  public init(
    _ parameters: [Parameter] = [], options: AdamWOptions = AdamWOptions()
  ) throws(MuonError) {
    super.init(rule: adamW)
    try adamW.groups.append(options)
    try add(parameters)
  }

  /// Adds a group with these parameters and returns its index: all, or nothing.
  ///
  /// - Throws: As `init(_:options:)`.
  @discardableResult
  public func addGroup(
    _ parameters: [Parameter] = [], options: AdamWOptions
  ) throws(MuonError) -> Int {
    try addGroup(parameters.map { ParameterBinding($0) }, options: options)
  }

  /// The same for parameters with state of the caller's.
  package func addGroup(
    _ bindings: [ParameterBinding], options: AdamWOptions
  ) throws(MuonError) -> Int {
    try adamW.groups.append(options)
    do {
      try add(bindings, toGroup: groupCount - 1)
    } catch {
      adamW.groups.removeLast()
      throw error
    }
    return groupCount - 1
  }

  /// The options of a group.
  ///
  /// - Throws: `invalidArgument` where there is no such group.
  public func options(ofGroup group: Int = 0) throws(MuonError) -> AdamWOptions {
    try requireIndex(group, count: groupCount, "parameter group")
    return adamW.groups[group]
  }

  /// Takes effect with the next step.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and where there is no such group.
  public func setOptions(_ options: AdamWOptions, ofGroup group: Int = 0) throws(MuonError) {
    try requireIndex(group, count: groupCount, "parameter group")
    try adamW.groups.set(options, ofGroup: group)
  }
}

/// AdamW's options by group, and its step.
final class AdamWRule: UpdateRule {
  var groups = OptionGroups<AdamWOptions>()

  let kind = OptimizerKind.adamW
  let stateBuffers = [ParameterBuffer.meanGradient, .meanSquaredGradient]
  var groupCount: Int { groups.count }

  func learningRate(ofGroup group: Int) -> Double { groups[group].learningRate }

  func setLearningRate(_ rate: Double, ofGroup group: Int) throws(MuonError) {
    try groups.setLearningRate(rate, ofGroup: group)
  }

  func checkpointFields(ofGroup group: Int) -> [(name: String, value: String)] {
    groups[group].checkpointFields
  }

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
      let denormals = muon_denormals_flush()
      defer { muon_denormals_restore(denormals) }
      for update in updates { rule.apply(update, by: member) }
    }
  }

  private func apply(_ update: Update, by member: Team.Member) {
    let options = groups[update.group]
    let t = Double(update.step)
    var constants = muon_adamw_constants(
      keep: Float(1 - options.learningRate * options.weightDecay),
      rate: Float(options.learningRate / (1 - pow(options.beta1, t))),
      beta1: Float(options.beta1), rest1: Float(1 - options.beta1),
      beta2: Float(options.beta2), rest2: Float(1 - options.beta2),
      scale2: Float(1 / (1 - pow(options.beta2, t)).squareRoot()), eps: Float(options.epsilon))
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
        unsafe CPU.passes.move?(count, before, update.data + offset, constants.keep, 1)
        let chunk = unsafe offset / Matrix.chunk
        unsafe meter.change[chunk] = CPU.passes.sum_of_squares?(count, before) ?? 0
        unsafe meter.gradient[chunk] =
          CPU.passes.sum_of_squares?(count, update.gradient + offset) ?? 0
      }
    }
  }

  private func apply(
    _ constants: UnsafePointer<muon_adamw_constants>, to update: Update, _ offset: Int, _ count: Int
  ) {
    unsafe CPU.passes.adamw?(
      count, update.data + offset, update.gradient + offset, update.firstState + offset,
      update.lastState + offset, constants)
  }
}
