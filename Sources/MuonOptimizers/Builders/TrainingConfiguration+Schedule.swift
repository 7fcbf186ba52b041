// The schedule that a configuration asks for.
extension TrainingConfiguration {
  /// The factor that warmup starts from, and that the linear schedule ends at.
  private static let smallFactor = 1e-5

  func schedule(batchesPerEpoch: Int) throws(MuonError) -> Schedule {
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
    var parts: [Schedule] = []
    if warmup > 0 {
      parts.append(
        try .linear(
          startFactor: TrainingConfiguration.smallFactor, endFactor: 1, totalIterations: warmup))
    }
    switch training.schedule {
    case "linear":
      parts.append(
        try .linear(
          startFactor: 1, endFactor: TrainingConfiguration.smallFactor, totalIterations: total))
    case "cosine":
      parts.append(try .cosine(tMax: total))
    default:
      break
    }
    switch parts.count {
    case 0: return try .constant(factor: 1, totalIterations: 1)
    case 1: return parts[0]
    default: return try .sequential(parts, milestones: [warmup])
    }
  }
}
