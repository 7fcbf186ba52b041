import Foundation
import MuonOptimizers
import Testing

/// Schedules of the momentum and the weight decay in a configuration.
struct OptionScheduleTests {
  private func optimizers() throws -> [Optimizer] {
    [
      try AdamW(options: AdamWOptions(learningRate: 0.25, weightDecay: 0.5)),
      try Muon(options: MuonOptions(learningRate: 0.5, momentum: 0.75, weightDecay: 0.125)),
    ]
  }

  private func configuration(_ training: String) throws -> TrainingConfiguration {
    try TrainingConfiguration(
      json: """
        {"training": {"optimizer": "Muon", "learning_rate": 1, "n_epochs": 3\(training)}}
        """)
  }

  @Test func drivesThemOverTheWholeTraining() throws {
    let configuration = try configuration(
      """
      , "warmup_steps": 5, "weight_decay_schedule": "linear", "momentum_schedule":
        {"warmup_steps": 10, "decay_steps": 6, "start_factor": 0.5, "end_factor": 0.25}
      """)
    let optimizers = try optimizers()
    let schedulers = try buildSchedulers(
      optimizers, configuration: configuration, batchesPerEpoch: 10)
    #expect(
      schedulers.map(\.option) == [
        .learningRate, .learningRate, .momentum, .weightDecay, .weightDecay,
      ])
    #expect(schedulers[2].optimizers[0] === optimizers[1])
    for step in 0...40 {
      let t = Double(step)
      let momentum =
        step < 10 ? 0.5 + 0.05 * t : step < 24 ? 1 : 1 - 0.75 * min((t - 24) / 6, 1)
      let decay = 1 + (1e-5 - 1) * min(t / 30, 1)
      #expect(isNear(schedulers[2].lastRates[0], 0.75 * momentum, base: 0.75), "\(step)")
      #expect(isNear(schedulers[3].lastRates[0], 0.5 * decay, base: 0.5), "\(step)")
      #expect(isNear(schedulers[4].lastRates[0], 0.125 * decay, base: 0.125), "\(step)")
      #expect(try (optimizers[1] as? Muon)?.options().momentum == schedulers[2].lastRates[0])
      #expect(try (optimizers[0] as? AdamW)?.options().weightDecay == schedulers[3].lastRates[0])
      for scheduler in schedulers { try scheduler.step() }
    }
  }

  @Test(arguments: [
    (#""sine""#, #"training.momentum_schedule: unknown value "sine"; expected "linear""#),
    ("1", "training.momentum_schedule: expected an object"),
    (#"{"steps": 1}"#, "training.momentum_schedule.steps: unknown key; the keys are warmup_steps"),
    (#"{"warmup_steps": 0.5}"#, "training.momentum_schedule.warmup_steps: expected a whole number"),
    (
      #"{"warmup_steps": 31}"#,
      "training.momentum_schedule.warmup_steps must be from 0 to 30, got 31"
    ),
    (
      #"{"warmup_steps": 20, "decay_steps": 11}"#,
      "training.momentum_schedule.decay_steps must be from 0 to 10, got 11"
    ), (#"{"start_factor": 2}"#, "training.momentum_schedule.start_factor must be from 0 to 1"),
  ])
  func sayWhatIsWrong(_ schedule: String, _ message: String) throws {
    let optimizers = try optimizers()
    let error = #expect(throws: MuonError.self) {
      try buildSchedulers(
        optimizers, configuration: configuration(#", "momentum_schedule": \#(schedule)"#),
        batchesPerEpoch: 10)
    }
    #expect(error?.code == .configuration)
    #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
    #expect(try optimizers.map { try $0.learningRate() } == [0.25, 0.5])
  }
}
