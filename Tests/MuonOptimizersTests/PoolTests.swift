import Foundation
import Synchronization
import Testing

@testable import MuonOptimizers

/// Teams of the pool's threads. What they do in a host's process is in Tests/integration/threads.c.
struct PoolTests {
  /// Every member takes part in every round, and sees what the others did in the one before.
  private struct Rounds: TeamWork, ~Copyable {
    let count: Int
    let members = Atomic<Int>(0)
    let tasks = Atomic<Int>(0)
    let isBehind = Atomic<Bool>(false)

    func perform(by member: Team.Member) {
      members.wrappingAdd(1, ordering: .relaxed)
      for round in 0..<count {
        member.forEach(5) { _ in tasks.wrappingAdd(1, ordering: .relaxed) }
        if tasks.load(ordering: .relaxed) != 5 * (round + 1) {
          isBehind.store(true, ordering: .relaxed)
        }
        member.waitForOthers()
      }
    }
  }

  private static func rounds(_ count: Int, workers: Int) -> Int {
    let work = Rounds(count: count)
    Team.run(workers: workers, work)
    let tasks = work.tasks.load(ordering: .relaxed)
    let isBehind = work.isBehind.load(ordering: .relaxed)
    #expect(tasks == 5 * count && !isBehind, "\(tasks) tasks in \(count) rounds")
    return work.members.load(ordering: .relaxed)
  }

  @Test func teamsOfEverySize() async {
    await #expect(processExitsWith: .success) {
      for workers in [1, 2, 3, 7, 32, 2, 1, 4] {
        for count in [0, 1, 20] { #expect(PoolTests.rounds(count, workers: workers) == workers) }
      }
      // No more than the pool has.
      #expect(PoolTests.rounds(3, workers: 1000) == 32)
    }
  }

  /// Teams inside a team, more than there are workers for: each takes what is free.
  private struct Nested: TeamWork, ~Copyable {
    let depth: Int
    let members = Atomic<Int>(0)

    func perform(by member: Team.Member) {
      members.wrappingAdd(1, ordering: .relaxed)
      if depth > 0 {
        let inner = Nested(depth: depth - 1)
        Team.run(workers: 8, inner)
        let found = inner.members.load(ordering: .relaxed)
        #expect((1...8).contains(found))
      }
      member.waitForOthers()
    }
  }

  @Test func teamsInsideATeam() async {
    await #expect(processExitsWith: .success) {
      for _ in 0..<10 {
        let outer = Nested(depth: 2)
        Team.run(workers: 8, outer)
        let found = outer.members.load(ordering: .relaxed)
        #expect(found == 8)
      }
      // All of them came back.
      #expect(PoolTests.rounds(3, workers: 32) == 32)
    }
  }

  @Test func teamsAtOnce() async {
    await #expect(processExitsWith: .success) {
      let done = DispatchSemaphore(value: 0)
      for _ in 0..<6 {
        Thread.detachNewThread {
          for round in 0..<50 {
            let found = PoolTests.rounds(3, workers: 2 + round % 12)
            #expect((1...13).contains(found))
          }
          done.signal()
        }
      }
      for _ in 0..<6 { done.wait() }
      #expect(PoolTests.rounds(3, workers: 32) == 32)
    }
  }
}
