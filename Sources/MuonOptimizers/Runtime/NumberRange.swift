/// A range of numbers that options are in, as float32 has them.
public enum NumberRange: Hashable, Sendable {
  /// Finite, at least 0.
  case nonNegative
  /// Finite, above 0.
  case positive
  /// In [0, 1).
  case decayRate

  /// The least number, or where that is excluded the bound.
  public var minimum: Double { 0 }
  /// Whether `minimum` is in the range.
  public var includesMinimum: Bool { self != .positive }
  /// The largest number, or where that is excluded the bound.
  public var maximum: Double {
    self == .decayRate ? 1 : Double(Float.greatestFiniteMagnitude)
  }
  /// Whether `maximum` is in the range.
  public var includesMaximum: Bool { self != .decayRate }

  /// Requires that a number is in the range.
  func require(_ value: Double, _ name: String) throws(MuonError) {
    switch self {
    case .nonNegative: try requireNonNegative(value, name)
    case .positive:
      guard value > 0, isFiniteInFloat(value), Float(value) > 0 else {
        throw MuonError(
          .invalidArgument, "\(name) must be finite and above 0 in float32, got \(value)")
      }
    case .decayRate: try requireDecayRate(value, name)
    }
  }
}
