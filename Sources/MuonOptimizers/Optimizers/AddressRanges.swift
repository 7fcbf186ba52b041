/// Ranges of memory that must not overlap, with the names of their owners.
struct AddressRanges {
  private var sorted: [(range: Range<UInt>, owner: String)] = []

  static func range(_ memory: UnsafeMutableBufferPointer<Float>) -> Range<UInt> {
    let start = UInt(bitPattern: memory.baseAddress)
    return start..<(start + UInt(memory.count * MemoryLayout<Float>.stride))
  }

  /// The owner of a range that shares an address with this one.
  func owner(overlapping range: Range<UInt>) -> String? {
    guard !range.isEmpty else { return nil }
    let next = firstIndex(endingAfter: range.lowerBound)
    guard next < sorted.count, sorted[next].range.lowerBound < range.upperBound else { return nil }
    return sorted[next].owner
  }

  /// Adds a range that overlaps none.
  mutating func insert(_ range: Range<UInt>, owner: String) {
    guard !range.isEmpty else { return }
    sorted.insert((range, owner), at: firstIndex(endingAfter: range.lowerBound))
  }

  mutating func remove(_ range: Range<UInt>) {
    let index = firstIndex(endingAfter: range.lowerBound)
    if index < sorted.count, sorted[index].range == range { sorted.remove(at: index) }
  }

  private func firstIndex(endingAfter address: UInt) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = low + (high - low) / 2
      if sorted[middle].range.upperBound > address { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
