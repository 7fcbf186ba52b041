import Foundation
import MuonOptimizers
import Testing

/// The schedules a configuration asks for, against their formulas.
struct BuildSchedulersTests {
  private func optimizers() throws -> [Optimizer] {
    [
      try Muon(options: MuonOptions(learningRate: 0.5)),
      try AdamW(options: AdamWOptions(learningRate: 0.25)),
    ]
  }

  private func configuration(
    epochs: Int? = 3, warmup: Int? = nil, schedule: String? = nil
  ) -> TrainingConfiguration {
    TrainingConfiguration(
      training: .init(
        optimizer: .muon, learningRate: 0.5, epochs: epochs, warmupSteps: warmup,
        schedule: schedule))
  }

  /// Three epochs of 20 batches.
  @Test(
    arguments: [nil, "linear", "cosine", "none", "", "Cosine", "polynomial"],
    [nil, 0, 1, 7, 100])
  func givesTheRatesOfTheFormulas(_ name: String?, _ warmup: Int?) throws {
    let optimizers = try optimizers()
    let schedulers = try buildSchedulers(
      optimizers, configuration: configuration(warmup: warmup, schedule: name),
      batchesPerEpoch: 20)
    try #require(schedulers.count == 2)
    let warmup = warmup ?? 0
    for step in 0...150 {
      // The main schedule begins after the warmup, at its own step 0, and is 60 steps long.
      let t = Double(step - warmup)
      let factor =
        if step < warmup {
          1e-5 + (1 - 1e-5) * Double(step) / Double(warmup)
        } else if name == "linear" {
          1 + (1e-5 - 1) * min(t, 60) / 60
        } else if name == "cosine" {
          (1 + cos(.pi * t / 60)) / 2
        } else {
          1.0
        }
      for (index, base) in [0.5, 0.25].enumerated() {
        #expect(isNear(schedulers[index].lastRates[0], base * factor, base: base), "\(step)")
        #expect(try optimizers[index].learningRate() == schedulers[index].lastRates[0])
        try schedulers[index].step()
      }
    }
    #expect(schedulers[0].optimizers.count == 1 && schedulers[0].optimizers[0] === optimizers[0])
  }

  @Test func makesNoneForNoOptimizers() throws {
    #expect(
      try buildSchedulers([], configuration: configuration(), batchesPerEpoch: 1).isEmpty)
  }

  @Test(arguments: [0, -1, Int.min])
  func refusesEmptyEpochs(_ batches: Int) {
    let error = #expect(throws: MuonError.self) {
      try buildSchedulers([], configuration: configuration(), batchesPerEpoch: batches)
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test(arguments: [
    (nil, nil, 5, "training.n_epochs"), (0, nil, 5, "training.n_epochs"),
    (-1, nil, 5, "training.n_epochs"), (Int.max, nil, 2, "training.n_epochs"),
    (1 << 53, nil, 2, "training.n_epochs"), (1, -1, 5, "training.warmup_steps"),
    (1, Int.max, 5, "training."),
  ])
  func refusesLengths(_ epochs: Int?, _ warmup: Int?, _ batches: Int, _ path: String) throws {
    let optimizers = try optimizers()
    let error = #expect(throws: MuonError.self) {
      try buildSchedulers(
        optimizers, configuration: configuration(epochs: epochs, warmup: warmup),
        batchesPerEpoch: batches)
    }
    #expect(error?.code == .configuration)
    #expect(error?.message.hasPrefix(path) == true, "\(error?.message ?? "")")
    #expect(try optimizers.map { try $0.learningRate() } == [0.5, 0.25])
  }
}
