import MuonOptimizers
import Testing

/// 50 steps of Muon, against the formulas in float64 and against torch.
struct MuonTrajectoryTests {
  struct Setting: Sendable {
    let rows, columns: Int
    let options: MuonOptions
  }

  /// Square, tall and wide, with every combination of the options that the formula has.
  static let settings: [Setting] = [(13, 13), (19, 8), (8, 19)].flatMap { rows, columns in
    MomentumStyle.allCases.flatMap { style in
      ShapeScale.allCases.flatMap { scale in
        [true, false].flatMap { nesterov in
          [0, 0.1].map { decay in
            Setting(
              rows: rows, columns: columns,
              options: MuonOptions(
                nesterov: nesterov, momentumStyle: style, weightDecay: decay, shapeScale: scale))
          }
        }
      }
    }
  }

  @Test(arguments: settings)
  func followsTheFormulas(_ setting: Setting) throws {
    try compareWithReference(setting.rows, setting.columns, setting.options, steps: 50)
  }

  @Test(arguments: [(1, 13), (13, 1), (1, 1), (2, 3)])
  func followsTheFormulasInSmallShapes(_ rows: Int, _ columns: Int) throws {
    let options = MuonOptions(
      learningRate: 0.05, momentum: 0.9, weightDecay: 0.1, shapeScale: .original)
    try compareWithReference(rows, columns, options, steps: 50)
  }

  @Test(arguments: Backend.named + [BackendTests.short])
  func followsTheFormulasWithEachBackend(_ backend: Backend) throws {
    try compareWithReference(9, 14, MuonOptions(backend: backend), steps: 10)
    try compareWithReference(14, 9, MuonOptions(momentumStyle: .ema, backend: backend), steps: 10)
  }

  /// Without momentum, every step is orthogonalized on its own.
  @Test(arguments: MomentumStyle.allCases)
  func followsTheFormulasWithoutMomentum(_ style: MomentumStyle) throws {
    let options = MuonOptions(momentum: 0, momentumStyle: style, backend: .you, backendSteps: 7)
    try compareWithReference(8, 12, options, steps: 10)
  }

  /// An eps that matters: as large as the norm of the first direction.
  @Test(arguments: MomentumStyle.allCases)
  func followsTheFormulasWithALargeEpsilon(_ style: MomentumStyle) throws {
    try compareWithReference(8, 12, MuonOptions(momentumStyle: style, epsilon: 5), steps: 10)
  }

  private func compareWithReference(
    _ rows: Int, _ columns: Int, _ options: MuonOptions, steps: Int
  ) throws {
    let count = rows * columns
    let start = initialParameter(count: count)
    let parameter = try Parameter("w", shape: [rows, columns], values: start)
    let muon = try Muon([parameter], options: options)
    var reference = ReferenceMuon(DoubleMatrix(rows, columns, start), options)
    for step in 1...steps {
      let gradient = gradient(step: step, count: count)
      try parameter.setGradient(gradient)
      try muon.step()
      reference.step(DoubleMatrix(rows, columns, gradient))
      #expect(
        relativeError(parameter.values, reference.parameter.elements) < 1e-5, "step \(step)")
      let momentum = try muon.values(of: .momentum, ofParameter: 0)
      #expect(relativeError(momentum, reference.momentum.elements) < 1e-5, "step \(step)")
    }
    #expect(try muon.steps(ofParameter: 0) == steps)
  }

  /// The tolerance would show a decay, a shape scale, a style or a Nesterov that is left out.
  @Test func toleranceIsTightEnough() throws {
    let right = MuonOptions(weightDecay: 0.1, shapeScale: .original)
    var wrong = [right, right, right]
    wrong[0].weightDecay = 0
    wrong[1].shapeScale = .none
    wrong[2].nesterov = false
    for wrong in wrong {
      let start = DoubleMatrix(29, 11, initialParameter(count: 29 * 11))
      var references = [ReferenceMuon(start, right), ReferenceMuon(start, wrong)]
      // Nesterov shows from the second step on: in the first, u and m have one direction.
      for step in 1...2 {
        let gradient = DoubleMatrix(29, 11, gradient(step: step, count: 29 * 11))
        for index in references.indices { references[index].step(gradient) }
      }
      let (a, b) = (references[0].parameter.elements, references[1].parameter.elements)
      #expect(relativeError(b, a) > 1e-3)
    }
  }

  @Test func followsTorch() throws {
    let fixtures = try Fixtures.optimizers.get()
    let cases = fixtures.cases.filter { $0.optimizer == "muon" }
    #expect(cases.count == 96)
    for each in cases {
      let options = try muonOptions(each.options)
      let count = each.shape.reduce(1, *)
      let parameter = try Parameter(
        "w", shape: each.shape, values: initialParameter(count: count))
      let muon = try Muon([parameter], options: options)
      for step in 1...50 {
        try parameter.setGradient(gradient(step: step, count: count))
        try muon.step()
        guard let expected = each.after["\(step)"] else { continue }
        let values = try fixtures.array(expected["param"])
        #expect(
          relativeError(parameter.values, values) < 1e-5, "\(each.shape) \(options) step \(step)")
        let momentum = try fixtures.array(expected["momentum"])
        #expect(
          relativeError(try muon.values(of: .momentum, ofParameter: 0), momentum) < 1e-5,
          "\(each.shape) \(options) step \(step)")
      }
      #expect(Set(each.after.keys) == ["1", "10", "50"])
    }
  }

  private func muonOptions(_ options: OptimizerFixtures.Options) throws -> MuonOptions {
    MuonOptions(
      learningRate: options.lr, momentum: try #require(options.momentum),
      nesterov: try #require(options.nesterov as Bool?),
      momentumStyle: try #require(MomentumStyle(rawValue: options.momentumStyle ?? "")),
      weightDecay: options.weightDecay,
      shapeScale: try #require(ShapeScale(rawValue: options.shapeScale ?? "")),
      backend: try #require(Backend.named.first { $0.name == options.backend }),
      backendSteps: options.backendSteps, epsilon: options.eps)
  }
}
