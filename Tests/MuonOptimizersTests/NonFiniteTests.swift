import MuonOptimizers
import Testing

/// NaN and infinity in a gradient: nothing has changed afterwards, or the caller asked for it.
struct NonFiniteTests {
  static let values = [Float.nan, .infinity, -.infinity]

  /// In the last parameter, so that the others would have been written by then.
  private func spoil(_ optimizer: Optimizer, at index: Int, with value: Float) throws {
    for parameter in optimizer.parameters {
      try parameter.setGradient(gradient(step: 9, count: parameter.count))
    }
    try optimizer.parameters[2].withMutableGradient { $0[index] = value }
  }

  @Test(arguments: OptimizerKind.allCases, values)
  func isAnErrorByDefault(_ kind: OptimizerKind, _ value: Float) throws {
    let optimizer = try trained(kind)
    #expect(optimizer.nonFinitePolicy == .error)
    let before = try Snapshot(optimizer)
    for index in [0, 7, 15] {
      try spoil(optimizer, at: index, with: value)
      let error = #expect(throws: MuonError.self) { try optimizer.step() }
      #expect(error?.code == .nonFiniteGradient)
      #expect(error?.message.contains("w2") == true)
      #expect(try Snapshot(optimizer) == before)
      #expect(optimizer.skippedSteps == 0)
    }
    try optimizer.parameters[2].setGradient(gradient(step: 9, count: 16))
    try optimizer.step()
    #expect(try Snapshot(optimizer) != before)
  }

  @Test(arguments: OptimizerKind.allCases, values)
  func canBeSkipped(_ kind: OptimizerKind, _ value: Float) throws {
    let optimizer = try trained(kind)
    optimizer.nonFinitePolicy = .skip
    let before = try Snapshot(optimizer)
    for count in 1...3 {
      try spoil(optimizer, at: 5, with: value)
      try optimizer.step()
      #expect(try Snapshot(optimizer) == before)
      #expect(optimizer.skippedSteps == count)
    }
  }

  @Test(arguments: OptimizerKind.allCases, values)
  func canBePropagated(_ kind: OptimizerKind, _ value: Float) throws {
    let optimizer = try trained(kind)
    optimizer.nonFinitePolicy = .propagate
    let healthy = try trained(kind)
    for parameter in healthy.parameters {
      try parameter.setGradient(gradient(step: 9, count: parameter.count))
    }
    try healthy.step()
    try spoil(optimizer, at: 5, with: value)
    try optimizer.step()
    #expect(optimizer.parameters[2].values[5].isNaN)
    for index in 0...1 {
      #expect(sameBits(optimizer.parameters[index].values, healthy.parameters[index].values))
    }
    #expect(try optimizer.steps(ofParameter: 2) == 4)
    #expect(optimizer.skippedSteps == 0)
  }

  /// The exact backend cannot orthogonalize NaN, and must not try.
  @Test func propagatesThroughSVD() throws {
    let parameter = try Parameter("w", shape: [2, 2], values: [1, 2, 3, 4])
    try parameter.setGradient([1, .nan, 0, 1])
    let muon = try Muon([parameter], options: MuonOptions(backend: .svd))
    muon.nonFinitePolicy = .propagate
    try muon.step()
    #expect(parameter.values.allSatisfy { $0.isNaN })
  }

  /// Finite is finite, up to the largest number that the state can hold: u is 1.95 g, and v has g².
  @Test(arguments: [(OptimizerKind.muon, 1.7e38), (.adamW, 1.8e19)])
  func acceptsTheLargestGradients(_ kind: OptimizerKind, _ largest: Double) throws {
    let optimizer = try trained(kind)
    for parameter in optimizer.parameters {
      try parameter.setGradient(
        (0..<parameter.count).map { Float($0 % 2 == 0 ? largest : -largest) })
    }
    try optimizer.step()
    #expect(try optimizer.steps(ofParameter: 0) == 4)
    #expect(optimizer.skippedSteps == 0)
    for parameter in optimizer.parameters {
      #expect(parameter.values.allSatisfy { $0.isFinite })
    }
    let state: [ParameterBuffer] =
      kind == .muon ? [.momentum] : [.meanGradient, .meanSquaredGradient]
    for buffer in state {
      #expect(try optimizer.values(of: buffer, ofParameter: 0).allSatisfy { $0.isFinite })
    }
  }

