extension TrainingConfiguration {
  /// How an option other than the learning rate goes over the whole training, from the value that it has otherwise.
  public enum OptionSchedule: Hashable, Sendable {
    /// A straight line down, as that of the learning rate.
    case linear
    /// Half a cosine down to 0.
    case cosine
    /// The factor goes in a straight line from `startFactor` to 1 in the first steps, and from 1 to `endFactor` in the
    /// last ones. Factors are 0 to 1, and the steps together at most those of the training.
    case trapezoid(
      warmupSteps: Int = 0, decaySteps: Int = 0, startFactor: Double = 0, endFactor: Double = 0)
  }
}

extension TrainingConfiguration.OptionSchedule: Codable {
  private enum CodingKeys: String, CodingKey, CaseIterable {
    case warmupSteps = "warmup_steps"
    case decaySteps = "decay_steps"
    case startFactor = "start_factor"
    case endFactor = "end_factor"
  }

  /// "linear", "cosine", or an object with the keys of a trapezoid; it refuses others.
  ///
  /// - Throws: `DecodingError`, which has the path.
  public init(from decoder: any Decoder) throws {
    if let name = try? decoder.singleValueContainer().decode(String.self) {
      switch name {
      case "linear": self = .linear
      case "cosine": self = .cosine
      default:
        throw DecodingError.dataCorrupted(
          .init(
            codingPath: decoder.codingPath,
            debugDescription: "unknown value \"\(name.shortened(to: 100))\"; expected \"linear\", "
              + "\"cosine\", or an object with \(Self.keys.joined(separator: ", "))"))
      }
      return
    }
    try decoder.refuseKeys(otherThan: Self.keys)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self = .trapezoid(
      warmupSteps: try container.decodeIfPresent(Int.self, forKey: .warmupSteps) ?? 0,
      decaySteps: try container.decodeIfPresent(Int.self, forKey: .decaySteps) ?? 0,
      startFactor: try container.decodeIfPresent(Double.self, forKey: .startFactor) ?? 0,
      endFactor: try container.decodeIfPresent(Double.self, forKey: .endFactor) ?? 0)
  }

  private static var keys: [String] { CodingKeys.allCases.map(\.rawValue) }

  /// As `init(from:)` reads it.
  ///
  /// - Throws: `EncodingError`.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .linear, .cosine:
      var container = encoder.singleValueContainer()
      try container.encode(self == .linear ? "linear" : "cosine")
    case .trapezoid(let warmupSteps, let decaySteps, let startFactor, let endFactor):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(warmupSteps, forKey: .warmupSteps)
      try container.encode(decaySteps, forKey: .decaySteps)
      try container.encode(startFactor, forKey: .startFactor)
      try container.encode(endFactor, forKey: .endFactor)
    }
  }
}
