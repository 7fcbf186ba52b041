/// What `Muon` and `AdamW` have in common: parameters in groups, state, learning rates, `step`.
///
/// An optimizer is used from one thread at a time.
public class Optimizer {
  /// Which optimizer this is.
  public let kind: OptimizerKind
  /// The table of the state that it keeps for a parameter.
  final let stateTable: [StateBuffer]
  final var trained: [TrainedParameter] = []
  final var memory = ParameterMemory()
  /// By group: the rate that schedules multiply, once there is one.
  final var initialRates: [Int: Double] = [:]
  /// The same of the other options that schedules drive.
  final var initialMomenta: [Int: Double] = [:]
  final var initialDecays: [Int: Double] = [:]

  /// Whether parameters, options or what is measured have changed since a step was planned.
  final var plansAreStale = true
  /// What the gradients of the next step are multiplied by, in float32; 1 again after that step, whether it was
  /// made, or skipped or refused for NaN or infinity. Set by `clipGradientNorm`.
  public internal(set) final var gradientScale = 1.0
  /// The same of the present step.
  final var stepScale: Float = 1
  /// For the norm of the gradients: a sum for each of their parts, kept from call to call.
  final var partSquares: Buffer<Double>? = nil

  /// The only parameter that takes part in the present step; `nil`: all that have a gradient.
  final var only: Int? = nil
  /// The parameters that the present step changes.
  final var active: [Int] = []
  /// Their elements.
  final var parts = PartList()
  /// Those that train together; `nil`: this process alone.
  final var ranks: Ranks? = nil
  /// Whether it is in a call that runs callbacks of its exchange, which must not use it.
  final var isBusy = false
  /// Why a step broke off after it had begun to write; `nil` again after a checkpoint was loaded.
  final var brokenStep: MuonError? = nil
  /// What steps measure, kept from step to step.
  final var meterMemory: Buffer<Double>? = nil

  /// What `step` does with NaN or infinity in a gradient, or in the state it would leave.
  public var nonFinitePolicy = NonFinitePolicy.error
  /// The steps that `NonFinitePolicy.skip` left out.
  public internal(set) var skippedSteps = 0

  /// What steps measure, from the next one on; see `statistics(ofParameter:)`.
  public var statisticsLevel = StatisticsLevel.none {
    didSet { plansAreStale = true }
  }

  init(_ kind: OptimizerKind, state: [StateBuffer]) {
    self.kind = kind
    stateTable = state
    Log.introduce()
  }

  /// Over all groups, in the order they were added.
  public var parameters: [Parameter] { trained.map(\.parameter) }
  /// The bytes of memory that steps use beside parameters, gradients and state: 0 before the first, and then
  /// at most four times the largest matrix for each thread, or six with `NewtonSchulzMethod.gram`; what
  /// `StatisticsLevel` says beside that.
  public var scratchBytes: Int {
    ownScratchBytes + (meterMemory?.count ?? 0) * MemoryLayout<Double>.stride
  }
  package var parameterCount: Int { trained.count }

  // MARK: What makes an optimizer the one it is
  //
  // Of one that says nothing, steps change nothing.

  /// The number of parameter groups, which count from 0.
  public var groupCount: Int { 0 }

  /// Groups are in range here and below.
  func rate(ofGroup group: Int) -> Double { 0 }
  func setRate(_ rate: Double, ofGroup group: Int) {}
  func weightDecay(ofGroup group: Int) -> Double { 0 }
  func setWeightDecay(_ weightDecay: Double, ofGroup group: Int) {}
  /// `nil` of an optimizer that has none.
  func momentum(ofGroup group: Int) -> Double? { nil }
  func setMomentum(_ momentum: Double, ofGroup group: Int) {}
  /// Refuses a value from a schedule that does not go with the other options of the group.
  func requireScheduled(
    _ value: Double, of option: ScheduledOption, ofGroup group: Int
  ) throws(MuonError) {}

  /// The options by group.
  var groupOptions: [any GroupOptions] { [] }
  /// Requires that the options of all groups can be replaced by these. What it returns does it.
  func replacingOptions(
    _ replaced: [any GroupOptions]
  ) throws(MuonError) -> OptionsReplacement { OptionsReplacement(states: [:]) {} }

  /// Refuses a parameter that cannot be trained in a group.
  func requireTrainable(_ parameter: ParameterForm, inGroup group: Int) throws(MuonError) {}

  /// What the direction of an update is multiplied by.
  func effectiveLearningRate(of parameter: TrainedParameter) -> Double { 0 }

  /// Finite state remains finite by a gradient whose elements are below this, whatever the options.
  var harmlessGradient: Float { .infinity }
  /// Whether a step would leave the state of these elements of a parameter, and what the update is made of,
  /// without NaN and infinity.
  func stateStaysFinite(_ parameter: TrainedParameter, elements: Range<Int>) -> Bool { true }

