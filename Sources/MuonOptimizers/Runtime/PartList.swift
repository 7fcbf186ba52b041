/// Several arrays as one list of work for a team: parts that are passes over memory. Nobody waits between
/// one array and the next.
struct PartList {
  private var counts: [Int] = []
  /// By array: how many parts there are up to its end.
  private var ends: [Int] = []
  private(set) var elements = 0

  mutating func reserveCapacity(_ arrays: Int) {
    counts.reserveCapacity(arrays)
    ends.reserveCapacity(arrays)
  }

  mutating func removeAll() {
    counts.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    elements = 0
  }

  mutating func append(_ count: Int) {
    counts.append(count)
    ends.append((ends.last ?? 0) + (count + Team.Member.part - 1) / Team.Member.part)
    elements += count
  }

  /// How many parts there are.
  var count: Int { ends.last ?? 0 }

  /// The number of the part of an array that begins at an offset, counted over all arrays.
  func number(_ array: Int, _ offset: Int) -> Int {
    (array == 0 ? 0 : ends[array - 1]) + offset / Team.Member.part
  }

  /// Runs `body` for all parts of all arrays; arrays count from 0, in the order they were appended. All
  /// members of a team call it together.
  func forEach(
    by member: Team.Member, _ body: (_ array: Int, _ offset: Int, _ count: Int) -> Void
  ) {
    var array = 0
    member.forEach(count) { number in
      // A member's parts come in order.
      while ends[array] <= number { array += 1 }
      let first = array == 0 ? 0 : ends[array - 1]
      let offset = (number - first) * Team.Member.part
      body(array, offset, min(Team.Member.part, counts[array] - offset))
    }
  }
}
