/// Which rank works out each of several matrices: the longest processing time first.
///
/// In whole numbers, and from shapes alone, so that all ranks make the same plan without a word to each other. The
/// dearest goes to the rank with the least to do; among equals the first goes to the first. The load of the busiest
/// is at most 4/3 - 1/(3P) times that of the best plan for P ranks: R. L. Graham, "Bounds on multiprocessing timing
/// anomalies", 1969.
package struct OwnerPlan {
  /// By number of the matrix: its rank.
  private(set) var owners: [Int]
  /// The numbers in the order in which results are shared: the first of each rank, the second of each, and so on; a
  /// rank's own from the dearest on.
  private(set) var order: [Int]

  /// - Parameters:
  ///   - costs: Each at least 0; sums that leave 63 bits count as the largest number.
  ///   - loads: What each rank has to do besides, at least 0; there is at least one.
  init(costs: [Int], loads: [Int]) {
    owners = costs.map { _ in 0 }
    var dealt = loads.map { _ in 0 }
    var loads = RankLoads(loads)
    var waves = owners
    for number in costs.indices.sorted(by: { (-costs[$0], $0) < (-costs[$1], $1) }) {
      let rank = loads.give(costs[number])
      owners[number] = rank
      waves[number] = dealt[rank]
      dealt[rank] += 1
    }
    order = costs.indices.sorted { [owners] in (waves[$0], owners[$0]) < (waves[$1], owners[$1]) }
  }

  /// The owners, for what a caller has counted.
  ///
  /// - Throws: `invalidArgument` for a number below 0, and for no or too many ranks.
  package static func owners(costs: [Int], loads: [Int]) throws(MuonError) -> [Int] {
    try require(loads.count, in: 1...Ranks.most, "the number of ranks")
    for (what, numbers) in [("cost", costs), ("load", loads)] {
      for (index, number) in numbers.enumerated() {
        try require(number, in: 0...Int.max, "\(what) \(index)")
      }
    }
    return OwnerPlan(costs: costs, loads: loads).owners
  }

  init(costs: [Int], ranks: Int) {
    self.init(costs: costs, loads: Array(repeating: 0, count: ranks))
  }

  /// Of matrices of these shapes, each so many times.
  static func cost(_ shapes: some Sequence<Shape>, times: Int, steps: Int) -> Int {
    shapes.reduce(0) { sum, shape in
      let one = cost(rows: shape.rows, columns: shape.columns, steps: steps)
      let (total, overflow) = sum.addingReportingOverflow(product(one, times))
      return overflow ? .max : total
    }
  }

  /// In floating-point operations, for one step: X Xᵀ and the square of that, of each of which one triangle is worked
  /// out, and a product with X.
  static func cost(rows: Int, columns: Int, steps: Int) -> Int {
    let (short, long) = (min(rows, columns), max(rows, columns))
    let (inner, first) = long.multipliedReportingOverflow(by: 3)
    let (sum, second) = inner.addingReportingOverflow(short)
    return first || second ? .max : product(product(short, short), product(sum, max(steps, 1)))
  }

  private static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? .max : product
  }
}

/// What ranks have to do: a binary heap, the first of the least loaded on top.
private struct RankLoads {
  private var heap: [(load: Int, rank: Int)]

  /// What is in order is a heap.
  init(_ loads: [Int]) { heap = loads.enumerated().map { ($1, $0) }.sorted { $0 < $1 } }

  /// Gives work to the first of the least loaded ranks, and says which it is.
  mutating func give(_ cost: Int) -> Int {
    let rank = heap[0].rank
    let (load, overflow) = heap[0].load.addingReportingOverflow(cost)
    heap[0].load = overflow ? .max : load
    var place = 0
    while true {
      var least = place
      for child in 2 * place + 1...2 * place + 2
      where child < heap.count && heap[child] < heap[least] {
        least = child
      }
      if least == place { return rank }
      heap.swapAt(place, least)
      place = least
    }
  }
}
