/// Which optimizer, by its name in a configuration.
public enum OptimizerKind: String, CaseIterable, Sendable {
  /// `Muon`, for matrices.
  case muon = "Muon"
  /// `AdamW`, for parameters of any shape.
  case adamW = "AdamW"
}
