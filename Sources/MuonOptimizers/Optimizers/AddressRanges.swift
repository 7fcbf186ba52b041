/// Ranges of memory and whose they are, for a look whether another one overlaps any.
///
/// - Complexity: A look, an insertion and a removal take the time of a binary search and of a pass over
///   one chunk of at most 128 ranges.
struct AddressRanges {
  /// A buffer of a parameter, which is known by its index in the optimizer.
  struct Owner {
    let parameter: Int
    let buffer: ParameterBuffer
  }

  private struct Entry {
    let range: Range<UInt>
    let owner: Owner

    func precedes(_ other: Entry) -> Bool {
      (range.lowerBound, owner.parameter) < (other.range.lowerBound, other.owner.parameter)
    }
  }

  /// Neighbours in the order of their first addresses; never empty.
  private struct Chunk {
    var entries: [Entry]
    /// The largest end in this chunk and in all before it.
    var reach: UInt = 0
  }

  private var chunks: [Chunk] = []
  private static let chunkCapacity = 128

  /// The owner of a range that shares an address with this one.
  func owner(overlapping range: Range<UInt>) -> Owner? {
    guard !range.isEmpty else { return nil }
    var end = chunks.partitioningIndex { $0.entries[0].range.lowerBound >= range.upperBound }
    while end > 0, chunks[end - 1].reach > range.lowerBound {
      end -= 1
      if let entry = chunks[end].entries.last(where: { $0.range.overlaps(range) }) {
        return entry.owner
      }
    }
    return nil
  }

  /// Adds a range; an empty one overlaps none, and is left out.
  mutating func insert(_ range: Range<UInt>, owner: Owner) {
    guard !range.isEmpty else { return }
    let entry = Entry(range: range, owner: owner)
    guard !chunks.isEmpty else {
      chunks = [Chunk(entries: [entry], reach: range.upperBound)]
      return
    }
    let index = max(0, firstChunk(after: entry) - 1)
    let place = chunks[index].entries.partitioningIndex { !$0.precedes(entry) }
    chunks[index].entries.insert(entry, at: place)
    if chunks[index].entries.count > Self.chunkCapacity { split(index) }
    updateReach(from: index)
  }

  /// Removes a range of an owner; does nothing where there is no such range.
  mutating func remove(_ range: Range<UInt>, owner: Owner) {
    guard !range.isEmpty else { return }
    let entry = Entry(range: range, owner: owner)
    let index = firstChunk(after: entry) - 1
    guard index >= 0 else { return }
    let place = chunks[index].entries.partitioningIndex { !$0.precedes(entry) }
    guard place < chunks[index].entries.count, chunks[index].entries[place].range == range,
      chunks[index].entries[place].owner.parameter == owner.parameter
    else { return }
    chunks[index].entries.remove(at: place)
    if chunks[index].entries.isEmpty { chunks.remove(at: index) }
    updateReach(from: index)
  }

  private func firstChunk(after entry: Entry) -> Int {
    chunks.partitioningIndex { entry.precedes($0.entries[0]) }
  }

  private mutating func split(_ index: Int) {
    let half = chunks[index].entries.count / 2
    let upper = Array(chunks[index].entries[half...])
    chunks[index].entries.removeSubrange(half...)
    chunks.insert(Chunk(entries: upper), at: index + 1)
  }

  /// After a change of the chunk at `first` and perhaps of the next one.
  private mutating func updateReach(from first: Int) {
    for index in chunks.indices[min(first, chunks.count)...] {
      var reach = index > 0 ? chunks[index - 1].reach : 0
      for entry in chunks[index].entries { reach = max(reach, entry.range.upperBound) }
      if reach == chunks[index].reach, index > first + 1 { return }
      chunks[index].reach = reach
    }
  }
}

extension Array {
  /// The index of the first element that belongs to the second part, where the array is partitioned so
  /// that `belongsInSecondPart` is false for all of the first part and true for all after it.
  fileprivate func partitioningIndex(where belongsInSecondPart: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = low + (high - low) / 2
      if belongsInSecondPart(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
