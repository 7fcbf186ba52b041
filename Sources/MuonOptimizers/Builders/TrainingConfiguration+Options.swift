// The options that a configuration asks for.
extension TrainingConfiguration {
  func checkTraining() throws(MuonError) {
    try inConfiguration { () throws(MuonError) in
      try requireNonNegative(training.learningRate, "training.learning_rate")
      try requireNonNegative(training.weightDecay ?? 0, "training.weight_decay")
    }
  }

  func muonOptions() throws(MuonError) -> MuonOptions {
    try options(MuonOptions(), muon, "muon")
  }

  func adamWOptions() throws(MuonError) -> AdamWOptions {
    try options(AdamWOptions(beta2: 0.95), adamw, "adamw")
  }

  /// The defaults for what neither `training` nor the section says.
  private func options<Options: GroupOptions>(
    _ defaults: Options, _ section: OptionOverrides<Options>?, _ name: String
  ) throws(MuonError) -> Options {
    var options = defaults
    options.learningRate = training.learningRate
    options.weightDecay = training.weightDecay ?? 0
    section?.apply(to: &options)
    try inConfiguration(name + ".") { () throws(MuonError) in
      try options.check(\.configurationName)
    }
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
