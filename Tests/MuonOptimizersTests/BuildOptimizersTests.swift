import MuonOptimizers
import Testing

/// Where the builder sends parameters, and with which options.
struct BuildOptimizersTests {
  private let matrix: Parameter
  private let frozen: Parameter
  private let bias: Parameter
  private let scalar: Parameter
  private let kernel: Parameter
  private let second: Parameter

  init() throws {
    matrix = try Parameter("matrix", shape: [2, 3])
    frozen = try Parameter("frozen", shape: [2, 3], requiresGradient: false)
    bias = try Parameter("bias", shape: [3])
    scalar = try Parameter("scalar", shape: [])
    kernel = try Parameter("kernel", shape: [2, 1, 3])
    second = try Parameter("second", shape: [1, 4])
  }

  private var all: [Parameter] { [matrix, frozen, bias, scalar, kernel, second] }

  private func configuration(
    _ optimizer: OptimizerKind = .muon, muon: TrainingConfiguration.MuonSection? = nil,
    adamw: TrainingConfiguration.AdamWSection? = nil
  ) -> TrainingConfiguration {
    TrainingConfiguration(
      training: .init(optimizer: optimizer, learningRate: 0.25, weightDecay: 0.5), muon: muon,
      adamw: adamw)
  }

  @Test func routesByDimensions() throws {
    let routes = all.map { Route($0, configuration: configuration()) }
    #expect(routes.map(\.optimizer) == [.muon, nil, .adamW, .adamW, .adamW, .muon])
    #expect(
      routes.map(\.reason) == [.matrix, .frozen, .notMatrix, .notMatrix, .notMatrix, .matrix])
    let optimizers = try buildOptimizers(all, configuration: configuration())
    #expect(optimizers.map(\.kind) == [.muon, .adamW])
    #expect(optimizers[0].parameters.map(\.name) == ["matrix", "second"])
    #expect(optimizers[1].parameters.map(\.name) == ["bias", "scalar", "kernel"])
    #expect(optimizers[0].parameters[0] === matrix)
  }

  @Test func routesAllToAdamW() throws {
    let configuration = configuration(.adamW)
    let routes = all.map { Route($0, configuration: configuration) }
    #expect(routes.map(\.optimizer) == [.adamW, nil, .adamW, .adamW, .adamW, .adamW])
    #expect(Set(routes.map(\.reason)) == [.adamWOnly, .frozen])
    let optimizers = try buildOptimizers(all, configuration: configuration)
    #expect(optimizers.map(\.kind) == [.adamW])
    #expect(optimizers[0].parameters.count == 5)
  }

  /// What is not floating point comes first: such a parameter cannot require a gradient.
  @Test func leavesOutWhatIsNotFloatingPoint() {
    for (kind, requiresGradient) in [(OptimizerKind.muon, true), (.adamW, true), (.muon, false)] {
      let route = Router(configuration(kind)).route(
        name: "w", dimensions: 2, hasView: true, requiresGradient: requiresGradient,
        isFloatingPoint: false)
      #expect(route.optimizer == nil && route.reason == .notFloatingPoint)
    }
  }

  @Test func explainsItself() {
    let texts = Route.Reason.allCases.map(\.text)
    #expect(texts.count == 7 && Set(texts).count == 7 && !texts.contains(""))
    let routes = [matrix, bias, frozen].map { Route($0, configuration: configuration()) }
    for (route, optimizer) in zip(routes, ["Muon", "AdamW", "none"]) {
      #expect(route.description == "\(optimizer): \(route.reason.text)")
    }
  }

  @Test func makesNoEmptySide() throws {
    func kinds(_ parameters: [Parameter]) throws -> [OptimizerKind] {
      try buildOptimizers(parameters, configuration: configuration()).map(\.kind)
    }
    #expect(try kinds([matrix, frozen]) == [.muon])
    #expect(try kinds([bias, frozen]) == [.adamW])
    #expect(try kinds([frozen]) == [])
    #expect(try kinds([]) == [])
  }

  @Test func hasTheDefaultsOfTheDesign() throws {
    let optimizers = try buildOptimizers(all, configuration: configuration())
    let muon = try #require(optimizers[0] as? Muon)
    #expect(
      try muon.options()
        == MuonOptions(
          learningRate: 0.25, momentum: 0.95, nesterov: true, momentumStyle: .classic,
          weightDecay: 0.5, shapeScale: .none, backend: .newtonSchulz5, backendSteps: nil,
          epsilon: 1e-7, precision: .auto, method: .auto))
    #expect(try muon.options().backend.coefficients().count == 5)
    let adamW = try #require(optimizers[1] as? AdamW)
    #expect(
      try adamW.options()
        == AdamWOptions(
          learningRate: 0.25, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.5))
  }

  @Test func decaysNothingUnlessAsked() throws {
    let plain = TrainingConfiguration(training: .init(optimizer: .muon, learningRate: 1))
    let optimizers = try buildOptimizers(all, configuration: plain)
    #expect(try (optimizers[0] as? Muon)?.options().weightDecay == 0)
    #expect(try (optimizers[1] as? AdamW)?.options().weightDecay == 0)
  }

  @Test func sectionsOverrideTraining() throws {
    var muonSection = TrainingConfiguration.MuonSection()
    muonSection.learningRate = 0.125
    muonSection.momentum = 0.75
    muonSection.nesterov = false
    muonSection.momentumStyle = .ema
    muonSection.weightDecay = 0
    muonSection.epsilon = 1e-3
    muonSection.shapeScale = .spectral
    muonSection.backend = .polarExpress
    muonSection.backendSteps = 3
    muonSection.precision = .f32
    muonSection.method = .gram
    var adamWSection = TrainingConfiguration.AdamWSection()
    adamWSection.learningRate = 0.0625
    (adamWSection.beta1, adamWSection.beta2) = (0.5, 0.25)
    adamWSection.epsilon = 1e-2
    adamWSection.weightDecay = 0.1
    let optimizers = try buildOptimizers(
      all, configuration: configuration(muon: muonSection, adamw: adamWSection))
    #expect(
      try (optimizers[0] as? Muon)?.options()
        == MuonOptions(
          learningRate: 0.125, momentum: 0.75, nesterov: false, momentumStyle: .ema,
          weightDecay: 0, shapeScale: .spectral, backend: .polarExpress, backendSteps: 3,
          epsilon: 1e-3, precision: .f32, method: .gram))
    #expect(
      try (optimizers[1] as? AdamW)?.options()
        == AdamWOptions(
          learningRate: 0.0625, beta1: 0.5, beta2: 0.25, epsilon: 1e-2, weightDecay: 0.1))
  }

  @Test(arguments: ["", #""backend": "custom", "#])
  func coefficientsImplyTheCustomBackend(_ backend: String) throws {
    let configuration = try TrainingConfiguration(
      json: """
        {"training": {"optimizer": "Muon", "learning_rate": 1},
         "muon": {\(backend)"coefficients": [[3, -3.2, 1.2], [2, -1.5, 0.5]]}}
        """)
    let optimizers = try buildOptimizers([matrix], configuration: configuration)
    #expect(
      try (optimizers[0] as? Muon)?.options().backend
        == .custom([Coefficients(3, -3.2, 1.2), Coefficients(2, -1.5, 0.5)]))
  }

  /// What cannot be trained is an error, and nothing is left half made.
  @Test func refusesMemoryThatOverlaps() throws {
    #expect(throws: MuonError.self) {
      try buildOptimizers([matrix, matrix], configuration: configuration())
    }
  }
}
