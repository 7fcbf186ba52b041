/// A learning rate as a function of a base rate and of the step, numbered from 0.
///
/// A value: it can be kept, compared and evaluated at any step. The numbers are those of the
/// `torch.optim.lr_scheduler` class each is named after.
public struct Schedule: Hashable, Sendable {
  indirect enum Form: Hashable, Sendable {
    case linear(start: Double, end: Double, iterations: Int)
    case constant(factor: Double, iterations: Int)
    case cosine(period: Int, minimum: Double)
    case sequential([Form], milestones: [Int])
    case chained([Form])
  }

  let form: Form
  /// Whether there is a chain in it, which has no closed form.
  let hasChain: Bool
  /// Whether there is a recurrence: a factor that rises from 0 has none.
  private let hasRecurrence: Bool
  /// How many schedules it consists of, and how deep they are nested.
  private let count, depth: Int

  /// A schedule that holds no other.
  private init(_ form: Form, hasRecurrence: Bool = true) {
    (self.form, self.hasRecurrence) = (form, hasRecurrence)
    (hasChain, count, depth) = (false, 1, 1)
  }

  /// A schedule of schedules. Evaluating it walks all of them, so that their number is limited.
  private init(_ form: Form, of parts: [Schedule], isChain: Bool = false) throws(MuonError) {
    self.form = form
    hasChain = isChain || parts.contains(where: \.hasChain)
    hasRecurrence = parts.allSatisfy(\.hasRecurrence)
    depth = 1 + (parts.map(\.depth).max() ?? 0)
    // Each part has at most `mostParts`, and a list at most 2^20: no overflow.
    count = parts.reduce(1) { $0 + $1.count }
    guard depth <= Schedule.mostDepth, count <= Schedule.mostParts else {
      throw MuonError(
        .invalidArgument,
        "a schedule of \(count) schedules, \(depth) deep, is more than \(Schedule.mostParts) "
          + "or deeper than \(Schedule.mostDepth)")
    }
  }

  private static let mostParts = 4096
  private static let mostDepth = 16
}

// MARK: - Making one

extension Schedule {
  /// LinearLR: the factor `startFactor` at step 0, in a straight line to `endFactor` at step
  /// `totalIterations`, then constant.
  ///
  /// - Parameters:
  ///   - startFactor: In (0, 1].
  ///   - endFactor: In [0, 1].
  ///   - totalIterations: At least 1.
  /// - Throws: `invalidArgument` for a number outside its range.
  public static func linear(
    startFactor: Double, endFactor: Double, totalIterations: Int
  ) throws(MuonError) -> Schedule {
    try requireFraction(startFactor, "start_factor")
    guard startFactor > 0 else {
      throw MuonError(.invalidArgument, "start_factor must be more than 0")
    }
    try requireFraction(endFactor, "end_factor")
    try require(totalIterations, in: 1...maximumStep, "total_iters")
    return Schedule(.linear(start: startFactor, end: endFactor, iterations: totalIterations))
  }

  /// ConstantLR: the factor `factor`, in [0, 1], until step `totalIterations`, at least 1; then 1.
  ///
  /// - Throws: `invalidArgument` for a number outside its range.
  public static func constant(factor: Double, totalIterations: Int) throws(MuonError) -> Schedule {
    try requireFraction(factor, "factor")
    try require(totalIterations, in: 1...maximumStep, "total_iters")
    return Schedule(
      .constant(factor: factor, iterations: totalIterations), hasRecurrence: factor > 0)
  }

  /// CosineAnnealingLR: etaMin + (base - etaMin)(1 + cos(π step/tMax))/2. It rises again after `tMax`.
  ///
  /// - Parameters:
  ///   - tMax: At least 1.
  ///   - etaMin: A rate, not a factor; finite, at least 0.
  /// - Throws: `invalidArgument` for a number outside its range.
  public static func cosine(tMax: Int, etaMin: Double = 0) throws(MuonError) -> Schedule {
    try require(tMax, in: 1...maximumStep, "t_max")
    try requireNonNegative(etaMin, "eta_min")
    return Schedule(.cosine(period: tMax, minimum: etaMin))
  }

