import MuonOptimizers
import Testing

/// A schedule driving optimizers, step by step.
struct SchedulerTests {
  /// An optimizer whose groups have these rates.
  private func optimizer(_ rates: [Double]) throws -> AdamW {
    let adamW = try AdamW(options: AdamWOptions(learningRate: rates[0]))
    for rate in rates.dropFirst() {
      try adamW.addGroup(options: AdamWOptions(learningRate: rate))
    }
    return adamW
  }

  private func rates(of optimizer: Optimizer) throws -> [Double] {
    try (0..<optimizer.groupCount).map { try optimizer.learningRate(ofGroup: $0) }
  }

  @Test func givesTorchsRatesStepByStep() throws {
    let fixtures = try Fixtures.schedulers.get()
    for each in fixtures.cases {
      let schedule = try each.schedule.schedule()
      let optimizer = try optimizer(fixtures.baseLrs)
      let scheduler = try Scheduler(schedule, for: [optimizer])
      for step in 0...fixtures.steps {
        #expect(scheduler.currentStep == step)
        for (group, base) in fixtures.baseLrs.enumerated() {
          let expected = each.rates[group][step]
          let isRight = isNear(scheduler.lastRates[group], expected, base: base)
          #expect(isRight, "\(schedule) at \(step)")
        }
        #expect(try rates(of: optimizer) == scheduler.lastRates)
        try scheduler.step()
      }
    }
  }

  /// The step is all the state: from there on the rates are the same to the bit.
  @Test(arguments: [1, 10, 73])
  func resumes(_ start: Int) throws {
    let fixtures = try Fixtures.schedulers.get()
    for each in fixtures.cases {
      let schedule = try each.schedule.schedule()
      let original = try Scheduler(schedule, for: [optimizer(fixtures.baseLrs)])
      for _ in 0..<start { try original.step() }
      let resumed = try Scheduler(schedule, for: [optimizer(fixtures.baseLrs)])
      try resumed.setStep(original.currentStep)
      for _ in 0..<40 {
        #expect(resumed.lastRates == original.lastRates, "\(schedule)")
        try original.step()
        try resumed.step()
      }
    }
  }

  @Test func goesBackAndForth() throws {
    let optimizer = try optimizer([0.5])
    let scheduler = try Scheduler(.cosine(tMax: 10), for: [optimizer])
    for step in [5, 0, 10, 3] {
      try scheduler.setStep(step)
      #expect(try scheduler.lastRates == [scheduler.schedule.rate(base: 0.5, step: step)])
    }
    #expect(throws: MuonError.self) { try scheduler.setStep(-1) }
    #expect(scheduler.currentStep == 3)
  }

  @Test func drivesSeveralOptimizers() throws {
    let muon = try Muon(options: MuonOptions(learningRate: 0.2))
    let adamW = try optimizer([0.1, 0.3])
    let schedule = try Schedule.linear(startFactor: 1, endFactor: 0, totalIterations: 4)
    let scheduler = try Scheduler(schedule, for: [muon, adamW])
    for step in 0...6 {
      let factor = max(0, 1 - Double(step) / 4)
      #expect(relativeError(scheduler.lastRates, [0.2, 0.1, 0.3].map { $0 * factor }) < 1e-12)
      #expect(try rates(of: muon) + rates(of: adamW) == scheduler.lastRates)
      try scheduler.step()
    }
    #expect(scheduler.optimizers[0] === muon && scheduler.optimizers[1] === adamW)
  }

  /// The rate in force is that of the next step.
  @Test func reachesTheUpdate() throws {
    let parameter = try Parameter("w", shape: [2], values: [1, 1])
    try parameter.setGradient([1, 1])
    let adamW = try AdamW(
      [parameter], options: AdamWOptions(learningRate: 0.5, epsilon: 0, weightDecay: 0))
    let scheduler = try Scheduler(.constant(factor: 0, totalIterations: 1), for: [adamW])
    try adamW.step()
    #expect(parameter.values == [1, 1])
    try scheduler.step()
    try adamW.step()
    #expect(relativeError(parameter.values, [0.5, 0.5] as [Double]) < 1e-6)
  }

