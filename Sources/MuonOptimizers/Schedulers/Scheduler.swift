/// Applies a schedule to all groups of all the optimizers it was made for: to their learning rates, or to another
/// option.
///
/// The base rate of a group is its initial learning rate: the one it had when its first scheduler was
/// made, or when the group was first met. So it is with the other options, whose values are called rates here. Call `step` after the optimizers' own.
public final class Scheduler {
  /// The schedule that is applied.
  public let schedule: Schedule
  /// What it drives.
  public let option: ScheduledOption
  /// The optimizers whose rates it sets.
  public let optimizers: [Optimizer]
  /// The step it is at: all the state it has.
  public private(set) var currentStep = 0
  /// The rates last set, one a group, optimizer by optimizer.
  public var lastRates: [Double] { rates.flatMap { $0.map(\.rate) } }

  /// By optimizer and group: the rate last set, and the base rate it was made from.
  private var rates: [[(base: Double, rate: Double)]] = []

  /// Sets the rates of step 0 at once. No optimizer may be there twice.
  ///
  /// - Throws: `invalidArgument` if one is, or does not have the option; no rate has changed then.
  public init(
    _ schedule: Schedule, of option: ScheduledOption = .learningRate, for optimizers: [Optimizer]
  ) throws(MuonError) {
    try Optimizer.requireDistinct(optimizers)
    for (index, optimizer) in optimizers.enumerated()
    where optimizer.groupCount > 0 && optimizer.value(of: option, ofGroup: 0) == nil {
      throw MuonError(
        .invalidArgument,
        "optimizer \(index) (\(optimizer.kind.rawValue)) has no \(option.rawValue) to schedule")
    }
    self.schedule = schedule
    self.option = option
    self.optimizers = optimizers
    try setStep(0)
  }

  /// Goes to the next step and sets its rates.
  ///
  /// - Throws: `invalidArgument` past the last step a schedule has; no rate has changed then.
  public func step() throws(MuonError) { try move(to: currentStep + 1, from: rates) }

  /// Goes to a step, as after resuming, and sets its rates.
  ///
  /// - Throws: `invalidArgument` for a step the schedule does not have; no rate has changed then.
  public func setStep(_ step: Int) throws(MuonError) { try move(to: step, from: []) }

  /// Goes to a step as it was saved, when the rates of the optimizers come back by themselves. What it
  /// returns does so, and cannot fail. `bases` are by optimizer and group; `known` has rates by base.
  func restoring(
    step: Int, bases: [[Double]], known: [Double: Double]
  ) throws(MuonError) -> () -> Void {
    try schedule.requireStep(step)
    var known = known
    for (_, rate) in known { _ = try schedule.checked(rate, step: step) }
    var restored: [[(base: Double, rate: Double)]] = []
    for row in bases {
      var rates: [(base: Double, rate: Double)] = []
      for base in row {
        if known[base] == nil { known[base] = try schedule.rate(base: base, step: step) }
        if let rate = known[base] { rates.append((base, rate)) }
      }
      restored.append(rates)
    }
    return { [restored] in
      self.rates = restored
      self.currentStep = step
    }
  }

  /// What the schedule makes of each base rate of the optimizers at this step: of each once, in their order.
  /// That can have been worked out before, except where a base rate was changed meanwhile.
  ///
  /// - Throws: `invalidArgument` where that is no rate.
  func ratesByBase() throws(MuonError) -> [(base: Double, rate: Double)] {
    var known: [Double: Double] = [:]
    for last in rates.joined() { known[last.base] = last.rate }
    var seen: Set<Double> = []
    var result: [(base: Double, rate: Double)] = []
    for optimizer in optimizers {
      for group in 0..<optimizer.groupCount {
        guard let base = base(optimizer, group) else { continue }
        guard seen.insert(base).inserted else { continue }
        if known[base] == nil { known[base] = try schedule.rate(base: base, step: currentStep) }
        if let rate = known[base] { result.append((base, rate)) }
      }
    }
    return result
  }

  /// What the schedule multiplies; `nil` where there is nothing.
  private func base(_ optimizer: Optimizer, _ group: Int) -> Double? {
    optimizer.initialValue(of: option, ofGroup: group)
      ?? optimizer.value(of: option, ofGroup: group)
  }

  /// Works out all rates before any is set.
  private func move(
    to step: Int, from previous: [[(base: Double, rate: Double)]]
  ) throws(MuonError) {
    var next: [[(base: Double, rate: Double)]] = []
    for (number, optimizer) in optimizers.enumerated() {
      var row: [(base: Double, rate: Double)] = []
      for group in 0..<optimizer.groupCount {
        guard let base = base(optimizer, group) else { continue }
        let known = number < previous.count && group < previous[number].count
        let before = known && previous[number][group].base == base ? previous[number][group] : nil
        let rate = try schedule.rate(base: base, step: step, previous: before?.rate)
        try option.require(rate)
        try optimizer.requireScheduled(rate, of: option, ofGroup: group)
        row.append((base, rate))
      }
      next.append(row)
    }
    for (number, optimizer) in optimizers.enumerated() {
      for (group, new) in next[number].enumerated() {
        optimizer.setInitialValue(new.base, of: option, ofGroup: group)
        optimizer.setValue(new.rate, of: option, ofGroup: group)
      }
    }
    rates = next
    currentStep = step
  }
}
