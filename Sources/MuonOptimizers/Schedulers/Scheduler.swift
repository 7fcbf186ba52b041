/// Applies a schedule to all groups of all the optimizers it was made for.
///
/// The base rate of a group is its initial learning rate: the one it had when its first scheduler was
/// made, or when the group was first met. Call `step` after the optimizers' own.
public final class Scheduler {
  public let schedule: Schedule
  public let optimizers: [Optimizer]
  /// The step it is at: all the state it has.
  public private(set) var currentStep = 0
  /// The rates last set, one a group, optimizer by optimizer.
  public var lastRates: [Double] { rates.flatMap { $0 } }

  private var rates: [[Double]] = []

  /// Sets the rates of step 0 at once. No optimizer may be there twice.
  public init(_ schedule: Schedule, for optimizers: [Optimizer]) throws(MuonError) {
    for (index, optimizer) in optimizers.enumerated()
    where optimizers[..<index].contains(where: { $0 === optimizer }) {
      throw MuonError(.invalidArgument, "optimizer \(index) is there twice")
    }
    self.schedule = schedule
    self.optimizers = optimizers
    try setStep(0)
  }

  /// Goes to the next step and sets its rates.
  public func step() throws(MuonError) { try move(to: currentStep + 1, from: rates) }

  /// Goes to a step, as after resuming, and sets its rates.
  public func setStep(_ step: Int) throws(MuonError) { try move(to: step, from: []) }

  /// Works out all rates before any is set.
  private func move(to step: Int, from previous: [[Double]]) throws(MuonError) {
    var bases: [[Double]] = []
    var next: [[Double]] = []
    for (number, optimizer) in optimizers.enumerated() {
      var row: [Double] = []
      var baseRow: [Double] = []
      for group in 0..<optimizer.groupCount {
        let known = try optimizer.initialLearningRate(ofGroup: group)
        let present = try optimizer.learningRate(ofGroup: group)
        let base = known ?? present
        let before =
          number < previous.count && group < previous[number].count ? previous[number][group] : nil
        baseRow.append(base)
        row.append(try schedule.rate(base: base, step: step, previous: before))
      }
      bases.append(baseRow)
      next.append(row)
    }
    for (number, optimizer) in optimizers.enumerated() {
      for group in next[number].indices {
        try optimizer.setInitialLearningRate(bases[number][group], ofGroup: group)
        try optimizer.setLearningRate(next[number][group], ofGroup: group)
      }
    }
    rates = next
    currentStep = step
  }
}