  /// The base is the rate before the first scheduler, not what a scheduler has made of it.
  @Test func multipliesTheInitialRate() throws {
    let optimizer = try optimizer([0.8])
    #expect(try optimizer.initialLearningRate() == nil)
    _ = try Scheduler(.constant(factor: 0.5, totalIterations: 3), for: [optimizer])
    #expect(try optimizer.learningRate() == 0.4)
    #expect(try optimizer.initialLearningRate() == 0.8)
    let second = try Scheduler(.constant(factor: 0.25, totalIterations: 3), for: [optimizer])
    #expect(second.lastRates == [0.2])
    try optimizer.setInitialLearningRate(4)
    try second.step()
    #expect(second.lastRates == [1])
    try optimizer.setInitialLearningRate(nil)
    try optimizer.setLearningRate(0.6)
    try second.setStep(0)
    #expect(try optimizer.initialLearningRate() == 0.6)
    #expect(abs(second.lastRates[0] - 0.15) < 1e-15)
  }

  /// A rate that others have changed in between is not continued from.
  @Test func doesNotReadTheRateBack() throws {
    let optimizer = try optimizer([1])
    let chain = try Schedule.chained([
      .linear(startFactor: 0.5, endFactor: 1, totalIterations: 5), .cosine(tMax: 9),
    ])
    let scheduler = try Scheduler(chain, for: [optimizer])
    try optimizer.setLearningRate(100)
    try scheduler.step()
    #expect(isNear(scheduler.lastRates[0], try chain.rate(base: 1, step: 1), base: 1))
    // A new base begins the chain anew.
    try optimizer.setInitialLearningRate(4)
    try scheduler.step()
    #expect(isNear(scheduler.lastRates[0], try chain.rate(base: 4, step: 2), base: 4))
  }

  @Test func takesInAGroupAddedLater() throws {
    let optimizer = try optimizer([1])
    let schedule = try Schedule.chained([
      .linear(startFactor: 1, endFactor: 0.5, totalIterations: 10)
    ])
    let scheduler = try Scheduler(schedule, for: [optimizer])
    try scheduler.step()
    try optimizer.addGroup(options: AdamWOptions(learningRate: 2))
    try scheduler.step()
    #expect(relativeError(scheduler.lastRates, [0.9, 1.8]) < 1e-12)
  }

  @Test func refusesAnOptimizerTwice() throws {
    let optimizer = try optimizer([1])
    let schedule = try Schedule.cosine(tMax: 5)
    #expect(throws: MuonError.self) { try Scheduler(schedule, for: [optimizer, optimizer]) }
    #expect(try optimizer.initialLearningRate() == nil)
  }

  /// A step whose rate would not be finite changes nothing, in no optimizer.
  @Test func failsAsAWhole() throws {
    let (first, second) = (try optimizer([1]), try optimizer([0.5]))
    // From 5e-324 to 1 in one step takes a factor that is infinite.
    let schedule = try Schedule.chained([
      .linear(startFactor: .leastNonzeroMagnitude, endFactor: 1, totalIterations: 1)
    ])
    let scheduler = try Scheduler(schedule, for: [first, second])
    let before = scheduler.lastRates
    #expect(throws: MuonError.self) { try scheduler.step() }
    #expect(scheduler.currentStep == 0)
    #expect(scheduler.lastRates == before)
    #expect(try rates(of: first) + rates(of: second) == before)
  }

  /// A rate past float32 is refused before the rate of another optimizer is set.
  @Test func setsAllRatesOrNone() throws {
    let cosine = try Schedule.cosine(tMax: 1)
    let optimizers = [try AdamW(), try AdamW(options: AdamWOptions(learningRate: 3e38))]
    let scheduler = try Scheduler(.chained([cosine, cosine]), for: optimizers)
    // It comes to twice the base rate.
    try scheduler.step()
    let before = try optimizers.map { try $0.learningRate() }
    let error = #expect(throws: MuonError.self) { try scheduler.step() }
    #expect(error?.code == .invalidArgument)
    #expect(try optimizers.map { try $0.learningRate() } == before)
    #expect(scheduler.currentStep == 1)
  }
}
