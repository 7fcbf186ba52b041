import Testing

@testable import MuonOptimizers

/// One that never can be planned.
private final class FailingOptimizer: GroupedOptimizer<AdamWOptions> {
  init(_ parameters: [Parameter]) throws(MuonError) {
    try super.init(.adamW, state: [], parameters, AdamWOptions())
  }

  override func planStep() throws(MuonError) { throw MuonError(.outOfMemory, "no memory") }
}

/// Several optimizers that make a step as one.
struct StepAllTests {
  /// A Muon and an AdamW that have made some steps, with the gradients of the next one.
  private func pair() throws -> [Optimizer] {
    let optimizers = [try trained(.muon), try trained(.adamW)]
    for optimizer in optimizers { try giveGradients(to: optimizer) }
    return optimizers
  }

  private func giveGradients(to optimizer: Optimizer) throws {
    for parameter in optimizer.parameters {
      try parameter.setGradient(gradient(step: 9, count: parameter.count))
    }
  }

  private func spoil(_ optimizer: Optimizer) throws {
    try optimizer.parameters[1].withMutableGradient { $0[3] = .nan }
  }

  @Test func isAStepOfEach() throws {
    let (together, alone) = (try pair(), try pair())
    for _ in 1...3 {
      try Optimizer.step(all: together)
      for optimizer in alone { try optimizer.step() }
      #expect(try together.map(Snapshot.init) == alone.map(Snapshot.init))
    }
    try Optimizer.step(all: [])
  }

  /// Whichever of them it is in: nothing of the others has moved.
  @Test(arguments: [0, 1])
  func nanInOneIsAnErrorOfAll(_ culprit: Int) throws {
    let optimizers = try pair()
    let before = try optimizers.map(Snapshot.init)
    try spoil(optimizers[culprit])
    let error = #expect(throws: MuonError.self) { try Optimizer.step(all: optimizers) }
    #expect(error?.code == .nonFiniteGradient)
    let kind = optimizers[culprit].kind.rawValue
    #expect(error?.message.hasPrefix("optimizer \(culprit) (\(kind)): ") == true)
    #expect(error?.message.contains("w1") == true)
    #expect(try optimizers.map(Snapshot.init) == before)
    #expect(optimizers.map(\.skippedSteps) == [0, 0])
    try giveGradients(to: optimizers[culprit])
    try Optimizer.step(all: optimizers)
    #expect(try optimizers.map(Snapshot.init) != before)
  }

  /// One that skips makes all of them skip, and all count it.
  @Test(arguments: [0, 1])
  func oneThatSkipsMakesAllSkip(_ culprit: Int) throws {
    let optimizers = try pair()
    let before = try optimizers.map(Snapshot.init)
    optimizers[culprit].nonFinitePolicy = .skip
    try spoil(optimizers[culprit])
    try Optimizer.step(all: optimizers)
    #expect(try optimizers.map(Snapshot.init) == before)
    #expect(optimizers.map(\.skippedSteps) == [1, 1])
    // An error goes before that, wherever it stands, and then nothing is counted.
    try spoil(optimizers[1 - culprit])
    #expect(throws: MuonError.self) { try Optimizer.step(all: optimizers) }
    #expect(optimizers.map(\.skippedSteps) == [1, 1])
    #expect(try optimizers.map(Snapshot.init) == before)
  }

  @Test func onePropagatesBesideOneThatIsFinite() throws {
    let (optimizers, healthy) = (try pair(), try pair())
    optimizers[1].nonFinitePolicy = .propagate
    try spoil(optimizers[1])
    try Optimizer.step(all: optimizers)
    try Optimizer.step(all: healthy)
    #expect(try Snapshot(optimizers[0]) == Snapshot(healthy[0]))
    #expect(optimizers[1].parameters[1].values[3].isNaN)
  }

  /// What was planned for the first is forgotten when the second cannot be planned: here it would have
  /// been solved ahead.
  @Test func aFailedPlanLeavesAllAsTheyWere() throws {
    let first = try Muon(
      [try Parameter("w", shape: [3, 2], values: [1, 2, 3, 4, 5, 6])],
      options: MuonOptions(backend: .svd))
    let second = try FailingOptimizer([try Parameter("v", shape: [2], values: [1, 2])])
    try first.parameters[0].setGradient([1, 0, 0, 1, 2, 0])
    try second.parameters[0].setGradient([1, 1])
    (first.statisticsLevel, second.statisticsLevel) = (.basic, .basic)
    let before = try Snapshot(first)
    let error = #expect(throws: MuonError.self) { try Optimizer.step(all: [first, second]) }
    #expect(error?.code == .outOfMemory)
    #expect(error?.message.hasPrefix("optimizer 1 (") == true)
    #expect(try Snapshot(first) == before)
    #expect(try first.statistics(ofParameter: 0) == nil)
    #expect(first.solved.allSatisfy { $0 == nil })
    try first.step()
    #expect(try Snapshot(first) != before)
  }

  @Test func refusesOneThatIsThereTwice() throws {
    let optimizers = try pair()
    let before = try optimizers.map(Snapshot.init)
    let error = #expect(throws: MuonError.self) {
      try Optimizer.step(all: [optimizers[0], optimizers[1], optimizers[0]])
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message == "optimizer 2 is there twice")
    #expect(try optimizers.map(Snapshot.init) == before)
  }

  @Test func setsRatesAndZeros() throws {
    let optimizers = try pair()
    try (optimizers[0] as? Muon)?.addGroup(options: MuonOptions(learningRate: 0.3))
    try Optimizer.setLearningRate(0.125, all: optimizers)
    #expect(try optimizers[0].learningRate(ofGroup: 1) == 0.125)
    #expect(try optimizers.map { try $0.learningRate() } == [0.125, 0.125])
    #expect(throws: MuonError.self) { try Optimizer.setLearningRate(.nan, all: optimizers) }
    #expect(try optimizers.map { try $0.learningRate() } == [0.125, 0.125])
    Optimizer.zeroGradients(all: optimizers)
    for parameter in optimizers.flatMap(\.parameters) {
      #expect(parameter.gradientValues?.allSatisfy { $0 == 0 } == true)
    }
  }

  /// The same bits as of gradients that were multiplied in float32, whatever the level of statistics.
  @Test(arguments: StatisticsLevel.allCases)
  func clippedIsScaled(_ level: StatisticsLevel) throws {
    let (clipped, scaled) = (try pair(), try pair())
    for optimizer in clipped { optimizer.statisticsLevel = level }
    let norm = try Optimizer.clipGradientNorm(all: clipped, to: 0.25, scale: 0.5)
    let factor = 0.5 * 0.25 / (norm + 1e-6)
    #expect(norm > 1 && clipped.allSatisfy { $0.gradientScale == factor })
    try Optimizer.step(all: clipped)
    for parameter in scaled.flatMap(\.parameters) {
      try parameter.setGradient((parameter.gradientValues ?? []).map { $0 * Float(factor) })
    }
    try Optimizer.step(all: scaled)
    #expect(try clipped.map(Snapshot.init) == scaled.map(Snapshot.init))
    #expect(clipped.map(\.gradientScale) == [1, 1])
    // What is measured is the gradient as it was given.
    let given = clipped[0].parameters[1].gradientValues ?? []
    if let measured = try clipped[0].statistics(ofParameter: 1)?.gradientNorm {
      #expect(abs(measured - given.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()) < 1e-9)
    }
  }
}
