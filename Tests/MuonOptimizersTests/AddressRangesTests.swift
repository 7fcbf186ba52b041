import Testing

@testable import MuonOptimizers

/// The sorted chunks against a list that is looked through from end to end.
struct AddressRangesTests {
  private struct Model {
    var entries: [(range: Range<UInt>, parameter: Int)] = []

    func owners(overlapping range: Range<UInt>) -> Set<Int> {
      Set(entries.filter { $0.range.overlaps(range) }.map(\.parameter))
    }
  }

  /// Ranges of any length, most of them overlapping others, many with the same start, or all of them.
  @Test(arguments: [(1, 100_000), (2, 500), (3, 1)] as [(UInt64, UInt)])
  func findWhatOverlaps(_ seed: UInt64, _ addresses: UInt) {
    var random = SplitMix64(state: seed)
    var ranges = AddressRanges()
    var model = Model()
    for parameter in 0..<3000 {
      let start = UInt.random(in: 0..<addresses, using: &random)
      let longest: UInt = parameter.isMultiple(of: 100) ? 1000 : 20
      let range = start..<(start + UInt.random(in: 0...longest, using: &random))
      let owner = AddressRanges.Owner(parameter: parameter, buffer: .gradient)
      ranges.insert(range, owner: owner)
      model.entries.append((range, parameter))
      if parameter.isMultiple(of: 2) {
        let gone = model.entries.remove(
          at: Int.random(in: model.entries.indices, using: &random))
        ranges.remove(
          gone.range, owner: AddressRanges.Owner(parameter: gone.parameter, buffer: .gradient))
      }
      let other = UInt.random(in: 0..<addresses, using: &random)
      let look = other..<(other + UInt.random(in: 0...20, using: &random))
      let found = ranges.owner(overlapping: look)?.parameter
      let expected = model.owners(overlapping: look)
      if let found { #expect(expected.contains(found)) } else { #expect(expected.isEmpty) }
    }
    for (range, parameter) in model.entries {
      ranges.remove(range, owner: AddressRanges.Owner(parameter: parameter, buffer: .gradient))
    }
    #expect(ranges.owner(overlapping: 0..<UInt.max) == nil)
  }
}
