/// The schedules that a configuration asks for.
package struct PlannedSchedules {
  /// The factor that warmup starts from, and that the linear schedule ends at.
  private static let smallFactor = 1e-5

  private let rate: Schedule
  private let momentum, weightDecay: Schedule?

  /// Checks all that `buildSchedulers` checks of a configuration.
  package init(
    _ configuration: TrainingConfiguration, batchesPerEpoch: Int
  ) throws(MuonError) {
    let training = configuration.training
    let total = try PlannedSchedules.steps(training, batchesPerEpoch: batchesPerEpoch)
    rate = try PlannedSchedules.rate(training, total)
    momentum = try PlannedSchedules.option(
      training.momentumSchedule, total, "training.momentum_schedule")
    weightDecay = try PlannedSchedules.option(
      training.weightDecaySchedule, total, "training.weight_decay_schedule")
  }

  /// How many schedulers there will be.
  package func count(for kinds: [OptimizerKind]) -> Int {
    kinds.count + (momentum == nil ? 0 : kinds.count { $0 == .muon })
      + (weightDecay == nil ? 0 : kinds.count)
  }

  /// Makes them: of the rates of all optimizers, then of what momenta there are, then of the weight decays.
  package func schedulers(for optimizers: [Optimizer]) throws(MuonError) -> [Scheduler] {
    var schedulers: [Scheduler] = []
    for optimizer in optimizers { schedulers.append(try Scheduler(rate, for: [optimizer])) }
    if let momentum {
      for optimizer in optimizers where optimizer.kind == .muon {
        schedulers.append(try Scheduler(momentum, of: .momentum, for: [optimizer]))
      }
    }
    if let weightDecay {
      for optimizer in optimizers {
        schedulers.append(try Scheduler(weightDecay, of: .weightDecay, for: [optimizer]))
      }
    }
    return schedulers
  }

  /// The steps of the whole training.
  private static func steps(
    _ training: TrainingConfiguration.Training, batchesPerEpoch: Int
  ) throws(MuonError) -> Int {
    guard let epochs = training.epochs, epochs >= 1 else {
      throw MuonError(
        .configuration, "training.n_epochs: schedulers need a whole number of at least 1")
    }
    let warmup = training.warmupSteps ?? 0
    guard warmup >= 0 else {
      throw MuonError(.configuration, "training.warmup_steps: expected at least 0, got \(warmup)")
    }
    guard batchesPerEpoch >= 1 else {
      throw MuonError(
        .invalidArgument, "an epoch must have at least 1 batch, got \(batchesPerEpoch)")
    }
    let (total, overflow) = epochs.multipliedReportingOverflow(by: batchesPerEpoch)
    guard warmup <= maximumStep else {
      throw MuonError(
        .configuration,
        "training.warmup_steps: expected at most \(maximumStep), got \(warmup)")
    }
    guard !overflow, total <= maximumStep else {
      throw MuonError(.configuration, "training.n_epochs: more than \(maximumStep) steps in all")
    }
    return total
  }

  private static func rate(
    _ training: TrainingConfiguration.Training, _ total: Int
  ) throws(MuonError) -> Schedule {
    let warmup = training.warmupSteps ?? 0
    var parts: [Schedule] = []
    if warmup > 0 {
      parts.append(
        try .linear(startFactor: smallFactor, endFactor: 1, totalIterations: warmup))
    }
    switch training.schedule {
    case "linear": parts.append(try down(total))
    case "cosine": parts.append(try .cosine(tMax: total))
    default: break
    }
    switch parts.count {
    case 0: return try .constant(factor: 1, totalIterations: 1)
    case 1: return parts[0]
    default: return try .sequential(parts, milestones: [warmup])
    }
  }

  private static func down(_ total: Int) throws(MuonError) -> Schedule {
    try .linear(startFactor: 1, endFactor: smallFactor, totalIterations: total)
  }

  private static func option(
    _ schedule: TrainingConfiguration.OptionSchedule?, _ total: Int, _ path: String
  ) throws(MuonError) -> Schedule? {
    try inConfiguration(path + ".") { () throws(MuonError) in
      switch schedule {
      case .linear: try down(total)
      case .cosine: try .cosine(tMax: total)
      case .trapezoid(let warmupSteps, let decaySteps, let startFactor, let endFactor):
        try .trapezoid(
          warmupSteps: warmupSteps, decaySteps: decaySteps, totalSteps: total,
          startFactor: startFactor, endFactor: endFactor)
      case nil: nil
      }
    }
  }
}
