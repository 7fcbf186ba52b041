/// Where the builders send a parameter, and why.
public struct Route: Hashable, Sendable, CustomStringConvertible {
  /// Why a parameter goes where it goes.
  public enum Reason: String, CaseIterable, Sendable {
    /// To Muon: it has 2 dimensions.
    case matrix
    /// To Muon: it has a view.
    case view
    /// To AdamW: it does not have 2 dimensions.
    case notMatrix = "not_matrix"
    /// To AdamW: the configuration asks for AdamW alone.
    case adamWOnly = "adamw_only"
    /// To none: it does not require a gradient.
    case frozen
    /// To none: it is not floating point.
    case notFloatingPoint = "not_float"

    /// The reason in words.
    public var text: String {
      switch self {
      case .matrix: "it has 2 dimensions"
      case .view: "it has a view as matrices"
      case .notMatrix: "it does not have 2 dimensions"
      case .adamWOnly: "training.optimizer is \"AdamW\""
      case .frozen: "it does not require a gradient"
      case .notFloatingPoint: "it is not floating point"
      }
    }
  }

  /// `nil`: no optimizer trains it.
  public let optimizer: OptimizerKind?
  /// Why.
  public let reason: Reason

  /// The optimizer and the reason on one line.
  public var description: String { "\(optimizer?.rawValue ?? "none"): \(reason.text)" }

  package init(
    dimensions: Int, hasView: Bool, requiresGradient: Bool, isFloatingPoint: Bool,
    configuration: TrainingConfiguration
  ) {
    (optimizer, reason) =
      if !isFloatingPoint {
        (nil, .notFloatingPoint)
      } else if !requiresGradient {
        (nil, .frozen)
      } else if configuration.training.optimizer == .adamW {
        (.adamW, .adamWOnly)
      } else if hasView {
        (.muon, .view)
      } else if dimensions == 2 {
        (.muon, .matrix)
      } else {
        (.adamW, .notMatrix)
      }
  }

  /// Where `buildOptimizers` sends a parameter.
  public init(_ parameter: Parameter, configuration: TrainingConfiguration) {
    self.init(
      dimensions: parameter.shape.count, hasView: parameter.view != nil,
      requiresGradient: parameter.requiresGradient, isFloatingPoint: true,
      configuration: configuration)
  }
}
