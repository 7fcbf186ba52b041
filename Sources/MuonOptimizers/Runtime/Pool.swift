internal import Synchronization

/// The threads that help the host's, for the whole process. They are started when they are first
/// wanted and kept, parked, from step to step; those that a smaller number of threads leaves over stay
/// parked.
///
/// Nobody waits for a worker that is busy: who finds too few takes these, or goes on alone. So steps
/// that run at once, and a team inside a team, cannot wait for each other.
enum Pool {
  /// Workers that were taken together, chained by `next`.
  struct Crew {
    let first: Worker
    let count: Int
  }

  private struct State {
    /// The first of the chain of those that are free. The last to be given back is the first to be taken.
    var free: Worker?
    var started = 0
    /// Whether the system has just refused to start one.
    var isRefused = false
    let forks = Process.forks

    mutating func takeOne() -> Worker? {
      if let worker = free {
        free = worker.next
        return worker
      }
      guard started < Threads.mostWorkers - 1 else { return nil }
      guard let worker = Worker.start(number: started + 1) else {
        isRefused = true
        return nil
      }
      started += 1
      return worker
    }
  }
  private static let state = Lock(State(), heldAcrossForks: true)

  /// See `FirstUse`.
  static func prepare() { state.withLock { _ in } }

  /// Up to `wanted` workers, or `nil` where there is none to be had.
  static func take(_ wanted: Int) -> Crew? {
    let (crew, isRefused) = state.withLock { state in
      // A forked child has no worker yet, whatever its parent's were doing.
      if state.forks != Process.forks { state = State() }
      state.isRefused = false
      var crew: Crew? = nil
      while (crew?.count ?? 0) < wanted, let worker = state.takeOne() {
        worker.next = crew?.first
        crew = Crew(first: worker, count: (crew?.count ?? 0) + 1)
      }
      return (crew, state.isRefused)
    }
    if isRefused { sayFewer((crew?.count ?? 0) + 1, of: wanted + 1) }
    return crew
  }

  private static let hasSaidFewer = Atomic<Bool>(false)

  /// Once: it is likely to happen at every step.
  private static func sayFewer(_ size: Int, of workers: Int) {
    guard Log.wants(.warning), !hasSaidFewer.exchange(true, ordering: .relaxed) else { return }
    Log.write(
      .warning,
      "only \(size) of \(workers) threads could be started: steps take longer, with the same results"
    )
  }

  static func giveBack(_ crew: Crew) {
    state.withLock { state in
      var worker = Optional(crew.first)
      while let each = worker {
        worker = each.next
        if each.isTemporary {
          each.next = nil
          each.dismiss()
          state.started -= 1
        } else {
          each.next = state.free
          state.free = each
        }
      }
    }
  }
}
