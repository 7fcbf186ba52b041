internal import CMuonKernels

/// What `Muon` and `AdamW` have in common: parameters in groups, state, learning rates, `step`.
///
/// An optimizer is used from one thread at a time.
public class Optimizer {
  /// A parameter in this optimizer.
  struct Member {
    let parameter: Parameter
    let group: Int
    var state: [StateMemory]
    var steps = 0
  }

  var members: [Member] = []
  /// The memory that a step writes.
  var written = AddressRanges()
  /// By group: the rate that schedules multiply, once there is one.
  private var initialRates: [Int: Double] = [:]
  let rule: any UpdateRule

  /// What `step` does with NaN or infinity in a gradient.
  public var nonFinitePolicy = NonFinitePolicy.error
  /// The steps that `NonFinitePolicy.skip` left out.
  public private(set) var skippedSteps = 0

  init(rule: any UpdateRule) { self.rule = rule }

  /// Which optimizer this is.
  public var kind: OptimizerKind { rule.kind }
  /// Over all groups, in the order they were added.
  public var parameters: [Parameter] { members.map(\.parameter) }
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
  public func step() throws(MuonError) {
    let due = members.indices.filter { unsafe members[$0].parameter.gradient != nil }
    if nonFinitePolicy != .propagate, let culprit = firstWithNonFiniteGradient(due) {
      guard nonFinitePolicy == .skip else {
        throw MuonError(
          .nonFiniteGradient, "the gradient of \(culprit.owner) has NaN or infinity")
      }
      skippedSteps += 1
      return
    }
    let updates = due.compactMap { update(of: members[$0]) }
    try rule.prepare(updates)
    rule.apply(updates)
    for index in due { members[index].steps += 1 }
  }

  /// Writes zeros into every gradient.
  public func zeroGradients() {
    for member in members {
      unsafe member.parameter.gradient?.update(repeating: 0)
    }
  }

  private func firstWithNonFiniteGradient(_ due: [Int]) -> Parameter? {
    due.lazy.map { self.members[$0].parameter }.first { parameter in
      guard let gradient = unsafe parameter.gradient, let start = gradient.baseAddress else {
        return false
      }
      return unsafe CPU.passes.is_finite?(gradient.count, start) == 0
    }
  }

  /// `nil` for an empty parameter.
  private func update(of member: Member) -> Update? {
    guard member.parameter.count > 0,
      let data = unsafe member.parameter.data.baseAddress,
      let gradient = unsafe member.parameter.gradient?.baseAddress
    else { return nil }
    return unsafe Update(
      parameter: member.parameter, group: member.group, data: data,
      gradient: UnsafePointer(gradient),
      state: member.state.compactMap { unsafe $0.elements.baseAddress }, step: member.steps + 1)
  }
}

// MARK: - Learning rates

extension Optimizer {
  /// The learning rate of a group.
  public func learningRate(ofGroup group: Int = 0) throws(MuonError) -> Double {
    try requireIndex(group, count: groupCount, "parameter group")
    return rule.learningRate(ofGroup: group)
  }

  /// Takes effect with the next step; finite, at least 0.
  public func setLearningRate(_ rate: Double, ofGroup group: Int = 0) throws(MuonError) {
    try requireIndex(group, count: groupCount, "parameter group")
    try rule.setLearningRate(rate, ofGroup: group)
  }

  /// The rate that schedules multiply: the group's learning rate when its first scheduler was made, or
  /// what was set; `nil` before.
  public func initialLearningRate(ofGroup group: Int = 0) throws(MuonError) -> Double? {
    try requireIndex(group, count: groupCount, "parameter group")
    return initialRates[group]
  }

  /// Sets the rate that schedules multiply; `nil` forgets it.
  public func setInitialLearningRate(
    _ rate: Double?, ofGroup group: Int = 0
  ) throws(MuonError) {
    try requireIndex(group, count: groupCount, "parameter group")
    if let rate { try requireNonNegative(rate, "initial_lr") }
    initialRates[group] = rate
  }
}
