import MuonOptimizers
import Testing

/// Groups and their options, learning rates included.
struct OptionTests {
  @Test func haveTheDefaultsOfTheDesign() throws {
    let muon = MuonOptions()
    #expect(muon.learningRate == 0.02 && muon.momentum == 0.95 && muon.weightDecay == 0)
    #expect(muon.nesterov && muon.momentumStyle == .classic && muon.shapeScale == .none)
    #expect(muon.backend == .newtonSchulz5 && muon.backendSteps == nil)
    #expect(muon.epsilon == 1e-7 && muon.precision == .auto && muon.method == .auto)
    let adamW = AdamWOptions()
    #expect(adamW.learningRate == 1e-3 && adamW.beta1 == 0.9 && adamW.beta2 == 0.999)
    #expect(adamW.epsilon == 1e-8 && adamW.weightDecay == 0.01)
    #expect(try Muon().options() == muon)
    #expect(try AdamW().options() == adamW)
  }

  /// Each group follows its own options, as if it were an optimizer of its own.
  @Test func holdForTheirGroup() throws {
    let options = [
      MuonOptions(learningRate: 0.1), MuonOptions(nesterov: false, weightDecay: 0.5),
      MuonOptions(momentumStyle: .ema, shapeScale: .original, backend: .turbo),
    ]
    let together = try Muon(options: options[0])
    for other in options.dropFirst() { try together.addGroup(options: other) }
    #expect(together.groupCount == 3)
    // Added in another order than that of the groups.
    for group in [2, 0, 1] {
      let values = initialParameter(count: 20)
      let shared = try Parameter("w\(group)", shape: [5, 4], values: values)
      let alone = try Parameter("w", shape: [5, 4], values: values)
      try together.add([shared], toGroup: group)
      let single = try Muon([alone], options: options[group])
      for step in 1...3 {
        for parameter in [shared, alone] {
          try parameter.setGradient(gradient(step: step, count: 20))
        }
        try together.step()
        try single.step()
        #expect(sameBits(shared.values, alone.values))
        #expect(try together.options(ofGroup: group) == options[group])
      }
      shared.removeGradient()
    }
  }

  /// The reference changes its options at the same steps.
  @Test func takeEffectWithTheNextStep() throws {
    let parameter = try Parameter("w", shape: [4, 6], values: initialParameter(count: 24))
    let muon = try Muon([parameter])
    var reference = ReferenceMuon(DoubleMatrix(4, 6, parameter.values), MuonOptions())
    for step in 1...12 {
      var options = try muon.options()
      switch step {
      case 3: try muon.setLearningRate(0.1)
      case 5: options.weightDecay = 0.2
      case 7: options.backend = .polarExpress
      case 9: options.momentumStyle = .ema
      case 11: try muon.setLearningRate(0)
      default: break
      }
      if [5, 7, 9].contains(step) { try muon.setOptions(options) }
      let changed = ReferenceMuon(reference.parameter, try muon.options())
      let momentum = reference.momentum
      reference = changed
      reference.momentum = momentum
      let gradient = gradient(step: step, count: 24)
      try parameter.setGradient(gradient)
      try muon.step()
      reference.step(DoubleMatrix(4, 6, gradient))
      #expect(relativeError(parameter.values, reference.parameter.elements) < 1e-5, "\(step)")
    }
    #expect(try muon.options().learningRate == 0)
  }

  @Test(arguments: OptimizerKind.allCases)
  func learningRateIsSetByGroup(_ kind: OptimizerKind) throws {
    let optimizer: Optimizer
    if kind == .muon {
      let muon = try Muon()
      #expect(try muon.addGroup(options: MuonOptions(learningRate: 0.5)) == 1)
      optimizer = muon
    } else {
      let adamW = try AdamW()
      #expect(try adamW.addGroup(options: AdamWOptions(learningRate: 0.5)) == 1)
      optimizer = adamW
    }
    try optimizer.setLearningRate(0.25, ofGroup: 1)
    #expect(try optimizer.learningRate(ofGroup: 1) == 0.25)
    #expect(try optimizer.learningRate() == (kind == .muon ? 0.02 : 1e-3))
    for rate in [-1, Double.nan, .infinity, -.infinity, 1e39] {
      #expect(throws: MuonError.self) { try optimizer.setLearningRate(rate) }
      #expect(throws: MuonError.self) { try optimizer.setInitialLearningRate(rate) }
    }
    for group in [-1, 2, Int.min, .max] {
      #expect(throws: MuonError.self) { try optimizer.learningRate(ofGroup: group) }
      #expect(throws: MuonError.self) { try optimizer.setLearningRate(1, ofGroup: group) }
      #expect(throws: MuonError.self) { try optimizer.initialLearningRate(ofGroup: group) }
      #expect(throws: MuonError.self) { try optimizer.setInitialLearningRate(1, ofGroup: group) }
    }
    #expect(try optimizer.learningRate(ofGroup: 1) == 0.25)
  }

