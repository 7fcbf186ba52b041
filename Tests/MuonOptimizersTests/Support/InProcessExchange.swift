import Foundation
import Synchronization

@testable import MuonOptimizers

/// Ranks that are threads of this process.
@safe
final class Room: Sendable {
  /// A rank's exchange.
  @safe
  final class Seat: Exchange {
    let rank, rankCount: Int
    private let room: Room
    private var posted: [(owner: Int, data: UnsafeMutableRawBufferPointer)]
    /// Calls that were made, in their order.
    private(set) var calls: [String] = []
    /// The bytes that were shared, of all ranks.
    private(set) var bytes = 0
    /// The number of the call that fails, from 0.
    var failing: Int?

    fileprivate init(_ rank: Int, in room: Room) {
      (self.rank, self.room, rankCount) = (rank, room, room.count)
      unsafe posted = []
    }

    private func note(_ call: String) throws {
      calls.append(call)
      if failing == calls.count - 1 {
        room.leave()
        throw MuonError(.io, "a cable was cut")
      }
    }

    func agree(_ values: inout [Int64]) throws {
      try note("agree")
      values = try room.highest(values, rank)
    }

    func share(_ data: UnsafeMutableRawBufferPointer, from owner: Int) throws {
      try note("share")
      unsafe posted.append((owner, data))
      bytes += data.count
    }

    func finish() throws {
      try note("finish")
      let all = unsafe posted
      unsafe posted = []
      for index in unsafe all.indices {
        try unsafe room.copy(all[index].data, from: all[index].owner, rank)
      }
    }
  }

  struct LeftError: Error, CustomStringConvertible {
    var description: String { "another rank has left" }
  }

  private struct State {
    var values: [[Int64]]
    var arrived = 0
    var round = 0
    var highest: [Int64] = []
    /// By address: where a rank has what is copied.
    var source: UInt = 0
    var hasLeft = false
  }

  let count: Int
  private let condition = NSCondition()
  private let state: Mutex<State>

  init(_ count: Int) {
    self.count = count
    state = Mutex(State(values: Array(repeating: [], count: count)))
  }

  func seat(_ rank: Int) -> Seat { Seat(rank, in: self) }

  /// From now on nobody can agree.
  func leave() {
    condition.lock()
    state.withLock { $0.hasLeft = true }
    condition.broadcast()
    condition.unlock()
  }

  /// Waits for all ranks. The last to come runs `body`.
  private func meet(_ arrive: (inout State) -> Void, last body: (inout State) -> Void) throws {
    condition.lock()
    defer { condition.unlock() }
    let (round, isLast) = state.withLock { state in
      arrive(&state)
      state.arrived += 1
      return (state.round, state.arrived == count)
    }
    if isLast {
      state.withLock { state in
        body(&state)
        state.arrived = 0
        state.round += 1
      }
      condition.broadcast()
    }
    while state.withLock({ $0.round == round }) {
      guard !state.withLock({ $0.hasLeft }) else { throw LeftError() }
      condition.wait()
    }
  }

  fileprivate func highest(_ values: [Int64], _ rank: Int) throws -> [Int64] {
    try meet {
      $0.values[rank] = values
    } last: { state in
      let counts = Set(state.values.map(\.count))
      precondition(counts.count == 1, "ranks come with \(counts) values")
      state.highest = state.values.reduce(values) { zip($0, $1).map(max) }
    }
    let result = state.withLock { $0.highest }
    // Nobody goes on before all have read it.
    try meet { _ in
    } last: { _ in
    }
    return result
  }

  fileprivate func copy(
    _ data: UnsafeMutableRawBufferPointer, from owner: Int, _ rank: Int
  ) throws {
    let address = UInt(bitPattern: data.baseAddress)
    try meet {
      if rank == owner { $0.source = address }
    } last: { _ in
    }
    let source = state.withLock { $0.source }
    if rank != owner, let from = unsafe UnsafeRawPointer(bitPattern: source) {
      unsafe data.copyMemory(from: UnsafeRawBufferPointer(start: from, count: data.count))
    }
    try meet { _ in
    } last: { _ in
    }
  }

  /// Runs `body` for each rank on a thread of its own; what it returns, by rank.
  static func run<Result: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Room.Seat) throws -> Result
  ) throws -> [Result] {
    let room = Room(count)
    let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
    let group = DispatchGroup()
    for rank in 0..<count {
      group.enter()
      let thread = Thread {
        let result = Swift.Result { try body(room.seat(rank)) }
        if case .failure = result { room.leave() }
        results.withLock { $0[rank] = result }
        group.leave()
      }
      thread.stackSize = 1 << 20
      thread.start()
    }
    group.wait()
    return try results.withLock { results in
      try (0..<count).compactMap { try results[$0]?.get() }
    }
  }
}
