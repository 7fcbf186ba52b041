/// What the builders read of a training configuration. Other keys beside these are ignored, except
/// inside `muon`, `adamw` and `rules`, which are ours.
public struct TrainingConfiguration: Codable, Hashable, Sendable {
  /// Which optimizers, their common options, and the schedule.
  public var training: Training
  /// Overrides `training` for Muon.
  public var muon: MuonSection?
  /// Overrides `training` for AdamW.
  public var adamw: AdamWSection?
  /// Where parameters go by their names; the first that matches counts, and what none matches goes by its shape.
  public var rules: [Rule]

  /// A configuration made in Swift; `init(json:)` reads one from text.
  public init(
    training: Training, muon: MuonSection? = nil, adamw: AdamWSection? = nil, rules: [Rule] = []
  ) {
    self.training = training
    self.muon = muon
    self.adamw = adamw
    self.rules = rules
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
    /// Of the momentum of `Muon`; `nil`: it stays.
    public var momentumSchedule: OptionSchedule?
    /// Of the weight decay of both; `nil`: it stays.
    public var weightDecaySchedule: OptionSchedule?

    /// The section with these values.
    public init(
      optimizer: OptimizerKind, learningRate: Double, weightDecay: Double? = nil,
      epochs: Int? = nil, warmupSteps: Int? = nil, schedule: String? = nil,
      momentumSchedule: OptionSchedule? = nil, weightDecaySchedule: OptionSchedule? = nil
    ) {
      self.optimizer = optimizer
      self.learningRate = learningRate
      self.weightDecay = weightDecay
      self.epochs = epochs
      self.warmupSteps = warmupSteps
      self.schedule = schedule
      self.momentumSchedule = momentumSchedule
      self.weightDecaySchedule = weightDecaySchedule
    }

    enum CodingKeys: String, CodingKey {
      case optimizer
      case learningRate = "learning_rate"
      case weightDecay = "weight_decay"
      case epochs = "n_epochs"
      case warmupSteps = "warmup_steps"
      case schedule = "lr_schedule"
      case momentumSchedule = "momentum_schedule"
      case weightDecaySchedule = "weight_decay_schedule"
    }
  }

  /// The section `muon`; what it does not say is as `training` has it, or the default.
  public typealias MuonSection = OptionOverrides<MuonOptions>
  /// The section `adamw`, likewise; β₁ and β₂ are 0.9 and 0.95 by default.
  public typealias AdamWSection = OptionOverrides<AdamWOptions>
}
