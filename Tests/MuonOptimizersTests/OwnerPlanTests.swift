import Testing

@testable import MuonOptimizers

/// Who works out which matrix.
struct OwnerPlanTests {
  private func loads(_ costs: [Int], _ plan: OwnerPlan, ranks: Int) -> [Int] {
    var loads = Array(repeating: 0, count: ranks)
    for (number, owner) in plan.owners.enumerated() { loads[owner] += costs[number] }
    return loads
  }

  /// Costs up to a bound, the same in every run.
  private func costs(seed: UInt64, count: Int, upTo bound: Int) -> [Int] {
    var generator = SplitMix64(state: seed)
    return (0..<count).map { _ in Int.random(in: 1...bound, using: &generator) }
  }

  @Test func eachMatrixIsSharedOnceByItsOwner() {
    for ranks in [1, 2, 3, 7, 64, 1000, 1024] {
      let costs = costs(seed: UInt64(ranks), count: 500, upTo: 50)
      let plan = OwnerPlan(costs: costs, ranks: ranks)
      #expect(plan.owners.allSatisfy { (0..<ranks).contains($0) })
      #expect(plan.order.sorted() == Array(costs.indices))
      #expect(OwnerPlan(costs: costs, ranks: ranks).owners == plan.owners)
      // The ranks take turns, and each goes from its dearest on.
      var dealt = Array(repeating: 0, count: ranks)
      var last = (wave: 0, rank: -1)
      var dearest = Array(repeating: Int.max, count: ranks)
      for number in plan.order {
        let rank = plan.owners[number]
        #expect(last < (dealt[rank], rank))
        #expect(costs[number] <= dearest[rank])
        last = (dealt[rank], rank)
        dearest[rank] = costs[number]
        dealt[rank] += 1
      }
    }
  }

  /// From 1 to 1024 ranks: a plain search for the least loaded comes to the same.
  @Test func theDearestGoesToTheFirstOfTheLeastLoaded() {
    let all = costs(seed: 4, count: 300, upTo: 9)
    for ranks in 1...1024 {
      let costs = Array(all.prefix(ranks > 64 ? 40 : all.count))
      let plan = OwnerPlan(costs: costs, ranks: ranks)
      var (loads, owners) = (Array(repeating: 0, count: ranks), costs)
      for cost in (1...9).reversed() {
        for number in costs.indices where costs[number] == cost {
          let least = loads.min() ?? 0
          owners[number] = loads.firstIndex(of: least) ?? 0
          loads[owners[number]] += cost
        }
      }
      #expect(plan.owners == owners, "\(ranks) ranks")
    }
  }

  /// The load of the busiest rank in the best plan, by trying all of them.
  private func optimum(_ costs: ArraySlice<Int>, _ loads: [Int], _ best: Int = .max) -> Int {
    guard let cost = costs.first else { return loads.max() ?? 0 }
    var best = best
    for rank in loads.indices {
      // Ranks with the same load are alike.
      guard !loads[..<rank].contains(loads[rank]), loads[rank] + cost < best else { continue }
      var loads = loads
      loads[rank] += cost
      best = min(best, optimum(costs.dropFirst(), loads, best))
    }
    return best
  }

  @Test func isAsNearTheOptimumAsItsBound() {
    var worst = 0.0
    for seed in 1...200 {
      let ranks = 2 + seed % 4
      let costs = costs(seed: UInt64(seed), count: 5 + seed % 6, upTo: 30).sorted(by: >)
      let best = optimum(costs[...], Array(repeating: 0, count: ranks))
      let most = loads(costs, OwnerPlan(costs: costs, ranks: ranks), ranks: ranks).max() ?? 0
      let ratio = Double(most) / Double(best)
      worst = max(worst, ratio)
      #expect(ratio <= 4.0 / 3 - 1 / (3 * Double(ranks)) + 1e-12)
    }
    #expect(worst > 1, "no set was hard")
    // Graham's own, where the bound is reached: 2P - 1, 2P - 1, ..., P + 1, P + 1, P, P, P.
    let graham = [5, 5, 4, 4, 3, 3, 3]
    #expect(loads(graham, OwnerPlan(costs: graham, ranks: 3), ranks: 3).max() == 11)
    #expect(optimum(graham[...], [0, 0, 0]) == 9)
  }

  @Test func balancesModelsAsItWasComputed() {
    func llama(_ layers: Int, _ width: Int, _ keys: Int, _ inner: Int) -> [[Int]] {
      let layer = [
        [width, width], [keys, width], [keys, width], [width, width], [inner, width],
        [inner, width], [width, inner],
      ]
      return (0..<layers).flatMap { _ in layer }
    }
    let gpt2 = (0..<12).flatMap { _ in [[2304, 768], [768, 768], [3072, 768], [768, 3072]] }
    let models: [(shapes: [[Int]], efficiencies: [Int: Double])] = [
      (gpt2, [8: 0.984, 32: 0.750, 64: 0.577]),
      (llama(16, 2048, 512, 8192), [8: 1, 32: 0.912, 64: 0.912]),
      (llama(32, 4096, 4096, 11008), [8: 1, 32: 1, 64: 0.976]),
      (llama(32, 4096, 1024, 14336), [8: 1, 32: 1, 64: 0.933]),
    ]
    for model in models {
      let costs = model.shapes.map { OwnerPlan.cost(rows: $0[0], columns: $0[1], steps: 5) }
      for (ranks, expected) in model.efficiencies {
        let most = loads(costs, OwnerPlan(costs: costs, ranks: ranks), ranks: ranks).max() ?? 0
        let efficiency = Double(costs.reduce(0, +)) / Double(ranks) / Double(most)
        #expect(abs(efficiency - expected) <= 0.001, "\(ranks) ranks: \(efficiency)")
      }
    }
  }

  @Test func costsAreWholeNumbersThatDoNotOverflow() {
    #expect(OwnerPlan.cost(rows: 2, columns: 3, steps: 5) == 5 * (3 * 4 * 3 + 8))
    #expect(OwnerPlan.cost(rows: 3, columns: 2, steps: 5) == 5 * (3 * 4 * 3 + 8))
    #expect(OwnerPlan.cost(rows: 0, columns: 9, steps: 5) == 0)
    // An exact backend has no steps.
    #expect(OwnerPlan.cost(rows: 2, columns: 2, steps: 0) == 32)
    #expect(OwnerPlan.cost(rows: 1 << 40, columns: 1 << 40, steps: 5) == .max)
    let plan = OwnerPlan(costs: [.max, .max, .max, 1], ranks: 2)
    #expect(plan.owners == [0, 1, 0, 0])
    #expect(OwnerPlan(costs: [], ranks: 3).order == [])
  }
}
