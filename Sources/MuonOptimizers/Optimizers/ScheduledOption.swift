/// The options that a scheduler can drive, by their names in C.
public enum ScheduledOption: String, CaseIterable, Sendable {
  /// Of every optimizer.
  case learningRate = "lr"
  /// Of `Muon`.
  case momentum
  /// Of every optimizer.
  case weightDecay = "weight_decay"

  /// - Throws: `invalidArgument` for a name that there is not.
  package init(named name: String) throws(MuonError) {
    guard let option = ScheduledOption(rawValue: name) else {
      throw MuonError(
        .invalidArgument,
        "no scheduler drives \"\(name.shortened(to: 100))\"; it can be one of "
          + ScheduledOption.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = option
  }

  /// Requires a value that the option can have, also after it was rounded to float32.
  func require(_ value: Double) throws(MuonError) {
    switch self {
    case .momentum: try requireDecayRate(value, rawValue)
    case .learningRate, .weightDecay: try requireNonNegative(value, rawValue)
    }
  }
}
