import MuonOptimizers
import Testing

/// Steps of one parameter after the other, with gradients that are not bound.
struct StepParameterTests {
  @Test(arguments: OptimizerKind.allCases, StatisticsLevel.allCases)
  func haveTheBitsOfAWholeStep(_ kind: OptimizerKind, _ level: StatisticsLevel) throws {
    let shapes = [[5, 7], [260, 300], [4, 4]]
    let (whole, single) = (try trained(kind, shapes: shapes), try trained(kind, shapes: shapes))
    (whole.statisticsLevel, single.statisticsLevel) = (level, level)
    for parameter in single.parameters { parameter.removeGradient() }
    for step in 4...6 {
      for parameter in whole.parameters {
        try parameter.setGradient(gradient(step: step, count: parameter.count))
      }
      try whole.step()
      for index in [2, 0, 1] {
        let count = single.parameters[index].count
        try single.step(parameter: index, gradient: gradient(step: step, count: count))
      }
      #expect(try Snapshot(whole) == Snapshot(single))
      for index in shapes.indices {
        #expect(
          try whole.statistics(ofParameter: index) == single.statistics(ofParameter: index))
      }
    }
    #expect(single.parameters.allSatisfy { $0.gradientValues == nil })
  }

  /// The others stay as they are, also where they have a gradient; the bound gradient comes back.
  @Test(arguments: OptimizerKind.allCases)
  func changeNothingElse(_ kind: OptimizerKind) throws {
    let optimizer = try trained(kind)
    let before = try Snapshot(optimizer)
    try optimizer.parameters[0].withMutableGradient { $0[0] = .nan }
    let bound = optimizer.parameters[1].gradientValues
    try optimizer.step(parameter: 1, gradient: gradient(step: 9, count: 24))
    let after = try Snapshot(optimizer)
    #expect(after.steps == [3, 4, 3])
    let buffers = after.bits.count / 3
    for (number, bits) in after.bits.enumerated() {
      #expect((bits == before.bits[number]) == (number / buffers != 1))
    }
    #expect(optimizer.parameters[1].gradientValues == bound)
  }

  @Test(arguments: OptimizerKind.allCases)
  func followThePolicyAlone(_ kind: OptimizerKind) throws {
    let optimizer = try trained(kind)
    let before = try Snapshot(optimizer)
    let bad = [Float](repeating: .infinity, count: 24)
    let error = #expect(throws: MuonError.self) {
      try optimizer.step(parameter: 1, gradient: bad)
    }
    #expect(error?.code == .nonFiniteGradient && error?.message.contains("w1") == true)
    optimizer.nonFinitePolicy = .skip
    try optimizer.step(parameter: 1, gradient: bad)
    try optimizer.step(parameter: 1, gradient: bad)
    #expect(optimizer.skippedSteps == 2)
    #expect(try Snapshot(optimizer) == before)
    optimizer.nonFinitePolicy = .propagate
    try optimizer.step(parameter: 1, gradient: bad)
    #expect(optimizer.parameters[1].values.contains { $0.isNaN })
  }

  @Test func refuseWhatDoesNotFit() throws {
    let optimizer = try trained(.muon)
    let before = try Snapshot(optimizer)
    for (index, count, code) in [
      (1, 23, MuonError.Code.shape), (3, 24, .invalidArgument), (-1, 24, .invalidArgument),
    ] {
      let error = #expect(throws: MuonError.self) {
        try optimizer.step(parameter: index, gradient: gradient(step: 9, count: count))
      }
      #expect(error?.code == code)
    }
    #expect(try Snapshot(optimizer) == before)
  }
}
