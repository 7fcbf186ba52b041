import CMuon
import MuonOptimizers
import Testing

/// Schedules and schedulers through the C interface: the rates that Swift gives.
struct ScheduleCallTests {
  private func rates(_ schedule: Handle) -> [Double] {
    (0..<60 as Range<Int64>).map { step in
      var rate = -1.0
      expectOK(unsafe muon_schedule_get_rate(schedule.pointer, 0.5, step, &rate))
      return rate
    }
  }

  private func rates(_ schedule: Schedule) throws -> [Double] {
    try (0..<60).map { try schedule.rate(base: 0.5, step: $0) }
  }

  @Test func haveTheRatesOfSwift() throws {
    let linear = Handle { unsafe muon_schedule_create_linear(0.1, 0.9, 20, $0) }
    let constant = Handle { unsafe muon_schedule_create_constant(0.25, 7, $0) }
    let cosine = Handle { unsafe muon_schedule_create_cosine(15, 0.01, $0) }
    let trapezoid = Handle { unsafe muon_schedule_create_trapezoid(5, 20, 50, 0.1, 0.2, $0) }
    let parts = unsafe [linear.pointer, cosine.pointer]
    let sequential = Handle { unsafe muon_schedule_create_sequential(parts, 2, [12], 1, $0) }
    let chained = Handle { unsafe muon_schedule_create_chained(parts, 2, $0) }

    let swiftLinear = try Schedule.linear(startFactor: 0.1, endFactor: 0.9, totalIterations: 20)
    let swiftCosine = try Schedule.cosine(tMax: 15, etaMin: 0.01)
    let expected: [(Handle, Schedule)] = try [
      (linear, swiftLinear), (cosine, swiftCosine),
      (constant, .constant(factor: 0.25, totalIterations: 7)),
      (
        trapezoid,
        .trapezoid(
          warmupSteps: 5, decaySteps: 20, totalSteps: 50, startFactor: 0.1, endFactor: 0.2)
      ),
      (sequential, .sequential([swiftLinear, swiftCosine], milestones: [12])),
      (chained, .chained([swiftLinear, swiftCosine])),
    ]
    // What is made of others keeps copies of them.
    expectOK(unsafe muon_schedule_destroy(linear.pointer))
    for (handle, schedule) in expected.dropFirst() {
      #expect(try rates(handle) == rates(schedule))
      if handle != cosine { expectOK(unsafe muon_schedule_destroy(handle.pointer)) }
    }
    expectOK(unsafe muon_schedule_destroy(cosine.pointer))
  }

  @Test func driveOptimizers() {
    let world = World()
    let optimizers = unsafe [world.adamW.pointer, world.muon.pointer]
    let linear = Handle { unsafe muon_schedule_create_linear(1, 0.5, 10, $0) }
    let scheduler = Handle {
      unsafe muon_scheduler_create(linear.pointer, optimizers, 2, $0)
    }
    expectOK(unsafe muon_schedule_destroy(linear.pointer))
    var (step, count, rate): (Int64, Int, Double) = (-1, 0, 0)
    for expected in 0..<12 {
      expectOK(unsafe muon_scheduler_get_step(scheduler.pointer, &step))
      #expect(step == expected)
      let factor = 1 - 0.5 * Double(min(expected, 10)) / 10
      var rates = [Double](repeating: 7, count: 3)
      expectOK(unsafe muon_scheduler_get_last_lr(scheduler.pointer, &rates, 3, &count))
      #expect(count == 2)
      #expect(abs(rates[0] - 1e-3 * factor) < 1e-15 && abs(rates[1] - 0.02 * factor) < 1e-15)
      #expect(rates[2] == 7)
      expectOK(unsafe muon_optimizer_get_lr(world.adamW.pointer, 0, &rate))
      #expect(rate == rates[0])
      expectOK(unsafe muon_scheduler_step(scheduler.pointer))
    }
    expectOK(unsafe muon_scheduler_set_step(scheduler.pointer, 5))
    var first = [7.0, 7.0]
    expectOK(unsafe muon_scheduler_get_last_lr(scheduler.pointer, &first, 1, &count))
    #expect(abs(first[0] - 0.75e-3) < 1e-15 && first[1] == 7 && count == 2)
    expectRefused(
      unsafe muon_scheduler_set_step(scheduler.pointer, -1), MUON_ERR_INVALID_ARGUMENT)
    expectOK(unsafe muon_scheduler_get_step(scheduler.pointer, &step))
    #expect(step == 5)
    expectOK(unsafe muon_scheduler_destroy(scheduler.pointer))
    expectOK(unsafe muon_optimizer_get_lr(world.adamW.pointer, 0, &rate))
    #expect(rate == first[0])
  }
}
