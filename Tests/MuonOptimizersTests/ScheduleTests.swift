import Foundation
import MuonOptimizers
import Testing

/// Schedules as functions of the step: torch's numbers, and torch's quirks.
struct ScheduleTests {
  @Test func givesTorchsRatesAtAnyStep() throws {
    let fixtures = try Fixtures.schedulers.get()
    #expect(fixtures.cases.count >= 39 && fixtures.steps == 200)
    for each in fixtures.cases {
      let schedule = try each.schedule.schedule()
      for (base, rates) in zip(fixtures.baseLrs, each.rates) {
        #expect(rates.count == 201)
        for (step, expected) in rates.enumerated() {
          let rate = try schedule.rate(base: base, step: step)
          #expect(isNear(rate, expected, base: base), "\(schedule) at \(step)")
        }
      }
    }
  }

  /// The second schedule does not continue at the milestone: it begins, at its own step 0.
  @Test func sequenceRestartsEachSchedule() throws {
    let sequence = try Schedule.sequential(
      [
        .linear(startFactor: 0.1, endFactor: 1, totalIterations: 10), .cosine(tMax: 50),
        .linear(startFactor: 0.5, endFactor: 1, totalIterations: 4),
      ], milestones: [10, 60])
    let expected: [(Int, Double)] = [
      (0, 0.2), (5, 1.1), (9, 1.82), (10, 2), (35, 1), (59, 1 + cos(.pi * 49 / 50)), (60, 1),
      (62, 1.5), (64, 2), (1000, 2),
    ]
    for (step, rate) in expected {
      #expect(isNear(try sequence.rate(base: 2, step: step), rate, base: 2), "\(step)")
    }
  }

  @Test func trapezoidHasThreeParts() throws {
    let schedule = try Schedule.trapezoid(
      warmupSteps: 4, decaySteps: 5, totalSteps: 20, startFactor: 0.2, endFactor: 0.1)
    let expected: [(Int, Double)] = [
      (0, 0.2), (1, 0.4), (4, 1), (10, 1), (15, 1), (16, 0.82), (20, 0.1), (21, 0.1),
      (10_000, 0.1),
    ]
    for (step, rate) in expected {
      #expect(isNear(try schedule.rate(base: 1, step: step), rate, base: 1), "\(step)")
    }
  }

  /// A part of no steps is left out, and the factors outside need not be 1.
  @Test(arguments: [(0, 0, 5), (0, 5, 5), (5, 0, 5), (2, 3, 5), (0, 0, 1)])
  func trapezoidMayLackParts(_ warmup: Int, _ decay: Int, _ total: Int) throws {
    let schedule = try Schedule.trapezoid(warmupSteps: warmup, decaySteps: decay, totalSteps: total)
    for step in 0...(total + 2) {
      let rising = step < warmup ? Double(step) / Double(warmup) : 1
      let left = step < total ? Double(total - step) / Double(max(decay, 1)) : 0
      let falling = decay > 0 && step > total - decay ? left : 1
      #expect(isNear(try schedule.rate(base: 1, step: step), rising * falling, base: 1), "\(step)")
    }
  }

  /// A chain applies torch's recurrences: each schedule to what the ones before it gave.
  @Test func chainMultipliesFactors() throws {
    let parts: [Schedule] = try [
      .constant(factor: 0.25, totalIterations: 3),
      .linear(startFactor: 1, endFactor: 0.5, totalIterations: 10),
    ]
    let chain = try Schedule.chained(parts)
    for step in 0..<20 {
      let product = try parts.map { try $0.rate(base: 1, step: step) }.reduce(1, *)
      #expect(isNear(try chain.rate(base: 1, step: step), product, base: 1), "\(step)")
    }
  }

  @Test func isAValue() throws {
    let one = try Schedule.cosine(tMax: 7, etaMin: 0.1)
    #expect(try one == .cosine(tMax: 7, etaMin: 0.1))
    #expect(try one != .cosine(tMax: 8, etaMin: 0.1))
    #expect(try Set([one, .cosine(tMax: 7, etaMin: 0.1)]).count == 1)
  }

  /// Far past the end, and far past what fits a loop.
  @Test func acceptsAnyStep() throws {
    let far = 1 << 53
    let linear = try Schedule.linear(startFactor: 1, endFactor: 0.25, totalIterations: 10)
    #expect(try linear.rate(base: 2, step: far) == 0.5)
    let slow = try Schedule.linear(startFactor: 1, endFactor: 0.5, totalIterations: far)
    #expect(try slow.rate(base: 2, step: far) == 1)
    #expect(try Schedule.constant(factor: 0, totalIterations: far).rate(base: 2, step: far) == 2)
    let cosine = try Schedule.cosine(tMax: 1).rate(base: 2, step: far)
    #expect((0...2).contains(cosine))
    #expect(throws: MuonError.self) { try linear.rate(base: 2, step: far + 1) }
    #expect(throws: MuonError.self) { try linear.rate(base: 2, step: -1) }
    // A chain is worked out step by step, and so not for a step without end.
    #expect(throws: MuonError.self) { try Schedule.chained([linear]).rate(base: 2, step: far) }
  }
}

/// The tolerance for rates: 1e-6 relative, and 1e-12 of the base rate near 0.
func isNear(_ rate: Double, _ expected: Double, base: Double) -> Bool {
  abs(rate - expected) <= max(1e-6 * abs(expected), 1e-12 * base)
}
