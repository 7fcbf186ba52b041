import Foundation
import MuonOptimizers
import Testing

/// What a step measures, against float64.
struct StatisticsTests {
  /// A vector, long and short matrices for each iteration, and one of several parts.
  static let shapes = [
    [1, 1], [1, 50], [40, 1], [5, 7], [64, 64], [70, 400], [400, 70], [300, 300],
  ]

  private static func parameter(_ shape: [Int]) throws -> Parameter {
    try Parameter(
      "w", shape: shape, values: uniform(seed: 3, count: shape.reduce(1, *)))
  }

  /// ‖O Oᵀ - I‖_F/√m on the short side.
  private func orthogonalityError(_ o: DoubleMatrix) -> Double {
    let gram = o.rows <= o.columns ? o * o.transposed : o.transposed * o
    return ((-1) * DoubleMatrix.identity(gram.rows) + gram).norm / Double(gram.rows).squareRoot()
  }

  static let options = [
    MuonOptions(learningRate: 0.03, precision: .f32),
    MuonOptions(
      learningRate: 0.1, momentum: 0.5, nesterov: false, weightDecay: 0.2, shapeScale: .original,
      backend: .svd),
    MuonOptions(momentumStyle: .ema, shapeScale: .matchRMSAdamW, backend: .cubic5, precision: .f32),
  ]

  /// The exact reference is for small matrices.
  static let cases = options.flatMap { options in
    shapes.filter { options.backend != .svd || $0[0] * $0[1] <= 4096 }.map { ($0, options) }
  }

  @Test(arguments: cases)
  func areThoseOfMuonsFormula(_ shape: [Int], _ options: MuonOptions) throws {
    let parameter = try Self.parameter(shape)
    let muon = try Muon([parameter], options: options)
    muon.statisticsLevel = .orthogonality
    let start = DoubleMatrix(shape[0], shape[1], parameter.values)
    var reference = ReferenceMuon(start, options)
    for step in 1...3 {
      let g = gradient(step: step, count: parameter.count)
      try parameter.setGradient(g)
      try muon.step()

      let before = reference.parameter
      reference.step(DoubleMatrix(shape[0], shape[1], g))
      let keep = 1 - options.learningRate * options.weightDecay
      let change = reference.parameter + (-keep) * before
      let measured = try #require(try muon.statistics(ofParameter: 0))
      #expect(measured.step == step)
      #expect(relativeError([measured.gradientNorm], [norm2(g.map { Double($0) })]) < 1e-12)
      let rms = change.norm / Double(parameter.count).squareRoot()
      #expect(relativeError([measured.updateRMS], [rms]) < 2e-5)

      let scale =
        switch options.shapeScale {
        case .original: max(1, Double(shape[0]) / Double(shape[1])).squareRoot()
        case .matchRMSAdamW: 0.2 * Double(max(shape[0], shape[1])).squareRoot()
        default: 1.0
        }
      let rate = options.learningRate * scale
      #expect(relativeError([measured.effectiveLearningRate], [rate]) < 1e-15)
      let error = orthogonalityError((-1 / rate) * change)
      let measuredError = try #require(measured.orthogonalityError)
      #expect(abs(measuredError - error) < 1e-5 * max(1, error), "\(measuredError) \(error)")
    }
  }

  @Test(arguments: [[1], [15], [5, 7], [66_000], [300_000]])
  func areThoseOfAdamWsFormula(_ shape: [Int]) throws {
    let parameter = try Self.parameter(shape)
    let options = AdamWOptions(learningRate: 0.01, weightDecay: 0.3)
    let adamW = try AdamW([parameter], options: options)
    adamW.statisticsLevel = .orthogonality
    var reference = ReferenceAdamW(parameter.values.map { Double($0) }, options)
    for step in 1...3 {
      let g = gradient(step: step, count: parameter.count).map { Double($0) }
      try parameter.setGradient(g.map { Float($0) })
      try adamW.step()
      let before = reference.parameter
      reference.step(g)
      let change = zip(reference.parameter, before).map { $0 - (1 - 0.01 * 0.3) * $1 }
      let measured = try #require(try adamW.statistics(ofParameter: 0))
      #expect(measured.step == step)
      #expect(relativeError([measured.gradientNorm], [norm2(g)]) < 1e-12)
      let rms = norm2(change) / Double(change.count).squareRoot()
      #expect(relativeError([measured.updateRMS], [rms]) < 2e-5)
      #expect(measured.effectiveLearningRate == 0.01)
      #expect(measured.orthogonalityError == nil)
    }
  }

  /// The polar factor is orthogonal, that of a matrix of rank 1 is as far from it as it must be, and zeros
  /// are farthest.
  @Test func orthogonalityIsWhatItSays() throws {
    func error(_ gradient: [Float]) throws -> Double? {
      let parameter = try Parameter("w", shape: [4, 6])
      try parameter.setGradient(gradient)
      let muon = try Muon([parameter], options: MuonOptions(learningRate: 0, backend: .svd))
      muon.statisticsLevel = .orthogonality
      try muon.step()
      return try muon.statistics(ofParameter: 0)?.orthogonalityError
    }
    #expect(try #require(try error(uniform(seed: 9, count: 24))) < 1e-5)
    let rank1 = try #require(try error([Float](repeating: 1, count: 24)))
    #expect(abs(rank1 - 0.75.squareRoot()) < 1e-5)
    #expect(try error([Float](repeating: 0, count: 24)) == 1)
  }

