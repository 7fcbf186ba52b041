import MuonOptimizers
import Testing

/// What schedules refuse.
struct ScheduleArgumentTests {
  private func refuses(
    _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation,
    _ make: () throws -> Schedule
  ) {
    let error = #expect(throws: MuonError.self, comment, sourceLocation: sourceLocation) {
      _ = try make()
    }
    #expect(error?.code == .invalidArgument, comment, sourceLocation: sourceLocation)
  }

  @Test(arguments: [-0.1, 1.1, Double.nan, .infinity, -.infinity])
  func refusesFactors(_ factor: Double) {
    refuses("start") { try .linear(startFactor: factor, endFactor: 1, totalIterations: 5) }
    refuses("end") { try .linear(startFactor: 1, endFactor: factor, totalIterations: 5) }
    refuses("constant") { try .constant(factor: factor, totalIterations: 5) }
    refuses("trapezoid's start") {
      try .trapezoid(warmupSteps: 1, decaySteps: 1, totalSteps: 3, startFactor: factor)
    }
    refuses("trapezoid's end") {
      try .trapezoid(warmupSteps: 1, decaySteps: 1, totalSteps: 3, endFactor: factor)
    }
  }

  /// As torch: LinearLR divides by its factor.
  @Test func refusesALinearStartAt0() {
    refuses("0") { try .linear(startFactor: 0, endFactor: 1, totalIterations: 5) }
  }

  @Test(arguments: [0, -1, Int.min, .max, 1 << 53 + 1])
  func refusesLengths(_ steps: Int) {
    refuses("linear") { try .linear(startFactor: 1, endFactor: 0, totalIterations: steps) }
    refuses("constant") { try .constant(factor: 1, totalIterations: steps) }
    refuses("cosine") { try .cosine(tMax: steps) }
    refuses("trapezoid") { try .trapezoid(warmupSteps: 0, decaySteps: 0, totalSteps: steps) }
  }

  @Test(arguments: [-0.1, Double.nan, .infinity, 1e39])
  func refusesMinimumRates(_ minimum: Double) {
    refuses("eta_min") { try .cosine(tMax: 5, etaMin: minimum) }
  }

  @Test(arguments: [(4, 4), (-1, 4), (4, -1), (8, 0), (0, 8), (.max, .max), (.min, 0)])
  func refusesTrapezoids(_ warmup: Int, _ decay: Int) {
    refuses("of 7 steps") {
      try .trapezoid(warmupSteps: warmup, decaySteps: decay, totalSteps: 7)
    }
  }

  @Test(arguments: [[], [1], [0, 1], [2, 2], [2, 1], [1, 2, 3], [.min, 1], [1, .max]])
  func refusesMilestones(_ milestones: [Int]) throws {
    let part = try Schedule.cosine(tMax: 5)
    refuses("of three") { try .sequential([part, part, part], milestones: milestones) }
  }

  @Test func refusesNothingAtAll() {
    refuses("sequence") { try .sequential([], milestones: []) }
    refuses("chain") { try .chained([]) }
  }

  /// Nothing multiplies 0 to another rate.
  @Test func refusesChainsThatRiseFrom0() throws {
    let zero = try Schedule.constant(factor: 0, totalIterations: 2)
    let cosine = try Schedule.cosine(tMax: 2)
    refuses("constant") { try .chained([cosine, zero]) }
    refuses("trapezoid") {
      try .chained([.trapezoid(warmupSteps: 2, decaySteps: 0, totalSteps: 3)])
    }
    refuses("inside") { try .chained([.sequential([cosine, zero], milestones: [1])]) }
  }

  /// Of schedules in schedules, 16 deep or 4096 in all: each is walked for every rate.
  @Test func refusesTooManySchedules() throws {
    let cosine = try Schedule.cosine(tMax: 5)
    var deep = cosine
    for _ in 2...16 { deep = try .sequential([deep], milestones: []) }
    #expect(try deep.rate(base: 1, step: 0) == 1)
    refuses("deeper") { try .sequential([deep], milestones: []) }
    refuses("deeper") { try .chained([cosine, deep]) }

    let many = try Schedule.chained([Schedule](repeating: cosine, count: 4095))
    #expect(try many.rate(base: 1, step: 0) == 1)
    refuses("more") { try .chained([Schedule](repeating: cosine, count: 4096)) }
    refuses("more") { try .chained([many]) }
  }

  @Test(arguments: [-1, Double.nan, .infinity, -.infinity, 1e39])
  func refusesBaseRates(_ base: Double) throws {
    let schedule = try Schedule.cosine(tMax: 5)
    let error = #expect(throws: MuonError.self) { try schedule.rate(base: base, step: 0) }
    #expect(error?.code == .invalidArgument)
  }
}
