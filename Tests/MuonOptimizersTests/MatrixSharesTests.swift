import Foundation
import Testing

@testable import MuonOptimizers

/// Which matrices of a step all threads work on together.
struct MatrixSharesTests {
  private typealias Work = MatrixShares.Work

  private func work(_ cost: Double, isLarge: Bool = false, isUndivided: Bool = false) -> Work {
    Work(cost: cost, isLarge: isLarge, isUndivided: isUndivided)
  }

  private func forAll(_ all: [Work], by workers: Int) -> Int {
    var shares = MatrixShares()
    let total = all.reduce(0) { $0 + $1.cost }
    return shares.countForAll(of: all.count, costing: total, by: workers) { all[$0] }
  }

  private func forAll(_ costs: [Double], by workers: Int) -> Int {
    forAll(costs.map { work($0) }, by: workers)
  }

  @Test func oneThreadSharesNothing() {
    #expect(forAll([work(8e9, isLarge: true), work(1e9)], by: 1) == 0)
  }

  @Test func equalOnesAreDealtOutAndTheOddOnesAreForAll() {
    for (count, workers, expected) in [
      (2, 2, 0), (3, 2, 1), (4, 2, 0), (5, 2, 1), (1, 2, 1), (1, 32, 1), (8, 8, 0), (9, 8, 1),
      (12, 8, 4), (31, 32, 0), (100, 32, 4), (100, 2, 0),
    ] {
      let costs = Array(repeating: 3.2e9, count: count)
      #expect(forAll(costs, by: workers) == expected, "\(count) by \(workers)")
    }
  }

  /// Small ones fill what an odd one leaves over.
  @Test func aDearOneAmongManyIsForOne() {
    #expect(forAll([8e8] + Array(repeating: 1e8, count: 8), by: 2) == 0)
    #expect(forAll([8e8] + Array(repeating: 1e8, count: 2), by: 2) == 1)
  }

  /// To wait for each other would take them longer than the matrix takes one.
  @Test func smallOnesAreForOne() {
    for workers in [2, 8, 32] {
      #expect(forAll([1e8], by: workers) == 0)
      #expect(forAll(Array(repeating: 1.5e6, count: 7), by: workers) == 0)
      #expect(forAll([Double](), by: workers) == 0)
    }
  }

  /// Their memory is what large ones are shared for, wherever the order has them.
  @Test func largeOnesAreForAll() {
    #expect(forAll([work(1, isLarge: true)], by: 2) == 1)
    let large = work(2e9, isLarge: true)
    #expect(forAll([large, large, work(1e9), work(1e9)], by: 2) == 2)
    #expect(forAll([work(3e9), work(3e9), large, work(1e9), work(1e9)], by: 2) == 3)
    let undivided = work(2e9, isLarge: true, isUndivided: true)
    #expect(forAll([undivided, work(1e9), work(1e9)], by: 2) == 1)
  }

  /// By LAPACK one member works and the others wait.
  @Test func whatCannotBeDividedIsForOne() {
    let undivided = work(8e9, isUndivided: true)
    #expect(forAll([undivided], by: 8) == 0)
    #expect(forAll([undivided, undivided, undivided], by: 2) == 0)
  }

  /// When the team is done if the first `forAll` are for all, and whoever is free takes the next of the others.
  private func time(_ costs: [Double], forAll: Int, by workers: Int) -> Double {
    var loads = Array(repeating: 0.0, count: workers)
    for cost in costs[forAll...] {
      let idlest = loads.indices.min { loads[$0] < loads[$1] } ?? 0
      loads[idlest] += cost
    }
    let together = costs[..<forAll].reduce(0) { $0 + $1 / Double(workers) + MatrixShares.waiting }
    return together + (loads.max() ?? 0)
  }

  /// Against all that could be done.
  @Test func theTeamIsDoneNearlyAsSoonAsItCanBe() {
    var generator = SplitMix64(state: 5)
    for round in 0..<400 {
      let workers = [2, 3, 4, 8, 16, 32][round % 6]
      let count = Int.random(in: 1...3 * workers, using: &generator)
      let costs = (0..<count).map { _ in
        exp2(Double.random(in: 24...33, using: &generator))
      }.sorted(by: >)
      let best = (0...count).map { time(costs, forAll: $0, by: workers) }.min() ?? 0
      let found = time(costs, forAll: forAll(costs, by: workers), by: workers)
      #expect(found <= 1.001 * best, "\(costs) by \(workers): \(found / best)")
    }
  }
}