  /// Of many sizes, together, for every method there is.
  private static func run(
    _ kind: OptimizerKind, _ backend: Backend, _ level: StatisticsLevel, threads: Int = 1
  ) throws -> (Snapshot, [ParameterStatistics?]) {
    try Threads.setCount(threads)
    let parameters = try (shapes + [[320, 512], [0, 4]]).enumerated().map { index, shape in
      let parameter = try parameter(shape)
      try parameter.setGradient(gradient(step: index, count: parameter.count))
      return parameter
    }
    let optimizer: Optimizer =
      kind == .muon
      ? try Muon(parameters, options: MuonOptions(weightDecay: 0.1, backend: backend))
      : try AdamW(parameters)
    optimizer.statisticsLevel = level
    for _ in 0..<2 { try optimizer.step() }
    return (
      try Snapshot(optimizer),
      try parameters.indices.map { try optimizer.statistics(ofParameter: $0) }
    )
  }

  private static func expectNoChange(_ level: StatisticsLevel) throws {
    for backend in [Backend.newtonSchulz5, .svd, .turbo, .polarExpress] {
      let (plain, none) = try StatisticsTests.run(.muon, backend, .none)
      #expect(none.allSatisfy { $0 == nil })
      let (measured, statistics) = try StatisticsTests.run(.muon, backend, level)
      #expect(measured == plain)
      for one in statistics.dropLast() { #expect((one == nil) == (level == .none)) }
      for one in statistics.dropLast() {
        #expect((one?.orthogonalityError == nil) == (level != .orthogonality))
      }
      #expect(statistics.last == .some(nil), "of no elements")
    }
    #expect(
      try StatisticsTests.run(.adamW, .svd, level).0
        == StatisticsTests.run(.adamW, .svd, .none).0)
  }

  @Test func changeNoResult() async {
    await #expect(processExitsWith: .success) {
      for level in StatisticsLevel.allCases { try StatisticsTests.expectNoChange(level) }
    }
  }

  @Test func doNotDependOnThreads() async {
    await #expect(processExitsWith: .success) {
      for (kind, backend) in [
        (OptimizerKind.muon, Backend.newtonSchulz5), (.muon, .svd), (.adamW, .svd),
      ] {
        let (state, statistics) = try StatisticsTests.run(kind, backend, .orthogonality)
        for threads in [2, 3, 8] {
          let other = try StatisticsTests.run(kind, backend, .orthogonality, threads: threads)
          #expect(other.0 == state)
          #expect(other.1 == statistics)
        }
      }
    }
  }

  @Test(arguments: OptimizerKind.allCases)
  func areOfTheLastGoodStep(_ kind: OptimizerKind) throws {
    let optimizer = try trained(kind)
    #expect(try optimizer.statistics(ofParameter: 0) == nil)
    optimizer.statisticsLevel = .basic
    try optimizer.step()
    let good = try (0..<3).map { try optimizer.statistics(ofParameter: $0) }
    #expect(good.allSatisfy { $0?.step == 4 })

    try optimizer.parameters[1].withMutableGradient { $0[3] = .nan }
    #expect(throws: MuonError.self) { try optimizer.step() }
    #expect(try (0..<3).map { try optimizer.statistics(ofParameter: $0) } == good)
    optimizer.nonFinitePolicy = .skip
    try optimizer.step()
    #expect(try (0..<3).map { try optimizer.statistics(ofParameter: $0) } == good)

    // Without a gradient, and after measuring has ended.
    optimizer.parameters[1].removeGradient()
    try optimizer.step()
    #expect(try (0..<3).map { try optimizer.statistics(ofParameter: $0)?.step } == [5, 4, 5])
    optimizer.statisticsLevel = .none
    try optimizer.step()
    #expect(try (0..<3).map { try optimizer.statistics(ofParameter: $0)?.step } == [5, 4, 5])
    for index in [-1, 3] {
      let error = #expect(throws: MuonError.self) {
        try optimizer.statistics(ofParameter: index)
      }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func ofWhatIsNotFiniteAreNot() throws {
    let optimizer = try trained(.muon)
    optimizer.nonFinitePolicy = .propagate
    optimizer.statisticsLevel = .orthogonality
    try optimizer.parameters[1].withMutableGradient { $0[3] = .nan }
    try optimizer.step()
    let statistics = try #require(try optimizer.statistics(ofParameter: 1))
    #expect(statistics.gradientNorm.isNaN && statistics.updateRMS.isNaN)
    #expect(try #require(statistics.orthogonalityError).isNaN)
    #expect(try #require(try optimizer.statistics(ofParameter: 0)).updateRMS > 0)
  }
}
