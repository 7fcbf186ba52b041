// The options that a configuration asks for.
extension TrainingConfiguration {
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
    if let method = section.method { options.method = method }
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
      try inConfiguration("adamw.") { () throws(MuonError) in
        for (index, beta) in betas.enumerated() { try requireDecayRate(beta, "betas[\(index)]") }
      }
      (options.beta1, options.beta2) = (betas[0], betas[1])
    }
    if let epsilon = section.epsilon { options.epsilon = epsilon }
    try inConfiguration("adamw.", options.check)
    return options
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
      guard Backend.stepRange.contains(coefficients.count) else {
        throw MuonError(
          .configuration,
          "muon.coefficients: expected 1 to \(Backend.stepRange.upperBound) rows, "
            + "got \(coefficients.count)")
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
