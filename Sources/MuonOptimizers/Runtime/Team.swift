internal import CMuonKernels
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

    /// How many the team has.
    var teamSize: Int { unsafe team?.pointee.size ?? 1 }

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

    /// Runs `body` for all parts of so many things, each of `size` things but the last, like `forEach`.
    func forEachPart(of count: Int, each size: Int, _ body: (_ part: Range<Int>) -> Void) {
      forEach((count + size - 1) / size) { number in
        body(number * size..<min((number + 1) * size, count))
      }
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
  private let environment = FloatingPointEnvironment()
  private let next = Atomic<Int>(0)
  private let arrived = Atomic<Int>(0)
  private let round = Atomic<UInt32>(0)
  /// Those that sleep until the round ends.
  private let sleepers = Atomic<Int>(0)
  /// Whether there are as many processors as members.
  private let hasProcessors: Bool
  /// How many waits are to be short, since a long one was in vain.
  private let doubts = Atomic<Int>(0)
  /// The members that have set out.
  private let present = Atomic<Int>(0)
  /// The workers that will not touch the team again.
  private let left = Atomic<UInt32>(0)

  private init(
    _ work: UnsafeRawPointer, _ type: any (TeamWork & ~Copyable).Type, size: Int,
    hasProcessors: Bool
  ) {
    unsafe self.work = unsafe work
    self.type = type
    self.size = size
    self.hasProcessors = hasProcessors
  }

  /// Does the work on up to `workers` threads at the same time, of which the caller's is one.
  static func run<Work: TeamWork & ~Copyable>(workers: Int, _ work: borrowing Work) {
    guard workers > 1, let crew = Pool.take(workers - 1) else { return work.perform(by: .alone) }
    unsafe withUnsafePointer(to: work) { work in
      let (size, processors) = (crew.count + 1, Processors.ofWorkers)
      let team = unsafe Team(
        work, Work.self, size: size, hasProcessors: size <= processors?.count ?? 0)
      unsafe withUnsafePointer(to: team) { team in
        var (worker, index) = (Optional(crew.first), 1)
        while let member = worker {
          if let processors { member.place(on: processors) }
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
    environment.applyWithoutTraps()
    unsafe withUnsafePointer(to: self) { team in
      unsafe type.perform(at: work, by: Member(team: team, index: index))
    }
    // The caller may be gone, and the team with it, as soon as this is known: its address is not read.
    let address = unsafe Futex.address(of: left)
    left.wrappingAdd(1, ordering: .releasing)
    unsafe Futex.wakeSleepers(at: address)
  }

  private borrowing func waitForAll() {
    let now = round.load(ordering: .relaxed)
    if arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == size {
      next.store(0, ordering: .relaxed)
      arrived.store(0, ordering: .relaxed)
      round.store(now &+ 1, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        Futex.wakeSleepers(on: round)
      }
    } else if !spin(until: { round.load(ordering: .acquiring) != now }) {
      sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
      while round.load(ordering: .sequentiallyConsistent) == now {
        Futex.sleep(on: round, while: now)
      }
      sleepers.wrappingSubtract(1, ordering: .relaxed)
    }
  }

  private borrowing func waitForWorkersToLeave() {
    let all = UInt32(size - 1)
    if spin(until: { left.load(ordering: .acquiring) == all }) { return }
    while true {
      let now = left.load(ordering: .acquiring)
      if now == all { return }
      Futex.sleep(on: left, while: now)
    }
  }

  /// Whether it comes soon, while this thread spins: the others are nearly done.
  ///
  /// To be woken takes some 50 µs, as long as what the members of a team do between two waits where a matrix is of
  /// middle size; so it pays to spin for as long. But one of the others may have no processor, because somebody
  /// else's threads spin there, as torch's do after each of its parallel regions, or because it was put where this
  /// one is. Then this one had better sleep: the system moves the other to this one's processor. So the spinning is
  /// short before all have set out, where there are fewer processors than members, and for some waits after a long
  /// one was in vain.
  private borrowing func spin(until condition: () -> Bool) -> Bool {
    guard hasProcessors, present.load(ordering: .relaxed) == size else {
      return spin(for: Self.impatience, until: condition)
    }
    let doubts = doubts.load(ordering: .relaxed)
    if doubts > 0 {
      self.doubts.store(doubts - 1, ordering: .relaxed)
      return spin(for: Self.impatience, until: condition)
    }
    if spin(for: Self.patience, until: condition) { return true }
    self.doubts.store(Self.mostDoubts, ordering: .relaxed)
    return false
  }

  /// In nanoseconds.
  private static var patience: Int { 100_000 }
  private static var impatience: Int { 5_000 }
  private static var mostDoubts: Int { 16 }

  private borrowing func spin(for time: Int, until condition: () -> Bool) -> Bool {
    var end: Int? = nil
    while true {
      for _ in 0..<32 {
        if condition() { return true }
        muon_spin_hint()
      }
      let now = Clock.nanoseconds
      if let end, now >= end { return false }
      end = end ?? now + time
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
