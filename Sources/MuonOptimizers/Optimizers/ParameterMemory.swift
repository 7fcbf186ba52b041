/// Where the buffers of an optimizer's parameters are: what its steps write must overlap nothing else.
///
/// Gradients, which steps only read, may overlap one another. They move at every step of some hosts, so
/// that one that moved is looked at only when other memory is claimed.
struct ParameterMemory {
  typealias Owner = AddressRanges.Owner

  private struct Gradient {
    /// What `gradientRanges` has for it.
    var range: Range<UInt> = 0..<0
    /// Whether it may be elsewhere by now.
    var hasMoved = false
  }

  private var written = AddressRanges()
  private var gradientRanges = AddressRanges()
  /// By parameter.
  private var gradients: [Gradient] = []
  /// The parameters whose gradient has moved.
  private var moved: [Int] = []

  /// Who writes memory that overlaps a range.
  func writer(overlapping range: Range<UInt>) -> Owner? { written.owner(overlapping: range) }

  /// Claims a range for a buffer that steps write. Returns whose memory it overlaps, if any; it is not
  /// claimed then.
  ///
  /// - Parameter gradient: Where the gradient of a parameter is; an empty range if there is none.
  mutating func claim(
    _ range: Range<UInt>, for owner: Owner, gradient: (Int) -> Range<UInt>
  ) -> Owner? {
    if let other = written.owner(overlapping: range) { return other }
    for parameter in moved { update(gradient(parameter), ofParameter: parameter) }
    moved.removeAll(keepingCapacity: true)
    while let other = gradientRanges.owner(overlapping: range) {
      // Swift's parameters let go of a gradient without a word to the optimizer.
      let now = gradient(other.parameter)
      guard now != gradients[other.parameter].range else { return other }
      update(now, ofParameter: other.parameter)
    }
    written.insert(range, owner: owner)
    return nil
  }

  mutating func release(_ range: Range<UInt>, of owner: Owner) {
    written.remove(range, owner: owner)
  }

  /// Says that the gradient of a parameter, which may be a new last one, can be elsewhere from now on.
  mutating func gradientMoved(ofParameter parameter: Int) {
    if parameter == gradients.count { gradients.append(Gradient()) }
    guard !gradients[parameter].hasMoved else { return }
    gradients[parameter].hasMoved = true
    moved.append(parameter)
  }

  /// Forgets the gradient of the last parameter, which is no more.
  mutating func removeLastGradient() {
    let last = gradients.count - 1
    update(0..<0, ofParameter: last)
    gradients.removeLast()
    moved.removeAll { $0 == last }
  }

  private mutating func update(_ range: Range<UInt>, ofParameter parameter: Int) {
    let owner = Owner(parameter: parameter, buffer: .gradient)
    gradientRanges.remove(gradients[parameter].range, owner: owner)
    gradientRanges.insert(range, owner: owner)
    gradients[parameter] = Gradient(range: range)
  }
}
