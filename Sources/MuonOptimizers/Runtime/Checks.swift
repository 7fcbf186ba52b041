// The range checks of options, each with its error text.

/// Whether a number is finite after it was rounded to float32. The conversion alone would tell, but may be
/// trapped: half a unit past the largest one, rounding leads to infinity.
func isFiniteInFloat(_ value: Double) -> Bool {
  abs(value) < 0x1.ffff_ffp+127 && Float(value).isFinite
}

/// Requires a number of at least 0 that float32 can hold.
func requireNonNegative(_ value: Double, _ name: String) throws(MuonError) {
  guard value >= 0, isFiniteInFloat(value) else {
    throw MuonError(
      .invalidArgument, "\(name) must be finite in float32 and at least 0, got \(value)")
  }
}

/// Requires a number in [0, 1), also after it was rounded to float32.
func requireDecayRate(_ value: Double, _ name: String) throws(MuonError) {
  guard value >= 0, value < 1, Float(value) < 1 else {
    throw MuonError(
      .invalidArgument, "\(name) must be at least 0 and less than 1 in float32, got \(value)")
  }
}

/// Requires a number in [0, 1].
func requireFraction(_ value: Double, _ name: String) throws(MuonError) {
  guard value >= 0, value <= 1 else {
    throw MuonError(.invalidArgument, "\(name) must be from 0 to 1, got \(value)")
  }
}

/// Requires an integer in a range.
func require(_ value: Int, in range: ClosedRange<Int>, _ name: String) throws(MuonError) {
  guard range.contains(value) else {
    throw MuonError(
      .invalidArgument,
      "\(name) must be from \(range.lowerBound) to \(range.upperBound), got \(value)")
  }
}

/// Requires that an index is one of `count` things, counted from 0.
package func requireIndex(_ index: Int, count: Int, _ name: String) throws(MuonError) {
  guard index >= 0, index < count else {
    throw MuonError(.invalidArgument, "there is no \(name) \(index): there are \(count)")
  }
}
