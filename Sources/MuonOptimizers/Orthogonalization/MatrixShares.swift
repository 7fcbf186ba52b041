/// How the members of a team share the matrices of a step: all of them work on the first ones together, one after the
/// other; then each takes one of the others at a time.
///
/// The order of sums in a matrix is the same either way.
struct MatrixShares {
  /// What a matrix asks of a team.
  struct Work {
    /// Of one member that works on it alone, in multiplications, about.
    let cost: Double
    /// Whether it would take too much memory to let every member have one like it.
    let isLarge: Bool
    /// Whether one member does nearly all of it in any case.
    let isUndivided: Bool

    /// Of each member of a team that works on it together.
    fileprivate func cost(of workers: Int) -> Double {
      isUndivided ? cost : cost / Double(workers) + MatrixShares.waiting
    }
  }

  /// Matrices of more elements are large: what it takes to orthogonalize one of so many is some 16 MiB.
  static var mostElements: Int { 1 << 20 }

  /// What it costs the members of a team to wait for each other some thirty times, in multiplications.
  static var waiting: Double { 2e8 }

  /// What each member would have to do. Kept, so that a step need not allocate.
  private var loads = Array(repeating: 0.0, count: Threads.mostWorkers)

  /// How many matrices, from the first on, are for all members together: up to the last large one, and of the others
  /// as many as let the team be done first, by an estimate.
  ///
  /// - Parameters:
  ///   - count: How many there are, the large ones first, and then the dearest.
  ///   - total: The cost of all of them.
  ///   - workers: How many members there are, from 1 to `Threads.mostWorkers`.
  mutating func countForAll(
    of count: Int, costing total: Double, by workers: Int, _ work: (Int) -> Work
  ) -> Int {
    guard workers > 1 else { return 0 }
    var (rest, first, cost) = (total, 0, 0.0)
    for next in 0..<count {
      cost += work(next).cost
      if work(next).isLarge { (rest, first) = (total - cost, next + 1) }
    }
    var (best, least) = (first, time(from: first, to: count, costing: rest, by: workers, work))
    var together = 0.0
    for next in first..<min(first + 4 * workers, count) {
      let (alone, shared) = (work(next).cost, work(next).cost(of: workers))
      // What is left cannot be done sooner than by all of them without a pause.
      let soonest = together + shared + (rest - alone) / Double(workers)
      guard shared < alone, soonest < least else { break }
      together += shared
      rest -= alone
      let time = together + self.time(from: next + 1, to: count, costing: rest, by: workers, work)
      if time < least { (best, least) = (next + 1, time) }
    }
    return best
  }

  /// When the last member is done with the rest, of which whoever is free takes the next. So many that they take a
  /// few rounds make no difference to it any more.
  private mutating func time(
    from first: Int, to count: Int, costing total: Double, by workers: Int, _ work: (Int) -> Work
  ) -> Double {
    for member in 0..<workers { loads[member] = 0 }
    for next in first..<min(first + 4 * workers, count) {
      var idlest = 0
      for member in 1..<workers where loads[member] < loads[idlest] { idlest = member }
      loads[idlest] += work(next).cost
    }
    return loads[..<workers].reduce(total / Double(workers), max)
  }
}
