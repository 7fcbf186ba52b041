internal import CMuonKernels
internal import Glibc
internal import Synchronization

/// Threads that go through the same work together. Where a thread cannot be had, the others do its
/// work.
///
/// They live for one step only, so that there is nothing to mend after a fork and nothing left behind.
/// They take no signals.
///
/// Unchecked: what is not atomic is written before the others start.
final class Team: @unchecked Sendable {
  /// A thread's place in its team.
  struct Member {
    fileprivate let team: Team?
    /// From 0; the caller's thread is 0.
    let index: Int

    /// A team of one.
    static let alone = Member(team: nil, index: 0)

    /// Runs `body` once for each task from 0 to `tasks`. Every member of the team makes this call, and
    /// it returns when all tasks are done.
    func forEach(_ tasks: Int, _ body: (_ task: Int) -> Void) {
      guard let team else {
        for task in 0..<tasks { body(task) }
        return
      }
      while true {
        let task = team.next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard task < tasks else { break }
        body(task)
      }
      team.waitForAll()
    }

    /// What one thread takes at a time of work that is a pass over memory.
    static let part = 1 << 18

    /// Runs `body(offset, count)` for all parts of so many elements, like `forEach`.
    func forEachPart(of elements: Int, _ body: (_ offset: Int, _ count: Int) -> Void) {
      forEach((elements + Self.part - 1) / Self.part) { number in
        let offset = number * Self.part
        body(offset, min(Self.part, elements - offset))
      }
    }

    /// Returns when every member of the team has made this call.
    func waitForOthers() { team?.waitForAll() }
  }

  private let body: (Member) -> Void
  private var size = 0
  private let started = Atomic<Bool>(false)
  private let next = Atomic<Int>(0)
  private let arrived = Atomic<Int>(0)
  private let round = Atomic<Int>(0)

  private init(body: @escaping (Member) -> Void) { self.body = body }

  /// Runs `body` on up to `workers` threads at the same time.
  static func run(workers: Int, _ body: (Member) -> Void) {
    guard workers > 1 else { return body(.alone) }
    withoutActuallyEscaping(body) { body in
      let team = Team(body: body)
      var threads: [pthread_t] = []
      for index in 1..<workers {
        guard let thread = team.start(index: index) else { break }
        threads.append(thread)
      }
      team.size = threads.count + 1
      team.started.store(true, ordering: .releasing)
      body(Member(team: team, index: 0))
      for thread in threads { pthread_join(thread, nil) }
      if team.size < workers { sayFewer(team.size, of: workers) }
    }
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

  private func waitForAll() {
    let now = round.load(ordering: .relaxed)
    if arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == size {
      next.store(0, ordering: .relaxed)
      arrived.store(0, ordering: .relaxed)
      round.store(now + 1, ordering: .releasing)
    } else {
      Team.spin { round.load(ordering: .acquiring) != now }
    }
  }

  /// Waits without sleeping at first: the others are nearly done.
  private static func spin(until condition: () -> Bool) {
    var tries = 0
    while !condition() {
      tries += 1
      if tries < 4096 { muon_spin_hint() } else { sched_yield() }
    }
  }

  private func start(index: Int) -> pthread_t? {
    var everySignal = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&everySignal)
    unsafe pthread_sigmask(SIG_SETMASK, &everySignal, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

    let recruit = unsafe Unmanaged.passRetained(Recruit(team: self, index: index))
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let recruit = unsafe Unmanaged<Recruit>.fromOpaque(argument).takeRetainedValue()
        Team.spin { recruit.team.started.load(ordering: .acquiring) }
        recruit.team.body(Member(team: recruit.team, index: recruit.index))
        return nil
      }, recruit.toOpaque())
    guard status == 0 else {
      unsafe recruit.release()
      return nil
    }
    return thread
  }

  private final class Recruit {
    let team: Team
    let index: Int

    init(team: Team, index: Int) {
      self.team = team
      self.index = index
    }
  }
}

extension Team {
  /// How many threads are worth their while for work of so many multiplications: starting one costs as
  /// much as a million of them or two.
  static func sensibleSize(forCost cost: Double) -> Int {
    cost < 1e7 ? 1 : min(Threads.count, Threads.mostWorkers)
  }
  /// The same for passes over memory.
  static func sensibleSize(forElements count: Int) -> Int {
    count < 4 * Member.part ? 1 : min(Threads.count, Threads.mostWorkers)
  }
}
