// Several processes train together.
extension Optimizer {
  /// From now on the ranks of an exchange train together, each with the same parameters, state and options and, in
  /// each step, equal gradients: to the bit what each of them would come to alone.
  ///
  /// `Muon` gives each matrix to one rank, its owner, who orthogonalizes it and shares the result. Parameters, state
  /// and statistics are the same on all ranks after a step, so that any of them can save a checkpoint: it is that of
  /// one process. Of an `AdamW` all ranks make the whole step, or none does.
  ///
  /// All ranks make this call. It compares version, instructions, parameters, state and options; the first step after
  /// parameters were added, state was set or a checkpoint was loaded does so again. Where NaN or another failure
  /// keeps one rank from a step no rank makes it, and all have the same error. `Optimizer.step(all:)` asks the
  /// exchange of each optimizer; their ranks are the same. A fork of this process is no rank: its steps are refused.
  ///
  /// - Parameter exchange: `nil`: this process trains alone from now on.
  /// - Throws: `exchange` with the first difference, where a call of the exchange fails, and, until a checkpoint is
  ///   loaded, after a step that broke off; `invalidArgument` for a rank that cannot be, `outOfMemory`. The optimizer
  ///   keeps the exchange that it had.
  public func setExchange(_ exchange: (any Exchange)?) throws(MuonError) {
    try requireIdle()
    isBusy = true
    defer { isBusy = false }
    if let exchange {
      try requireWholeStep()
      let ranks = try Ranks(exchange)
      try compareAll(through: ranks)
      self.ranks = ranks
    } else {
      ranks = nil
    }
    plansAreStale = true
  }

  /// The rank that works out the steps of a parameter; `nil` where there is no one rank: without an exchange, of an
  /// `AdamW`, and of a view whose matrices have several.
  ///
  /// - Throws: `invalidArgument` where there is no such parameter, `outOfMemory`.
  public func owner(ofParameter index: Int) throws(MuonError) -> Int? {
    try requireIndex(index, count: trained.count, "parameter")
    return ranks == nil ? nil : try plannedOwner(ofParameter: index)
  }

  /// Refuses a step after one that broke off, and with an exchange that has failed.
  func requireExchange() throws(MuonError) {
    try requireWholeStep()
    if let failure = ranks?.failure {
      throw MuonError(.exchange, "the exchange has failed and must be set again: \(failure)")
    }
  }

  /// Refuses what a callback of the exchange asks for in the middle of a call.
  func requireIdle() throws(MuonError) {
    guard isBusy else { return }
    throw MuonError(
      .invalidArgument, "this optimizer is in a call: a callback of its exchange must not use it")
  }

  /// Requires the gradients that the step was planned with: somebody else's code has run since. The other ranks go
  /// on, and so this one cannot come back.
  func requireGradients() throws(MuonError) {
    guard let ranks, let lost = active.first(where: { !takesPart($0) }) else { return }
    try ranks.keepingUp { () throws(MuonError) in
      throw MuonError(
        .invalidArgument,
        "a callback of the exchange has taken the gradient of \(trained[lost].owner) away")
    }
  }

  private func requireWholeStep() throws(MuonError) {
    if let brokenStep { throw brokenStep }
  }

  /// What the step says that broke off once the ranks had begun to write, and every later one.
  static func brokenOff(by error: MuonError) -> MuonError {
    MuonError(
      .exchange,
      "a step broke off, and parameters may be those before it or after it: load a checkpoint, and set the "
        + "exchange again; \(error.message)")
  }

  /// The parameters are those of a checkpoint; `whole`: all of them.
  func noteLoaded(whole: Bool) {
    ranks?.hasNews = true
    if whole { brokenStep = nil }
  }
}
