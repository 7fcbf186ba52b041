/// What `step` does with NaN or infinity in a gradient, and with a gradient by which the state would come to
/// have it: a momentum, or g² of `AdamW`, past the largest number. State that has it already counts as well;
/// parameters do not.
public enum NonFinitePolicy: String, CaseIterable, Sendable {
  /// It throws `MuonError.Code.nonFiniteGradient`, and nothing has changed.
  case error
  /// It leaves the whole step out and counts it in `skippedSteps`; nothing else has changed.
  case skip
  /// It goes on: the parameter will have NaN in it.
  case propagate
}
