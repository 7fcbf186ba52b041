/// The options that a configuration asks for, checked.
struct PlannedOptions {
  private let muon: MuonOptions
  private let adamW: AdamWOptions
  /// By rule, those over the others; `nil` of a rule for the other optimizer.
  private var ruledMuon: [MuonOptions?] = []
  private var ruledAdamW: [AdamWOptions?] = []

  init(_ configuration: TrainingConfiguration) throws(MuonError) {
    let training = configuration.training
    try inConfiguration { () throws(MuonError) in
      try requireNonNegative(training.learningRate, "training.learning_rate")
      try requireNonNegative(training.weightDecay ?? 0, "training.weight_decay")
    }
    muon = try configuration.options(MuonOptions(), configuration.muon, "muon")
    adamW = try configuration.options(AdamWOptions(beta2: 0.95), configuration.adamw, "adamw")
    for (number, rule) in configuration.rules.enumerated() {
      let path = "rules[\(number)]"
      var (ruledMuon, ruledAdamW): (MuonOptions?, AdamWOptions?)
      switch rule.target {
      case .muon(let options): ruledMuon = try muon.overridden(by: options, path + ".options")
      case .adamW(let options): ruledAdamW = try adamW.overridden(by: options, path + ".options")
      case nil: break
      }
      self.ruledMuon.append(ruledMuon)
      self.ruledAdamW.append(ruledAdamW)
      if let view = rule.view {
        try inConfiguration(path + ".view: ") { () throws(MuonError) in
          try view.checkAxes("its parameters")
        }
      }
    }
  }

  func muon(rule: Int?) -> MuonOptions { rule.flatMap { ruledMuon[$0] } ?? muon }
  func adamW(rule: Int?) -> AdamWOptions { rule.flatMap { ruledAdamW[$0] } ?? adamW }
}

extension TrainingConfiguration {
  /// The defaults for what neither `training` nor the section says.
  fileprivate func options<Options: GroupOptions>(
    _ defaults: Options, _ section: OptionOverrides<Options>?, _ name: String
  ) throws(MuonError) -> Options {
    var options = defaults
    options.learningRate = training.learningRate
    options.weightDecay = training.weightDecay ?? 0
    return try options.overridden(by: section ?? OptionOverrides(), name)
  }
}

extension GroupOptions {
  fileprivate func overridden(
    by section: OptionOverrides<Self>, _ name: String
  ) throws(MuonError) -> Self {
    var options = self
    section.apply(to: &options)
    try inConfiguration(name + ".") { () throws(MuonError) in
      try options.check(\.configurationName)
    }
    return options
  }
}

/// Runs something, and says in its error that the configuration is wrong, and where.
func inConfiguration<Result>(
  _ path: String = "", _ body: () throws(MuonError) -> Result
) throws(MuonError) -> Result {
  do { return try body() } catch {
    let isWrong = error.code == .invalidArgument || error.code == .shape
    throw MuonError(isWrong ? .configuration : error.code, path + error.message)
  }
}