  /// Past that the state would be infinite from then on.
  @Test(
    arguments: [(kind: OptimizerKind.muon, value: 1.8e38), (kind: .adamW, value: 1.9e19)],
    [NonFinitePolicy.error, .skip])
  func refusesGradientsThatSpoilTheState(
    _ large: (kind: OptimizerKind, value: Double), _ policy: NonFinitePolicy
  ) throws {
    let optimizer = try trained(large.kind)
    optimizer.nonFinitePolicy = policy
    let before = try Snapshot(optimizer)
    for index in [0, 7, 15] {
      try spoil(optimizer, at: index, with: Float(large.value))
      if policy == .error {
        let error = #expect(throws: MuonError.self) { try optimizer.step() }
        #expect(error?.code == .nonFiniteGradient)
        #expect(error?.message.hasPrefix("the gradient of parameter w2 is too large") == true)
      } else {
        try optimizer.step()
      }
      #expect(try Snapshot(optimizer) == before)
    }
    #expect(optimizer.skippedSteps == (policy == .skip ? 3 : 0))
  }

  /// State from elsewhere is looked through at the next step, and once it was found good not again.
  @Test(arguments: [ParameterBuffer.momentum, .meanGradient, .meanSquaredGradient], values)
  func refusesStateThatIsSpoilt(_ buffer: ParameterBuffer, _ value: Float) throws {
    let optimizer = try trained(buffer == .momentum ? .muon : .adamW)
    let good = try optimizer.values(of: buffer, ofParameter: 1)
    var bad = good
    bad[23] = value
    try optimizer.setValues(bad, of: buffer, ofParameter: 1)
    for _ in 0..<2 {
      let error = #expect(throws: MuonError.self) { try optimizer.step() }
      #expect(error?.code == .nonFiniteGradient)
      #expect(error?.message.contains("of parameter w1 has NaN or infinity") == true)
    }
    try optimizer.setValues(good, of: buffer, ofParameter: 1)
    try optimizer.step()
  }

  /// The root of a mean of squares below 0 is NaN, although the state is finite.
  @Test(arguments: [ParameterBuffer.meanSquaredGradient, .secondMomentum])
  func refusesSquaresBelowZero(_ buffer: ParameterBuffer) throws {
    let parameter = try Parameter("w", shape: [3, 300], values: uniform(seed: 1, count: 900))
    try parameter.setGradient(gradient(step: 1, count: 900))
    let optimizer: Optimizer =
      buffer == .secondMomentum
      ? try Muon([parameter], options: MuonOptions(secondMoment: .normuon))
      : try AdamW([parameter])
    try optimizer.step()
    let good = try optimizer.values(of: buffer, ofParameter: 0)
    var bad = good
    bad[good.count - 1] = -1e-30
    try optimizer.setValues(bad, of: buffer, ofParameter: 0)
    let before = try Snapshot(optimizer)
    for _ in 0..<2 {
      let error = #expect(throws: MuonError.self) { try optimizer.step() }
      #expect(error?.code == .nonFiniteGradient)
      #expect(
        error?.message
          == "the \(buffer.name) of parameter w has a number below 0, whose root is NaN")
    }
    optimizer.nonFinitePolicy = .skip
    try optimizer.step()
    #expect(optimizer.skippedSteps == 1)
    #expect(try Snapshot(optimizer) == before)
    // 0 is none, whatever its sign.
    bad[good.count - 1] = -0.0
    try optimizer.setValues(bad, of: buffer, ofParameter: 0)
    optimizer.nonFinitePolicy = .error
    try optimizer.step()
  }

  /// A gradient that is not there cannot be wrong.
  @Test(arguments: OptimizerKind.allCases)
  func doesNotMindARemovedGradient(_ kind: OptimizerKind) throws {
    let optimizer = try trained(kind)
    try spoil(optimizer, at: 5, with: .nan)
    optimizer.parameters[2].removeGradient()
    try optimizer.step()
    #expect(try (0..<3).map { try optimizer.steps(ofParameter: $0) } == [4, 4, 3])
  }
}
