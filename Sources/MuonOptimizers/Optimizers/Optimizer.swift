internal import CMuonKernels
internal import Synchronization

/// What `Muon` and `AdamW` have in common: parameters in groups, state, learning rates, `step`.
///
/// An optimizer is used from one thread at a time.
public class Optimizer {
  /// A parameter in this optimizer.
  struct Member {
    let parameter: Parameter
    let group: Int
    var state: [StateMemory]
    /// Whether the state has no NaN and no infinity for certain, so that a step need not read it to see
    /// that it will have none. Of the caller's memory it is known once, when it was looked through.
    var hasFiniteState: Bool
    var steps = 0
    var statistics: ParameterStatistics? = nil
  }

  var members: [Member] = []
  var memory = ParameterMemory()
  /// By group: the rate that schedules multiply, once there is one.
  var initialRates: [Int: Double] = [:]
  let rule: any UpdateRule

  /// What the last step did.
  var updates: [Update] = []
  /// What it measured, kept from step to step.
  private var meterMemory: Buffer<Double>? = nil

  /// What `step` does with NaN or infinity in a gradient, or in the state it would leave.
  public var nonFinitePolicy = NonFinitePolicy.error
  /// The steps that `NonFinitePolicy.skip` left out.
  public internal(set) var skippedSteps = 0

  /// What steps measure, from the next one on; see `statistics(ofParameter:)`.
  public var statisticsLevel = StatisticsLevel.none

  init(rule: any UpdateRule) {
    self.rule = rule
    Log.introduce()
  }

  /// Which optimizer this is.
  public var kind: OptimizerKind { rule.kind }
  /// Over all groups, in the order they were added.
  public var parameters: [Parameter] { members.map(\.parameter) }
  /// The bytes of memory that steps use beside parameters, gradients and state: 0 before the first, and then
  /// at most four times the largest matrix for each thread; what `StatisticsLevel` says beside that.
  public var scratchBytes: Int {
    rule.scratchBytes + (meterMemory?.count ?? 0) * MemoryLayout<Double>.stride
  }
  package var parameterCount: Int { members.count }
  /// The number of parameter groups, which count from 0.
  public var groupCount: Int { rule.groupCount }
}

// MARK: - Steps

extension Optimizer {
  /// One optimization step of every parameter that has a gradient; the others are left as they are.
  ///
  /// - Throws: `nonFiniteGradient` as `nonFinitePolicy` says, `outOfMemory`, and `notConverged` from
  ///   backend `svd`; nothing has changed then.
  public func step() throws(MuonError) { try Log.holding(makeStep) }

  private func makeStep() throws(MuonError) {
    if nonFinitePolicy != .propagate, let reason = reasonAgainstStep() {
      guard nonFinitePolicy == .skip else { throw MuonError(.nonFiniteGradient, reason) }
      skippedSteps = min(skippedSteps + 1, maximumStep)
      Log.write(
        .warning, "a step of \(kind.rawValue) was skipped, \(skippedSteps) in all: \(reason)")
      return
    }
    // Kept from step to step, so that only the first one allocates.
    if updates.capacity < members.count {
      try requireMemory(for: members.count, each: 1024)
      updates.reserveCapacity(members.count)
    }
    updates.removeAll(keepingCapacity: true)
    for index in members.indices {
      if let update = update(of: members[index], at: index) { updates.append(update) }
    }
    let isMeasured = statisticsLevel != .none
    if isMeasured {
      try StepMeter.attach(
        to: &updates, &meterMemory,
        orthogonality: statisticsLevel == .orthogonality && kind == .muon)
    }
    do { try rule.prepare(updates) } catch {
      if error.code == .notConverged { Log.write(.error, "a step was not made: \(error)") }
      throw error
    }
    rule.apply(updates)
    if isMeasured {
      for update in updates {
        members[update.member].statistics = update.meter?.statistics(
          of: update, effectiveLearningRate: rule.effectiveLearningRate(of: update))
      }
    }
    for index in members.indices where unsafe members[index].parameter.gradient != nil {
      members[index].steps += 1
      members[index].hasFiniteState = nonFinitePolicy != .propagate
    }
  }

  /// Writes zeros into every gradient.
  public func zeroGradients() {
    for member in members {
      unsafe member.parameter.gradient?.update(repeating: 0)
    }
  }

  /// `nil` for an empty parameter.
  private func update(of member: Member, at index: Int) -> Update? {
    guard member.parameter.count > 0,
      let data = unsafe member.parameter.data.baseAddress,
      let gradient = unsafe member.parameter.gradient?.baseAddress
    else { return nil }
    return unsafe Update(
      member: index, parameter: member.parameter, group: member.group, data: data,
      gradient: UnsafePointer(gradient), state: member.state, step: member.steps + 1)
  }
}

// MARK: - Learning rates

extension Optimizer {
  /// The learning rate of a group.
  ///
  /// - Throws: `invalidArgument` where there is no such group.
  public func learningRate(ofGroup group: Int = 0) throws(MuonError) -> Double {
    try requireIndex(group, count: groupCount, "parameter group")
    return rule.learningRate(ofGroup: group)
  }

  /// Takes effect with the next step; finite, at least 0.
  ///
  /// - Throws: `invalidArgument` for another number, and where there is no such group.
  public func setLearningRate(_ rate: Double, ofGroup group: Int = 0) throws(MuonError) {
    try requireIndex(group, count: groupCount, "parameter group")
    try rule.setLearningRate(rate, ofGroup: group)
  }

  /// The rate that schedules multiply: the group's learning rate when its first scheduler was made, or
  /// what was set; `nil` before.
  ///
  /// - Throws: `invalidArgument` where there is no such group.
  public func initialLearningRate(ofGroup group: Int = 0) throws(MuonError) -> Double? {
    try requireIndex(group, count: groupCount, "parameter group")
    return initialRates[group]
  }

  /// Sets the rate that schedules multiply: finite, at least 0; `nil` forgets it.
  ///
  /// - Throws: `invalidArgument` for another number, and where there is no such group.
  public func setInitialLearningRate(
    _ rate: Double?, ofGroup group: Int = 0
  ) throws(MuonError) {
    try requireIndex(group, count: groupCount, "parameter group")
    if let rate { try requireNonNegative(rate, "initial_lr") }
    initialRates[group] = rate
  }
}
