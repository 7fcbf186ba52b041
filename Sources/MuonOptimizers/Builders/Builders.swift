/// Makes the optimizers a configuration asks for, with the parameters that `Route` sends to them: a
/// `Muon`, an `AdamW`, or both in that order. A side without parameters is not made.
public func buildOptimizers(
  _ parameters: [Parameter], configuration: TrainingConfiguration
) throws(MuonError) -> [Optimizer] {
  try buildOptimizers(parameters.map { ParameterBinding($0) }, configuration: configuration)
}

/// The same for parameters with state of the caller's.
package func buildOptimizers(
  _ bindings: [ParameterBinding], configuration: TrainingConfiguration
) throws(MuonError) -> [Optimizer] {
  try configuration.checkTraining()
  let muonOptions = try configuration.muonOptions()
  let adamWOptions = try configuration.adamWOptions()
  var optimizers: [Optimizer] = []
  func add(_ optimizer: Optimizer) throws(MuonError) {
    let routed = bindings.filter {
      Route($0.parameter, configuration: configuration).optimizer == optimizer.kind
    }
    guard !routed.isEmpty else { return }
    try optimizer.add(routed)
    optimizers.append(optimizer)
  }
  try add(try Muon(options: muonOptions))
  try add(try AdamW(options: adamWOptions))
  return optimizers
}

/// Makes one scheduler for each optimizer: a warmup from 1e-5 to 1, if there is one, and then the main
/// schedule, whose length is the whole training, `epochs * batchesPerEpoch`. With neither, the rates
/// stay as they are.
///
/// - Parameter batchesPerEpoch: At least 1.
public func buildSchedulers(
  _ optimizers: [Optimizer], configuration: TrainingConfiguration, batchesPerEpoch: Int
) throws(MuonError) -> [Scheduler] {
  let schedule = try configuration.schedule(batchesPerEpoch: batchesPerEpoch)
  var schedulers: [Scheduler] = []
  for optimizer in optimizers { schedulers.append(try Scheduler(schedule, for: [optimizer])) }
  return schedulers
}

extension TrainingConfiguration {
  /// The factor that warmup starts from, and that the linear schedule ends at.
  private static let smallFactor = 1e-5

  func checkTraining() throws(MuonError) {
    try inConfiguration { () throws(MuonError) in
      try requireNonNegative(training.learningRate, "training.learning_rate")
      try requireNonNegative(training.weightDecay ?? 0, "training.weight_decay")
    }
  }

  func muonOptions() throws(MuonError) -> MuonOptions {
    let section = muon ?? MuonSection()
    var options = MuonOptions(
      learningRate: section.learningRate ?? training.learningRate,
      weightDecay: section.weightDecay ?? training.weightDecay ?? 0,
      backendSteps: section.backendSteps)
    if let momentum = section.momentum { options.momentum = momentum }
    if let nesterov = section.nesterov { options.nesterov = nesterov }
    if let style = section.momentumStyle { options.momentumStyle = style }
    if let scale = section.shapeScale { options.shapeScale = scale }
    if let epsilon = section.epsilon { options.epsilon = epsilon }
    if let precision = section.precision { options.precision = precision }
    if let backend = try section.chosenBackend() { options.backend = backend }
    try inConfiguration("muon.", options.check)
    return options
  }

  func adamWOptions() throws(MuonError) -> AdamWOptions {
    let section = adamw ?? AdamWSection()
    var options = AdamWOptions(
      learningRate: section.learningRate ?? training.learningRate, beta1: 0.9, beta2: 0.95,
      weightDecay: section.weightDecay ?? training.weightDecay ?? 0)
    if let betas = section.betas {
      guard betas.count == 2 else {
        throw MuonError(.configuration, "adamw.betas: expected 2 numbers, got \(betas.count)")
      }
      (options.beta1, options.beta2) = (betas[0], betas[1])
    }
    if let epsilon = section.epsilon { options.epsilon = epsilon }
    try inConfiguration("adamw.", options.check)
    return options
  }

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
    guard !overflow, total <= maximumStep, warmup <= maximumStep else {
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

  /// Runs a check, and says in its error that the configuration is wrong, and where.
  private func inConfiguration(
    _ path: String = "", _ check: () throws(MuonError) -> Void
  ) throws(MuonError) {
    do { try check() } catch {
      let code = error.code == .invalidArgument ? MuonError.Code.configuration : error.code
      throw MuonError(code, path + error.message)
    }
  }
}

extension TrainingConfiguration.MuonSection {
  func chosenBackend() throws(MuonError) -> Backend? {
    let custom = Backend.custom([]).name
    if let coefficients {
      guard backend == nil || backend == custom else {
        throw MuonError(
          .configuration, "muon.coefficients: these are for backend \"\(custom)\" only")
      }
      var rows: [Coefficients] = []
      for (index, row) in coefficients.enumerated() {
        guard row.count == 3 else {
          throw MuonError(
            .configuration, "muon.coefficients[\(index)]: expected 3 numbers, got \(row.count)")
        }
        rows.append(Coefficients(row[0], row[1], row[2]))
      }
      return .custom(rows)
    }
    guard let backend else { return nil }
    guard backend != custom else {
      throw MuonError(.configuration, "muon.backend: \"\(custom)\" needs muon.coefficients")
    }
    guard let named = Backend.named.first(where: { $0.name == backend }) else {
      let names = Backend.named.map(\.name).joined(separator: ", ")
      throw MuonError(
        .configuration,
        "muon.backend: unknown value \"\(backend)\"; expected one of \(names), \(custom)")
    }
    return named
  }
}
