internal import CMuonKernels
internal import CMuonShims
internal import Glibc
internal import Synchronization

/// What every member of a team does, each on its thread.
///
/// Not a closure: to hand one to another thread takes an allocation in every step, also with
/// `withoutActuallyEscaping`. A value of the caller's can be pointed to.
protocol TeamWork: ~Copyable {
  func perform(by member: Team.Member)
}

extension TeamWork where Self: ~Copyable {
  fileprivate static func perform(at address: UnsafeRawPointer, by member: Team.Member) {
    unsafe address.assumingMemoryBound(to: Self.self).pointee.perform(by: member)
  }
}

/// Threads that go through the same work together: the caller's, and those the pool has to spare.
///
/// It is on the stack of the caller, who leaves after all others did.
@safe
struct Team: ~Copyable {
  /// A thread's place in its team.
  @safe
  struct Member {
    fileprivate let team: UnsafePointer<Team>?
    /// From 0; the caller's thread is 0.
    let index: Int

    fileprivate init(team: UnsafePointer<Team>?, index: Int) {
      unsafe self.team = unsafe team
      self.index = index
    }

    /// A team of one.
    static var alone: Member { unsafe Member(team: nil, index: 0) }

    /// Runs `body` once for each task from 0 to `tasks`. Every member of the team makes this call, and
    /// it returns when all tasks are done.
    func forEach(_ tasks: Int, _ body: (_ task: Int) -> Void) {
      guard let team = unsafe team else {
        for task in 0..<tasks { body(task) }
        return
      }
      while true {
        let task = unsafe team.pointee.next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard task < tasks else { break }
        body(task)
      }
      unsafe team.pointee.waitForAll()
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
    func waitForOthers() { unsafe team?.pointee.waitForAll() }
  }

  private let work: UnsafeRawPointer
  private let type: any (TeamWork & ~Copyable).Type
  private let size: Int
  /// The caller's rounding and its masks: results are those of one thread in any mode, and a worker
  /// may have started in another.
  private let environment: fenv_t
  /// Whether the caller would keep workers, which never are real-time threads, from its processor for as
  /// long as it waits for them.
  private let isCallerRealTime: Bool
  private let next = Atomic<Int>(0)
  private let arrived = Atomic<Int>(0)
  private let round = Atomic<Int>(0)
  /// The members that have set out.
  private let present = Atomic<Int>(0)
  /// The workers that will not touch the team again.
  private let left = Atomic<Int>(0)

  private init(_ work: UnsafeRawPointer, _ type: any (TeamWork & ~Copyable).Type, size: Int) {
    unsafe self.work = unsafe work
    self.type = type
    self.size = size
    var environment = fenv_t()
    unsafe fegetenv(&environment)
    self.environment = environment
    isCallerRealTime = muon_shim_is_real_time() != 0
  }

  /// Does the work on up to `workers` threads at the same time, of which the caller's is one.
  static func run<Work: TeamWork & ~Copyable>(workers: Int, _ work: borrowing Work) {
    guard workers > 1, let crew = Pool.take(workers - 1) else { return work.perform(by: .alone) }
    unsafe withUnsafePointer(to: work) { work in
      let team = unsafe Team(work, Work.self, size: crew.count + 1)
      unsafe withUnsafePointer(to: team) { team in
        // Not on the caller's: where the threads of others spin on all the rest, as torch's do after
        // each of its own parallel regions, the system may put a woken one there, to wait or be waited for.
        var processors = muon_shim_processors()
        let isKnown = unsafe muon_shim_processors_beside(&processors) != 0
        var (worker, index) = (Optional(crew.first), 1)
        while let member = worker {
          if isKnown { unsafe member.place(on: &processors) }
          unsafe member.join(team, as: index)
          (worker, index) = (member.next, index + 1)
        }
        unsafe team.pointee.present.wrappingAdd(1, ordering: .relaxed)
        unsafe work.pointee.perform(by: Member(team: team, index: 0))
        unsafe team.pointee.waitForWorkersToLeave()
      }
    }
    Pool.giveBack(crew)
  }

  /// A worker's part.
  borrowing func serve(as index: Int) {
    present.wrappingAdd(1, ordering: .relaxed)
    var environment = environment
    unsafe fesetenv(&environment)
    // Without the caller's traps: their signal is blocked here, and would end the process.
    unsafe feholdexcept(&environment)
    unsafe withUnsafePointer(to: self) { team in
      unsafe type.perform(at: work, by: Member(team: team, index: index))
    }
    left.wrappingAdd(1, ordering: .releasing)
  }

  private borrowing func waitForAll() {
    let now = round.load(ordering: .relaxed)
    if arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == size {
      next.store(0, ordering: .relaxed)
      arrived.store(0, ordering: .relaxed)
      round.store(now + 1, ordering: .releasing)
    } else {
      spin { round.load(ordering: .acquiring) != now }
    }
  }

  private borrowing func waitForWorkersToLeave() {
    spin { left.load(ordering: .acquiring) == size - 1 }
  }

  /// Waits without sleeping at first: the others are nearly done. Not for long before all have set out:
  /// the system may have put the woken one and the one that woke it on the same processor.
  private borrowing func spin(until condition: () -> Bool) {
    var tries = 0
    while !condition() {
      tries += 1
      if tries < (present.load(ordering: .relaxed) < size ? 256 : 4096) {
        muon_spin_hint()
      } else if isCallerRealTime {
        usleep(20)
      } else {
        sched_yield()
      }
    }
  }
}

extension Team {
  /// How many threads are worth their while for work of so many multiplications: to wake one and to wait
  /// for it costs as much as a million of them or two.
  static func sensibleSize(forCost cost: Double) -> Int {
    cost < 1e7 ? 1 : min(Threads.count, Threads.mostWorkers)
  }
  /// The same for passes over memory.
  static func sensibleSize(forElements count: Int) -> Int {
    count < 4 * Member.part ? 1 : min(Threads.count, Threads.mostWorkers)
  }
}
