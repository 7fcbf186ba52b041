/// The buffers of a parameter in an optimizer. Each has as many elements as the parameter.
public enum ParameterBuffer: Hashable, Sendable {
  /// The parameter itself.
  case data
  /// Its gradient, if it has one.
  case gradient
  /// `Muon`: the momentum.
  case momentum
  /// `AdamW`: the mean of the gradients.
  case meanGradient
  /// `AdamW`: the mean of their squares.
  case meanSquaredGradient

  var name: String {
    switch self {
    case .data: "data"
    case .gradient: "gradient"
    case .momentum: "momentum"
    case .meanGradient: "exp_avg"
    case .meanSquaredGradient: "exp_avg_sq"
    }
  }
}
