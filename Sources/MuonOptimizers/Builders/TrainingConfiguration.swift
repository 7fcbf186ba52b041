/// What the builders read of a training configuration. Other keys beside these are ignored, except
/// inside `muon` and `adamw`, which are ours.
public struct TrainingConfiguration: Codable, Hashable, Sendable {
  /// Which optimizers, their common options, and the schedule.
  public var training: Training
  /// Overrides `training` for Muon.
  public var muon: MuonSection?
  /// Overrides `training` for AdamW.
  public var adamw: AdamWSection?

  /// A configuration made in Swift; `init(json:)` reads one from text.
  public init(training: Training, muon: MuonSection? = nil, adamw: AdamWSection? = nil) {
    self.training = training
    self.muon = muon
    self.adamw = adamw
  }

  /// The section `training`.
  public struct Training: Codable, Hashable, Sendable {
    /// `.muon`: matrices go to Muon and the rest to AdamW; `.adamW`: all go to AdamW.
    public var optimizer: OptimizerKind
    /// Of both optimizers; finite, at least 0.
    public var learningRate: Double
    /// Of both optimizers; `nil` is 0.
    public var weightDecay: Double?
    /// At least 1. `buildSchedulers` needs it.
    public var epochs: Int?
    /// At least 0; `nil` is 0: no warmup.
    public var warmupSteps: Int?
    /// "linear" or "cosine"; anything else is no decay.
    public var schedule: String?

    /// The section with these values.
    public init(
      optimizer: OptimizerKind, learningRate: Double, weightDecay: Double? = nil,
      epochs: Int? = nil, warmupSteps: Int? = nil, schedule: String? = nil
    ) {
      self.optimizer = optimizer
      self.learningRate = learningRate
      self.weightDecay = weightDecay
      self.epochs = epochs
      self.warmupSteps = warmupSteps
      self.schedule = schedule
    }

    enum CodingKeys: String, CodingKey {
      case optimizer
      case learningRate = "learning_rate"
      case weightDecay = "weight_decay"
      case epochs = "n_epochs"
      case warmupSteps = "warmup_steps"
      case schedule = "lr_schedule"
    }
  }

  /// The section `muon`; what it does not say is as `training` has it, or the default.
  public typealias MuonSection = OptionOverrides<MuonOptions>
  /// The section `adamw`, likewise; β₁ and β₂ are 0.9 and 0.95 by default.
  public typealias AdamWSection = OptionOverrides<AdamWOptions>
}
