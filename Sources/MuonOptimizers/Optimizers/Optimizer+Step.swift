// A step, of one optimizer or of several as one.
extension Optimizer {
  /// One optimization step of every parameter that has a gradient; the others are left as they are.
  ///
  /// - Throws: `nonFiniteGradient` as `nonFinitePolicy` says, `outOfMemory`, and `notConverged` from
  ///   backend `svd`; nothing has changed then.
  public func step() throws(MuonError) { try Optimizer.step(1) { _ in self } }

  /// One step of several optimizers, made by all of them or by none.
  ///
  /// All gradients are looked at before anything is written. If one of them is not what `nonFinitePolicy` of its
  /// optimizer takes, this throws for `.error`; or else no optimizer makes the step, which counts as skipped
  /// for each of them. Where everything is finite, the result is that of a step of each, to the bit.
  ///
  /// - Throws: As `step()`, and then no optimizer has changed; `invalidArgument` for an optimizer that is
  ///   there twice. The text begins with the number of the optimizer, from 0.
  public static func step(all optimizers: [Optimizer]) throws(MuonError) {
    try requireDistinct(optimizers)
    try step(optimizers.count) { optimizers[$0] }
  }

  /// The same for `count` optimizers, none of them twice. It asks for each by its number and allocates nothing
  /// after the first step.
  ///
  /// - Parameter refusal: Why this rank cannot make the step, known before; the others hear of it.
  package static func step(
    _ count: Int, refusal: MuonError? = nil, _ optimizer: (Int) -> Optimizer
  ) throws(MuonError) {
    for index in 0..<count { try optimizer(index).requireIdle() }
    try Log.holding { () throws(MuonError) in
      // What is logged is heard after that, and its handler may use them.
      for index in 0..<count { optimizer(index).isBusy = true }
      defer { for index in 0..<count { optimizer(index).isBusy = false } }
      for index in 0..<count {
        try optimizer(index).requireExchange()
        optimizer(index).beginGradientScale()
      }
      let outcome = try agreedOutcome(count, refusal, optimizer)
      if let error = outcome.error {
        if error.code == .nonFiniteGradient { endGradientScales(count, optimizer) }
        throw error
      }
      endGradientScales(count, optimizer)
      if let reason = outcome.skipped {
        noteSkipped(count, optimizer, reason)
      } else {
        try makePlannedStep(count, optimizer)
      }
    }
  }

  /// One step of one parameter, with a gradient that is read during the call and need not be bound.
  ///
  /// The parameter and its state have the same bits afterwards as after a step of the whole optimizer; the
  /// others are left as they are. Its steps, its statistics and, where the step is skipped, the optimizer's
  /// skipped steps count as in a whole step. `gradientScale` waits for a whole step.
  ///
  /// - Throws: As `step()`; `shape` for another number of elements, `invalidArgument` where there is no such
  ///   parameter.
  public func step(parameter index: Int, gradient: [Float]) throws(MuonError) {
    var copy: Buffer<Float>? = nil
    try step(parameter: index) { () throws(MuonError) in
      try trained[index].shape.requireCount(
        gradient.count, of: "the gradient of \(trained[index].owner)")
      let memory = try Buffer<Float>(count: gradient.count)
      memory.elements.copy(from: gradient)
      copy = memory
      return Numbers(memory.elements)
    }
    withExtendedLifetime(copy) {}
  }

  /// The same with a gradient in memory that is only read. It is asked for where there is such a parameter.
  package func step(
    parameter index: Int, gradient: () throws(MuonError) -> Numbers
  ) throws(MuonError) {
    try requireIdle()
    let given: Numbers
    do throws(MuonError) {
      given = try usable(gradient, ofParameter: index)
    } catch {
      return try Optimizer.step(1, refusal: error) { _ in self }
    }
    let parameter = trained[index].parameter
    let bound = parameter.gradient
    (only, parameter.gradient) = (index, given)
    defer { (only, parameter.gradient) = (nil, bound) }
    try step()
  }

  private func usable(
    _ gradient: () throws(MuonError) -> Numbers, ofParameter index: Int
  ) throws(MuonError) -> Numbers {
    try requireIndex(index, count: trained.count, "parameter")
    let given = try gradient()
    let parameter = trained[index].parameter
    try parameter.layout.requireBuffer(given, .gradient, of: parameter.owner)
    try requireUnwritten(given, ofParameter: index)
    return given
  }

  /// Writes zeros into every gradient.
  public func zeroGradients() {
    for each in trained {
      each.gradient?.fillWithZeros()
    }
  }

  /// Writes zeros into every gradient of several optimizers.
  public static func zeroGradients(all optimizers: [Optimizer]) {
    for optimizer in optimizers { optimizer.zeroGradients() }
  }

  /// Refuses a list with an optimizer in it twice.
  static func requireDistinct(_ optimizers: [Optimizer]) throws(MuonError) {
    for (index, optimizer) in optimizers.enumerated()
    where optimizers[..<index].contains(where: { $0 === optimizer }) {
      throw MuonError(.invalidArgument, "optimizer \(index) is there twice")
    }
  }

  /// Whether the present step changes a parameter.
  func takesPart(_ index: Int) -> Bool { trained[index].isActive && isAskedFor(index) }

  /// Whether the present step is of all parameters, or of this one.
  private func isAskedFor(_ index: Int) -> Bool { only == nil || only == index }
}

// MARK: - All of it that can fail

