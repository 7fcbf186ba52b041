import MuonOptimizers
import Testing

/// 50 steps of AdamW, against the formulas in float64 and against torch.
struct AdamWTrajectoryTests {
  static let settings = [
    AdamWOptions(),
    AdamWOptions(learningRate: 0.02, beta1: 0.9, beta2: 0.95, weightDecay: 0.1),
    AdamWOptions(learningRate: 0.02, beta1: 0.8, beta2: 0.95, epsilon: 1e-2, weightDecay: 0),
    AdamWOptions(learningRate: 0.02, beta1: 0, beta2: 0, weightDecay: 0.5),
  ]

  static let shapes = [[7, 7], [5, 9], [9, 5], [11], [2, 3, 4], [1, 1, 1, 1, 1, 1, 1, 2]]

  @Test(arguments: settings, shapes)
  func followsTheFormulas(_ options: AdamWOptions, _ shape: [Int]) throws {
    let count = shape.reduce(1, *)
    let start = initialParameter(count: count)
    let parameter = try Parameter("w", shape: shape, values: start)
    let adamW = try AdamW([parameter], options: options)
    var reference = ReferenceAdamW(start.map { Double($0) }, options)
    for step in 1...50 {
      let gradient = gradient(step: step, count: count)
      try parameter.setGradient(gradient)
      try adamW.step()
      reference.step(gradient.map { Double($0) })
      #expect(relativeError(parameter.values, reference.parameter) < 1e-5, "step \(step)")
      let mean = try adamW.values(of: .meanGradient, ofParameter: 0)
      let square = try adamW.values(of: .meanSquaredGradient, ofParameter: 0)
      #expect(relativeError(mean, reference.mean) < 1e-5, "step \(step)")
      #expect(relativeError(square, reference.square) < 1e-5, "step \(step)")
    }
  }

  /// A single number crosses 0, where its relative error means nothing: the 50 steps together.
  @Test(arguments: settings)
  func followsTheFormulasWithAScalar(_ options: AdamWOptions) throws {
    let start = initialParameter(count: 1)
    let parameter = try Parameter("w", shape: [], values: start)
    let adamW = try AdamW([parameter], options: options)
    var reference = ReferenceAdamW(start.map { Double($0) }, options)
    var values: [Float] = []
    var expected: [Double] = []
    for step in 1...50 {
      let gradient = gradient(step: step, count: 1)
      try parameter.setGradient(gradient)
      try adamW.step()
      reference.step(gradient.map { Double($0) })
      values += parameter.values
      expected += reference.parameter
    }
    #expect(relativeError(values, expected) < 1e-5)
  }

  /// The tolerance would show a decay, a bias correction or an eps that is left out.
  @Test func toleranceIsTightEnough() throws {
    let options = AdamWOptions(learningRate: 0.02, epsilon: 1e-2, weightDecay: 0.1)
    let start = initialParameter(count: 30).map { Double($0) }
    let gradient = gradient(step: 1, count: 30).map { Double($0) }
    var right = ReferenceAdamW(start, options)
    right.step(gradient)
    for change in [\AdamWOptions.weightDecay, \.epsilon] {
      var other = options
      other[keyPath: change] = 0
      var wrong = ReferenceAdamW(start, other)
      wrong.step(gradient)
      #expect(relativeError(wrong.parameter, right.parameter) > 5e-4)
    }
    var later = ReferenceAdamW(start, options)
    later.t = 1
    later.step(gradient)
    #expect(relativeError(later.parameter, right.parameter) > 5e-4)
  }

  /// Each parameter counts its own steps: t grows only where there is a gradient.
  @Test func countsStepsByParameter() throws {
    let options = AdamWOptions(learningRate: 0.05)
    let start = initialParameter(count: 5)
    let often = try Parameter("often", shape: [5], values: start)
    let seldom = try Parameter("seldom", shape: [5], values: start)
    let adamW = try AdamW([often, seldom], options: options)
    var references = [Int](0..<2).map { _ in
      ReferenceAdamW(start.map { Double($0) }, options)
    }
    for step in 1...12 {
      let gradient = gradient(step: step, count: 5)
      try often.setGradient(gradient)
      references[0].step(gradient.map { Double($0) })
      if step % 3 == 0 {
        try seldom.setGradient(gradient)
        references[1].step(gradient.map { Double($0) })
      } else {
        seldom.removeGradient()
      }
      try adamW.step()
      #expect(relativeError(often.values, references[0].parameter) < 1e-5)
      #expect(relativeError(seldom.values, references[1].parameter) < 1e-5)
    }
    #expect(try adamW.steps(ofParameter: 0) == 12)
    #expect(try adamW.steps(ofParameter: 1) == 4)
  }

  /// State taken out and put into another optimizer continues to the bit.
  @Test func resumesFromItsState() throws {
    let first = try Parameter("w", shape: [3, 4], values: initialParameter(count: 12))
    let one = try AdamW([first])
    for step in 1...5 {
      try first.setGradient(gradient(step: step, count: 12))
      try one.step()
    }
    let second = try Parameter("w", shape: [3, 4], values: first.values)
    let two = try AdamW([second])
    for buffer in [ParameterBuffer.meanGradient, .meanSquaredGradient] {
      try two.setValues(one.values(of: buffer, ofParameter: 0), of: buffer, ofParameter: 0)
    }
    try two.setSteps(one.steps(ofParameter: 0), ofParameter: 0)
    for step in 6...8 {
      for parameter in [first, second] {
        try parameter.setGradient(gradient(step: step, count: 12))
      }
      try one.step()
      try two.step()
      #expect(sameBits(first.values, second.values))
    }
  }

  @Test func followsTorch() throws {
    let fixtures = try Fixtures.optimizers.get()
    let cases = fixtures.cases.filter { $0.optimizer == "adamw" }
    #expect(cases.count == 9)
    for each in cases {
      let betas = try #require(each.options.betas)
      let count = each.shape.reduce(1, *)
      let parameter = try Parameter(
        "w", shape: each.shape, values: initialParameter(count: count))
      let adamW = try AdamW(
        [parameter],
        options: AdamWOptions(
          learningRate: each.options.lr, beta1: betas[0], beta2: betas[1],
          epsilon: each.options.eps, weightDecay: each.options.weightDecay))
      for step in 1...50 {
        try parameter.setGradient(gradient(step: step, count: count))
        try adamW.step()
        guard let expected = each.after["\(step)"] else { continue }
        let buffers = [
          ("param", ParameterBuffer.data), ("exp_avg", .meanGradient),
          ("exp_avg_sq", .meanSquaredGradient),
        ]
        for (name, buffer) in buffers {
          let values = try fixtures.array(expected[name])
          #expect(
            relativeError(try adamW.values(of: buffer, ofParameter: 0), values) < 1e-5,
            "\(each.shape) \(betas) \(name) step \(step)")
        }
      }
      #expect(Set(each.after.keys) == ["1", "10", "50"])
    }
  }
}
