/// How the momentum m takes in the gradient g, and what is orthogonalized with Nesterov; β is
/// `MuonOptions.momentum`. They differ by the factor 1 - β, which orthogonalization removes.
public enum MomentumStyle: String, CaseIterable, Sendable {
  /// m ← β m + g, u = g + β m.
  case classic
  /// m ← β m + (1 - β) g, u = (1 - β) g + β m: as in torch and KellerJordan/Muon.
  case ema
}

/// The factor on the update of a matrix with r rows and c columns.
public enum ShapeScale: String, CaseIterable, Sendable {
  /// 1.
  case none
  /// sqrt(max(1, r/c)): KellerJordan/Muon; torch's "original".
  case original
  /// 0.2 sqrt(max(r, c)): arXiv 2502.16982; torch's "match_rms_adamw".
  case matchRMSAdamW = "match_rms_adamw"
  /// sqrt(r/c): arXiv 2310.17813.
  case spectral

  /// The factor for a matrix of these extents, each at least 1.
  public func factor(rows: Int, columns: Int) -> Double {
    let (r, c) = (Double(rows), Double(columns))
    switch self {
    case .none: return 1
    case .original: return max(1, r / c).squareRoot()
    case .matchRMSAdamW: return 0.2 * max(r, c).squareRoot()
    case .spectral: return (r / c).squareRoot()
    }
  }
}

/// The options of a parameter group of `Muon`.
public struct MuonOptions: OptionTable, GroupOptions {
  /// Finite, at least 0.
  public var learningRate: Double
  /// How much the momentum keeps of what it was, β; in [0, 1).
  public var momentum: Double
  /// Whether to look one step ahead; see `MomentumStyle`.
  public var nesterov: Bool
  /// How the momentum takes in the gradient.
  public var momentumStyle: MomentumStyle
  /// Decoupled; finite, at least 0.
  public var weightDecay: Double
  /// The factor on the update, by the shape of the matrix.
  public var shapeScale: ShapeScale
  /// Another factor on the update, beside that; finite, above 0.
  public var updateScale: Double
  /// Whether elements whose sign is the opposite of that of O are not decayed: arXiv 2510.12402.
  public var cautiousWeightDecay: Bool
  /// Whether and how lines of O are normalized: NorMuon.
  public var secondMoment: SecondMoment
  /// How much the running mean of `secondMoment` keeps of what it was; in [0, 1).
  public var beta2: Double
  /// Whether parameters keep the Frobenius norm they have in their first step. The update is then lr times that norm
  /// in size, whatever the scales are; weight decay would be lost in it, and is refused.
  public var hyperball: Bool
  /// How the momentum is orthogonalized.
  public var backend: Backend
  /// 1 to 99; `nil` is the backend's own number, 5 for the default.
  public var backendSteps: Int?
  /// Added to the Frobenius norm; finite, at least 0.
  public var epsilon: Double
  /// The element type of the matrix products.
  public var precision: Precision
  /// How the polynomial is evaluated.
  public var method: NewtonSchulzMethod

  /// The defaults of the original system.
  public init() { self.init(learningRate: 0.02) }

  /// Options with the defaults of the original system.
  public init(
    learningRate: Double = 0.02, momentum: Double = 0.95, nesterov: Bool = true,
    momentumStyle: MomentumStyle = .classic, weightDecay: Double = 0,
    shapeScale: ShapeScale = .none, backend: Backend = .newtonSchulz5, backendSteps: Int? = nil,
    epsilon: Double = 1e-7, precision: Precision = .auto, method: NewtonSchulzMethod = .auto,
    updateScale: Double = 1, cautiousWeightDecay: Bool = false,
    secondMoment: SecondMoment = .none, beta2: Double = 0.95, hyperball: Bool = false
  ) {
    self.learningRate = learningRate
    self.momentum = momentum
    self.nesterov = nesterov
    self.momentumStyle = momentumStyle
    self.weightDecay = weightDecay
    self.shapeScale = shapeScale
    self.backend = backend
    self.backendSteps = backendSteps
    self.epsilon = epsilon
    self.precision = precision
    self.method = method
    self.updateScale = updateScale
    self.cautiousWeightDecay = cautiousWeightDecay
    self.secondMoment = secondMoment
    self.beta2 = beta2
    self.hyperball = hyperball
  }

  /// The weight of g in the new momentum.
  var gradientWeight: Float {
    switch momentumStyle {
    case .classic: 1
    case .ema: Float(1 - momentum)
    }
  }

  /// With a gradient that is multiplied by a factor first.
  func momentumStep(gradientScale: Float) -> MomentumStep {
    MomentumStep(
      gradientScale: gradientScale, momentum: Float(momentum), gradientWeight: gradientWeight,
      nesterov: nesterov)
  }

  var decay: WeightDecay {
    WeightDecay(keep: Float(1 - learningRate * weightDecay), isCautious: cautiousWeightDecay)
  }

  /// Whether the step needs the whole of O before it writes the parameter. Otherwise the last product of the
  /// orthogonalization writes it.
  var needsDirection: Bool { cautiousWeightDecay || secondMoment != .none || hyperball }

  /// lr·s·e, for parameters of this shape; lr on the hyperball, where the others cancel.
  func effectiveLearningRate(for shape: Shape) -> Double {
    if hyperball { return learningRate }
    return learningRate * updateScale * shapeScale.factor(rows: shape.rows, columns: shape.columns)
  }

  /// Whether denormal gradients and momenta may be zeros. Beside an eps of this size whole matrices of
  /// them are nothing; beside a smaller one, or none, they can be all there is to be normalized.
  var toleratesFlush: Bool { epsilon >= 1e-15 }

  func orthogonalizer() throws(MuonError) -> Orthogonalizer {
    try Orthogonalizer(
      OrthogonalizeOptions(
        backend: backend, steps: backendSteps, epsilon: epsilon, precision: precision,
        method: method))
  }
}

extension MuonOptions {
  /// Every option.
  public static let options: [Option<MuonOptions>] = [
    .number("lr", \.learningRate, .nonNegative).alwaysSaved,
    .number("momentum", \.momentum, .decayRate).alwaysSaved,
    .flag("nesterov", \.nesterov).alwaysSaved,
    .choice("momentum_style", \.momentumStyle).alwaysSaved,
    .number("weight_decay", \.weightDecay, .nonNegative).alwaysSaved,
    .choice("shape_scale", \.shapeScale).alwaysSaved,
    .backend(\.backend).alwaysSaved,
    .count("backend_steps", \.backendSteps, Backend.stepRange).alwaysSaved,
    .number("eps", \.epsilon, .nonNegative).alwaysSaved,
    .choice("precision", \.precision).alwaysSaved,
    .choice("method", \.method).alwaysSaved,
    .coefficients(of: \.backend).alwaysSaved,
    .number("update_scale", \.updateScale, .positive),
    .flag("cautious_weight_decay", \.cautiousWeightDecay),
    .choice("second_moment", \.secondMoment),
    .number("beta2", \.beta2, .decayRate),
    .flag("hyperball", \.hyperball),
  ]

  /// Requires that backend, steps, precision and method go together, and weight decay and hyperball.
  ///
  /// - Throws: `invalidArgument`, or `unsupported` for what this processor or this version does not have.
  public func checkTogether() throws(MuonError) {
    _ = try orthogonalizer()
    guard !hyperball || weightDecay == 0 && !cautiousWeightDecay else {
      throw MuonError(
        .invalidArgument,
        "hyperball goes without weight decay, of which nothing would be left: weight_decay must be 0 and "
          + "cautious_weight_decay off")
    }
  }
}
