/// What `step` does with NaN or infinity in a gradient.
public enum NonFinitePolicy: Hashable, Sendable {
  /// It throws `MuonError.Code.nonFiniteGradient`, and nothing has changed.
  case error
  /// It leaves the whole step out and counts it in `skippedSteps`; nothing else has changed.
  case skip
  /// It goes on: the parameter will have NaN in it.
  case propagate
}

/// Whether no element is NaN or infinity. No branch in the loop, so that it is vectorized.
@unsafe
func isFinite(_ floats: UnsafePointer<Float>, count: Int) -> Bool {
  var highest: UInt32 = 0
  for i in 0..<count {
    highest = max(highest, unsafe floats[i].bitPattern & 0x7fff_ffff)
  }
  return highest < Float.infinity.bitPattern
}
