/// Where the builders send a parameter, and why.
public struct Route: Hashable, Sendable, CustomStringConvertible {
  /// Why a parameter goes where it goes.
  public enum Reason: String, CaseIterable, Sendable {
    /// To Muon: it has 2 dimensions.
    case matrix
    /// To Muon: it has a view.
    case view
    /// To either: a rule of the configuration says so.
    case rule
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
      case .rule: "a rule of the configuration matches its name"
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
  /// The number of the rule that its name matches, from 0, whose options and view it has; `nil`: none.
  public let rule: Int?

  /// The optimizer and the reason on one line.
  public var description: String {
    "\(optimizer?.rawValue ?? "none"): \(reason.text)"
      + (reason == .rule ? rule.map { " (rules[\($0)])" } ?? "" : "")
  }

  init(optimizer: OptimizerKind?, reason: Reason, rule: Int?) {
    (self.optimizer, self.reason, self.rule) = (optimizer, reason, rule)
  }

  /// Where `buildOptimizers` sends a parameter.
  public init(_ parameter: Parameter, configuration: TrainingConfiguration) {
    self = Router(configuration).route(parameter)
  }
}