  /// Warmup, stable, decay: the factor rises in a straight line from `startFactor` to 1 at
  /// `warmupSteps`, is 1 until `totalSteps - decaySteps`, falls in a straight line to `endFactor` at
  /// `totalSteps`, and is constant after that. A warmup or a decay of 0 steps is left out.
  ///
  /// - Parameters:
  ///   - warmupSteps: At least 0; with `decaySteps` at most `totalSteps`.
  ///   - decaySteps: At least 0.
  ///   - totalSteps: At least 1.
  ///   - startFactor: In [0, 1].
  ///   - endFactor: In [0, 1].
  /// - Throws: `invalidArgument` for a number outside its range.
  public static func trapezoid(
    warmupSteps: Int, decaySteps: Int, totalSteps: Int, startFactor: Double = 0,
    endFactor: Double = 0
  ) throws(MuonError) -> Schedule {
    try require(totalSteps, in: 1...maximumStep, "total_steps")
    try require(warmupSteps, in: 0...totalSteps, "warmup_steps")
    try require(decaySteps, in: 0...(totalSteps - warmupSteps), "decay_steps")
    try requireFraction(startFactor, "start_factor")
    try requireFraction(endFactor, "end_factor")
    let phases: [(length: Int, form: Form)] = [
      (warmupSteps, .linear(start: startFactor, end: 1, iterations: warmupSteps)),
      (totalSteps - warmupSteps - decaySteps, .constant(factor: 1, iterations: 1)),
      (decaySteps, .linear(start: 1, end: endFactor, iterations: decaySteps)),
    ].filter { $0.length > 0 }
    var end = 0
    let milestones = phases.dropLast().map { phase in
      end += phase.length
      return end
    }
    return Schedule(
      .sequential(phases.map(\.form), milestones: milestones),
      hasRecurrence: warmupSteps == 0 || startFactor > 0)
  }

  /// SequentialLR: the first schedule until `milestones[0]`, the second until `milestones[1]`, and so
  /// on. Each begins at its own step 0.
  ///
  /// - Parameters:
  ///   - schedules: At least one.
  ///   - milestones: One less; increasing, the first at least 1.
  /// - Throws: `invalidArgument` for other milestones, and for schedules of more than 4096 in all or
  ///   more than 16 deep.
  public static func sequential(
    _ schedules: [Schedule], milestones: [Int]
  ) throws(MuonError) -> Schedule {
    guard !schedules.isEmpty, milestones.count == schedules.count - 1 else {
      throw MuonError(
        .invalidArgument,
        "a sequence of \(schedules.count) schedules needs at least one of them, and one milestone "
          + "less; got \(milestones.count) milestones")
    }
    var previous = 0
    for milestone in milestones {
      guard milestone > previous, milestone <= maximumStep else {
        throw MuonError(
          .invalidArgument,
          "milestones must increase, from at least 1 to at most \(maximumStep), got \(milestones)")
      }
      previous = milestone
    }
    return try Schedule(
      .sequential(schedules.map(\.form), milestones: milestones), of: schedules)
  }

  /// ChainedScheduler: all of them at once, each applied to what the ones before it gave, by torch's
  /// step-to-step recurrences.
  ///
  /// - Parameter schedules: At least one. A factor that rises from 0 cannot be chained.
  /// - Throws: `invalidArgument` for other schedules, and for more than 4096 in all or more than 16
  ///   deep.
  public static func chained(_ schedules: [Schedule]) throws(MuonError) -> Schedule {
    guard !schedules.isEmpty else {
      throw MuonError(.invalidArgument, "a chain needs at least one schedule")
    }
    guard schedules.allSatisfy(\.hasRecurrence) else {
      throw MuonError(
        .invalidArgument,
        "a schedule whose factor rises from 0 cannot be chained: nothing "
          + "multiplies 0 to another rate")
    }
    return try Schedule(.chained(schedules.map(\.form)), of: schedules, isChain: true)
  }
}

// MARK: - Evaluating it

extension Schedule {
  /// A chain is worked out step by step: up to here.
  static let maximumChainedStep = 100_000_000

  /// The rate at a step.
  ///
  /// - Parameters:
  ///   - base: Finite, at least 0.
  ///   - step: From 0 to 2^53; with a chain in it, to 10^8.
  /// - Throws: `invalidArgument` for a number outside its range, and where the rate is not finite.
  /// - Complexity: O(1); with a chain in it, O(step).
  public func rate(base: Double, step: Int) throws(MuonError) -> Double {
    try rate(base: base, step: step, previous: nil)
  }

  /// How often some schedule of it is evaluated for the rate at a step, when nothing is known of the steps
  /// before; as many as an Int holds are as good as infinitely many.
  func evaluations(upTo step: Int) -> Int {
    guard hasChain else { return count }
    let (product, overflow) = step.multipliedReportingOverflow(by: count)
    return overflow ? .max : product
  }

  /// The same where the rate of the step before is known, which makes a chain O(1).
  func rate(base: Double, step: Int, previous: Double?) throws(MuonError) -> Double {
    try requireNonNegative(base, "the base learning rate")
    try requireStep(step)
    return try checked(form.rate(base: base, step: step, previous: previous), step: step)
  }

  func requireStep(_ step: Int) throws(MuonError) {
    let limit = hasChain ? Schedule.maximumChainedStep : maximumStep
    try require(step, in: 0...limit, "the step of the schedule")
  }

  /// A rate that can be one.
  func checked(_ rate: Double, step: Int) throws(MuonError) -> Double {
    guard rate >= 0, isFiniteInFloat(rate) else {
      throw MuonError(
        .invalidArgument,
        "the schedule gives the learning rate \(rate) at step \(step): a rate must be finite in float32 "
          + "and at least 0")
    }
    return rate
  }
}