  /// Does what can fail, and changes nothing that can be seen.
  func planStep() throws(MuonError) {}
  /// Forgets a step that was planned and is not made.
  func forgetPlannedStep() {}
  /// Writes the active parameters and their state, as it was planned: one list of work for a team.
  ///
  /// - Throws: `exchange`, and nothing else; then it is unknown what was written.
  func runStep() throws(MuonError) {}

  /// What it costs to orthogonalize such a parameter in one step: see `OwnerPlan.cost`.
  func cost(of parameter: ParameterForm, inGroup group: Int) throws(MuonError) -> Int { 0 }

  /// The one rank that works a parameter out; `nil` where each does. Parameters are in range.
  func plannedOwner(ofParameter index: Int) throws(MuonError) -> Int? { nil }

  /// The bytes that steps use beside parameters, gradients and state, and what they measure.
  var ownScratchBytes: Int { 0 }
}

// MARK: - Learning rates

extension Optimizer {
  /// The learning rate of a group.
  ///
  /// - Throws: `invalidArgument` where there is no such group.
  public func learningRate(ofGroup group: Int = 0) throws(MuonError) -> Double {
    try requireIndex(group, count: groupCount, "parameter group")
    return self.rate(ofGroup: group)
  }

  /// Takes effect with the next step; finite, at least 0.
  ///
  /// - Throws: `invalidArgument` for another number, and where there is no such group.
  public func setLearningRate(_ rate: Double, ofGroup group: Int = 0) throws(MuonError) {
    try requireIndex(group, count: groupCount, "parameter group")
    try requireNonNegative(rate, "lr")
    setRate(rate, ofGroup: group)
  }

  /// Sets the learning rate of all groups of several optimizers, from the next step on; finite, at least 0.
  ///
  /// - Throws: `invalidArgument` for another number, and then no rate has changed.
  public static func setLearningRate(_ rate: Double, all optimizers: [Optimizer]) throws(MuonError)
  {
    try setLearningRate(rate, optimizers.count) { optimizers[$0] }
  }

  /// The same for `count` optimizers, each of which it asks for by its number.
  package static func setLearningRate(
    _ rate: Double, _ count: Int, _ optimizer: (Int) -> Optimizer
  ) throws(MuonError) {
    try requireNonNegative(rate, "lr")
    for index in 0..<count {
      for group in 0..<optimizer(index).groupCount {
        optimizer(index).setRate(rate, ofGroup: group)
      }
    }
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

// MARK: - Options that schedules drive

extension Optimizer {
  /// Groups are in range here; `nil` of an option that the optimizer does not have.
  func value(of option: ScheduledOption, ofGroup group: Int) -> Double? {
    switch option {
    case .learningRate: rate(ofGroup: group)
    case .momentum: momentum(ofGroup: group)
    case .weightDecay: weightDecay(ofGroup: group)
    }
  }

  /// The value is one that the option can have.
  func setValue(_ value: Double, of option: ScheduledOption, ofGroup group: Int) {
    switch option {
    case .learningRate: setRate(value, ofGroup: group)
    case .momentum: setMomentum(value, ofGroup: group)
    case .weightDecay: setWeightDecay(value, ofGroup: group)
    }
  }

  /// What schedules multiply: the group's value when its first scheduler of the option was made.
  func initialValue(of option: ScheduledOption, ofGroup group: Int) -> Double? {
    switch option {
    case .learningRate: initialRates[group]
    case .momentum: initialMomenta[group]
    case .weightDecay: initialDecays[group]
    }
  }

  func setInitialValue(_ value: Double?, of option: ScheduledOption, ofGroup group: Int) {
    switch option {
    case .learningRate: initialRates[group] = value
    case .momentum: initialMomenta[group] = value
    case .weightDecay: initialDecays[group] = value
    }
  }
  /// The same for a caller's group; `nil` where there is none yet, and of an option that the optimizer does not have.
  package func knownInitialValue(
    of option: ScheduledOption, ofGroup group: Int
  ) throws(MuonError) -> Double? {
    try requireIndex(group, count: groupCount, "parameter group")
    return initialValue(of: option, ofGroup: group)
  }

  /// Sets what schedules multiply; `nil` forgets it.
  ///
  /// - Throws: `invalidArgument` for a value or an option that the optimizer cannot have, and where there is no such
  ///   group.
  package func noteInitialValue(
    _ value: Double?, of option: ScheduledOption, ofGroup group: Int
  ) throws(MuonError) {
    try requireIndex(group, count: groupCount, "parameter group")
    if let value {
      guard self.value(of: option, ofGroup: group) != nil else {
        throw MuonError(.invalidArgument, "\(kind.rawValue) has no option \(option.rawValue)")
      }
      try option.require(value)
    }
    setInitialValue(value, of: option, ofGroup: group)
  }
}