  static let refusedByMuon: [MuonOptions] =
    [-1, Double.nan, .infinity, 1e39].flatMap {
      [
        MuonOptions(learningRate: $0), MuonOptions(momentum: $0), MuonOptions(weightDecay: $0),
        MuonOptions(epsilon: $0),
      ]
    } + [
      // The second is 1 in float32.
      MuonOptions(momentum: 1), MuonOptions(momentum: 1 - 1e-12), MuonOptions(backendSteps: 0),
      MuonOptions(backendSteps: 100),
      MuonOptions(backend: .cubic5, backendSteps: 4), MuonOptions(backend: .custom([])),
    ]

  @Test(arguments: refusedByMuon)
  func areCheckedByMuon(_ options: MuonOptions) throws {
    let muon = try Muon()
    for attempt in [
      { _ = try Muon(options: options) }, { try muon.addGroup(options: options) },
      { try muon.setOptions(options) },
    ] {
      let error = #expect(throws: MuonError.self) { try attempt() }
      #expect(error?.code == .invalidArgument)
    }
    #expect(try muon.groupCount == 1 && muon.options() == MuonOptions())
  }

  static let refusedByAdamW: [AdamWOptions] =
    [-1, Double.nan, .infinity, 1e39].flatMap {
      [
        AdamWOptions(learningRate: $0), AdamWOptions(beta1: $0), AdamWOptions(beta2: $0),
        AdamWOptions(epsilon: $0), AdamWOptions(weightDecay: $0),
      ]
    } + [AdamWOptions(beta1: 1), AdamWOptions(beta2: 1), AdamWOptions(beta2: 1 - 1e-12)]

  @Test(arguments: refusedByAdamW)
  func areCheckedByAdamW(_ options: AdamWOptions) throws {
    let adamW = try AdamW()
    for attempt in [
      { _ = try AdamW(options: options) }, { try adamW.addGroup(options: options) },
      { try adamW.setOptions(options) },
    ] {
      let error = #expect(throws: MuonError.self) { try attempt() }
      #expect(error?.code == .invalidArgument)
    }
    #expect(try adamW.groupCount == 1 && adamW.options() == AdamWOptions())
  }

  /// On every processor.
  @Test(arguments: [Backend.polarExpress, .cans, .custom([Coefficients(3, -3.2, 1.2)])])
  func bfloat16IsNotForEveryBackend(_ backend: Backend) throws {
    let options = MuonOptions(backend: backend, precision: .bf16)
    let muon = try Muon()
    for attempt in [
      { _ = try Muon(options: options) }, { try muon.addGroup(options: options) },
      { try muon.setOptions(options) },
    ] {
      let error = #expect(throws: MuonError.self) { try attempt() }
      #expect(error?.code == .unsupported)
    }
    #expect(try muon.groupCount == 1 && muon.options() == MuonOptions())
  }

  @Test(arguments: Backend.named.filter { $0 != .svd }, [Precision.int16, .int8])
  func integersAreForProcessorsThatHaveThem(_ backend: Backend, _ precision: Precision) throws {
    let options = MuonOptions(backend: backend, precision: precision)
    if precision == .int16 ? processorHasInt16() : processorHasInt8() {
      #expect(try Muon(options: options).options() == options)
    } else {
      let error = #expect(throws: MuonError.self) { try Muon(options: options) }
      #expect(error?.code == .unsupported)
      #expect(error?.message == "precision \(precision): the processor has no such products")
    }
  }

  @Test(arguments: Backend.named.filter { $0 != .polarExpress && $0 != .cans && $0 != .svd })
  func bfloat16IsForProcessorsThatHaveIt(_ backend: Backend) throws {
    let options = MuonOptions(backend: backend, precision: .bf16)
    if processorHasBFloat16() {
      #expect(try Muon(options: options).options() == options)
    } else {
      let error = #expect(throws: MuonError.self) { try Muon(options: options) }
      #expect(error?.code == .unsupported)
    }
  }
}
