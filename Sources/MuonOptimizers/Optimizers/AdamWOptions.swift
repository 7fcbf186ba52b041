/// The options of a parameter group of `AdamW`. The defaults are torch's.
public struct AdamWOptions: OptionTable, GroupOptions {
  /// Finite, at least 0.
  public var learningRate: Double
  /// How much the means of g and of g² keep of what they were; in [0, 1).
  public var beta1, beta2: Double
  /// Added to the root in the denominator; finite, at least 0.
  public var epsilon: Double
  /// Decoupled; finite, at least 0.
  public var weightDecay: Double
  /// Whether elements whose sign is the opposite of that of the new m are not decayed: arXiv 2510.12402.
  public var cautiousWeightDecay: Bool

  /// torch's defaults.
  public init() { self.init(learningRate: 1e-3) }

  /// Options with torch's defaults.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0.01,
    cautiousWeightDecay: Bool = false
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.cautiousWeightDecay = cautiousWeightDecay
  }

  /// Whether denormal numbers may be zeros without a difference that counts.
  ///
  /// Flushing takes at most 3 · 2^-126 from v in a step, which is as much over 1 - beta2 of what is under the
  /// root after the bias correction: the denominator is off by the root of that at most. It is at least eps, so
  /// that, where this holds, the update is off by at most 2^-20 of itself; and by what a denormal m or p is:
  /// 3 · 2^-126 / (1 - beta1) / eps, which is below 1e-18 for every beta1 in float32.
  var toleratesFlush: Bool {
    let lost = 3 * Double(Float.leastNormalMagnitude) / (1 - beta2)
    return epsilon * epsilon >= 0x1p40 * lost
  }
}

extension AdamWOptions {
  /// Every option.
  public static let options: [Option<AdamWOptions>] = [
    .number("lr", \.learningRate, .nonNegative).alwaysSaved,
    .number("beta1", \.beta1, .decayRate).inList("betas", 0).alwaysSaved,
    .number("beta2", \.beta2, .decayRate).inList("betas", 1).alwaysSaved,
    .number("eps", \.epsilon, .nonNegative).alwaysSaved,
    .number("weight_decay", \.weightDecay, .nonNegative).alwaysSaved,
    .flag("cautious_weight_decay", \.cautiousWeightDecay),
  ]

  /// Nothing: each stands alone.
  public func checkTogether() {}
}
