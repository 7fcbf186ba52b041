/// What `step` does with NaN or infinity in a gradient.
public enum NonFinitePolicy: Hashable, Sendable {
  /// It throws `MuonError.Code.nonFiniteGradient`, and nothing has changed.
  case error
  /// It leaves the whole step out and counts it in `skippedSteps`; nothing else has changed.
  case skip
  /// It goes on: the parameter will have NaN in it.
  case propagate
}