extension Optimizer {
  /// Whether the step can be made, here and on all other ranks; then it is planned, and otherwise not.
  private static func agreedOutcome(
    _ count: Int, _ refusal: MuonError?, _ optimizer: (Int) -> Optimizer
  ) throws(MuonError) -> StepOutcome {
    let own = refusal.map { .failure($0) } ?? outcome(count, optimizer)
    guard (0..<count).contains(where: { optimizer($0).ranks != nil }) else { return own }
    var agreed = own
    do throws(MuonError) {
      agreed = try Self.agreed(on: own, count, optimizer)
      if agreed.isReady {
        for index in 0..<count { try optimizer(index).requireGradients() }
      }
    } catch {
      agreed = .failure(error)
    }
    if own.isReady, !agreed.isReady { forgetPlans(0..<count, optimizer) }
    return agreed
  }

  /// What this process alone has to say.
  private static func outcome(_ count: Int, _ optimizer: (Int) -> Optimizer) -> StepOutcome {
    do throws(MuonError) {
      for index in 0..<count { try optimizer(index).listWork() }
      if let reason = try reasonToSkip(count, optimizer) { return .skip(reason) }
      try plan(count, optimizer)
      return .ready
    } catch {
      return .failure(error)
    }
  }

  /// Lists the parameters that take part. The lists are kept from step to step, so that only the first one
  /// allocates.
  func listWork() throws(MuonError) {
    if active.capacity < trained.count {
      try requireMemory(for: trained.count, each: 1024)
      active.reserveCapacity(trained.count)
      parts.reserveCapacity(trained.count)
    }
    active.removeAll(keepingCapacity: true)
    parts.removeAll()
    for index in trained.indices where takesPart(index) {
      active.append(index)
      parts.append(trained[index].parameter.count)
    }
  }

  /// Why none of them may make the step; `nil` where they may.
  private static func reasonToSkip(
    _ count: Int, _ optimizer: (Int) -> Optimizer
  ) throws(MuonError) -> String? {
    var skipped: String? = nil
    for index in 0..<count where optimizer(index).nonFinitePolicy != .propagate {
      guard let found = optimizer(index).reasonAgainstStep() else { continue }
      let reason = label(index, of: count, optimizer(index)) + found
      guard optimizer(index).nonFinitePolicy == .skip else {
        throw MuonError(.nonFiniteGradient, reason)
      }
      skipped = skipped ?? reason
    }
    return skipped
  }

  private static func noteSkipped(_ count: Int, _ optimizer: (Int) -> Optimizer, _ reason: String) {
    for index in 0..<count {
      optimizer(index).skippedSteps = min(optimizer(index).skippedSteps + 1, maximumStep)
    }
    let whose = count == 1 ? optimizer(0).kind.rawValue : "\(count) optimizers"
    let skips = optimizer(0).skippedSteps
    Log.write(.warning, "a step of \(whose) was skipped, \(skips) in all: \(reason)")
  }

  private static func plan(_ count: Int, _ optimizer: (Int) -> Optimizer) throws(MuonError) {
    for index in 0..<count {
      do {
        try optimizer(index).attachMeters()
        try optimizer(index).planStep()
      } catch {
        optimizer(index).detachMeters()
        forgetPlans(0..<index, optimizer)
        let named = MuonError(
          error.code, label(index, of: count, optimizer(index)) + error.message)
        if error.code == .notConverged { Log.write(.error, "a step was not made: \(named)") }
        throw named
      }
    }
  }

  private static func forgetPlans(_ planned: Range<Int>, _ optimizer: (Int) -> Optimizer) {
    for index in planned {
      optimizer(index).detachMeters()
      optimizer(index).forgetPlannedStep()
    }
  }

  /// What the text of an error begins with: which of several optimizers it is about.
  private static func label(_ index: Int, of count: Int, _ optimizer: Optimizer) -> String {
    count == 1 ? "" : "optimizer \(index) (\(optimizer.kind.rawValue)): "
  }

  /// Gives each active parameter a meter, where the step is measured.
  private func attachMeters() throws(MuonError) {
    guard statisticsLevel != .none else { return }
    let orthogonality = statisticsLevel == .orthogonality && kind == .muon
    let count = active.reduce(0) {
      $0
        + StepMeter.count(trained[$1].shape, measuredMatrices(of: $1), orthogonality: orthogonality)
    }
    if (meterMemory?.count ?? 0) < count { meterMemory = try Buffer(count: count) }
    guard let meterMemory else { return }
    var arena = Arena(meterMemory.elements)
    for index in active {
      trained[index].meter = StepMeter(
        in: &arena, trained[index].shape, measuredMatrices(of: index), orthogonality: orthogonality)
    }
  }

  /// What is measured apart; `nil` where parameters are trained element by element.
  private func measuredMatrices(of index: Int) -> MatrixLayout? {
    kind == .muon ? trained[index].form.matrices : nil
  }

  private func detachMeters() {
    for index in active { trained[index].meter = nil }
  }
}

// MARK: - And what cannot, unless another rank is lost

extension Optimizer {
  private static func makePlannedStep(
    _ count: Int, _ optimizer: (Int) -> Optimizer
  ) throws(MuonError) {
    do throws(MuonError) {
      for index in 0..<count { try optimizer(index).makePlannedStep() }
    } catch {
      forgetPlans(0..<count, optimizer)
      let broken = brokenOff(by: error)
      for index in 0..<count { optimizer(index).brokenStep = broken }
      throw broken
    }
  }

  private func makePlannedStep() throws(MuonError) {
    try runStep()
    if statisticsLevel != .none {
      for index in active { noteStatistics(ofParameter: index) }
    }
    for index in trained.indices where trained[index].gradient != nil && isAskedFor(index) {
      trained[index].steps += 1
      trained[index].hasFiniteState = nonFinitePolicy != .propagate
    }
  }

  private func noteStatistics(ofParameter index: Int) {
    let parameter = trained[index]
    trained[index].statistics = parameter.meter?.statistics(
      of: parameter, effectiveLearningRate: effectiveLearningRate(of: parameter))
    trained[index].meter = nil
  }
}
