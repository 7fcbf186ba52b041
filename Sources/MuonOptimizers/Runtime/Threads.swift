internal import CMuonShims
internal import Glibc
internal import Synchronization

/// The number of threads a step may use, for the whole process.
public enum Threads {
  /// The largest number that can be set; a step uses at most 32.
  public static let maximum = 1024

  /// More would not help one step, and OpenBLAS ends the process when too many threads are inside it.
  static let mostWorkers = 32

  private static let chosen = Lock<Int?>(nil, heldAcrossForks: true)

  /// The number in force: what was set, or else `MUON_NUM_THREADS` in the environment at the first
  /// use, or else the number of processors this process may run on.
  public static var count: Int {
    chosen.withLock { chosen in
      if let chosen { return chosen }
      let count = fromEnvironment() ?? Int(muon_shim_available_processors())
      chosen = count
      return count
    }
  }

  /// Sets the number, from 1 to `maximum`; `nil` goes back to the default.
  ///
  /// Results do not depend on it, to the bit.
  public static func setCount(_ count: Int?) throws(MuonError) {
    if let count { try require(count, in: 1...maximum, "the number of threads") }
    chosen.withLock { $0 = count }
  }

  private static func fromEnvironment() -> Int? {
    guard let text = unsafe getenv("MUON_NUM_THREADS"),
      let count = Int(unsafe String(cString: text)), (1...maximum).contains(count)
    else { return nil }
    return count
  }
}

/// Runs `body(task, worker)` once for each task from 0 to `tasks`, on up to `workers` threads.
///
/// Worker numbers are below `workers`, and no two tasks run under one of them at the same time. The
/// caller's thread is worker 0. The others live for the call only, so that there is nothing to mend
/// after a fork and nothing left behind; they take no signals. Where a thread cannot be had, the
/// rest do its work.
func forEachTask(_ tasks: Int, workers: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
  let workers = min(workers, tasks)
  guard workers > 1 else {
    for task in 0..<tasks { body(task, 0) }
    return
  }
  withoutActuallyEscaping(body) { body in
    let crew = Crew(tasks: tasks, body: body)
    let threads = (1..<workers).map { crew.start(worker: $0) }
    crew.work(as: 0)
    for case .some(let thread) in threads { pthread_join(thread, nil) }
  }
}

/// One call's tasks, handed out one by one.
///
/// Unchecked: `body` is called from several threads, which is what `forEachTask` promises its caller.
private final class Crew: @unchecked Sendable {
  private let tasks: Int
  private let next = Atomic<Int>(0)
  private let body: (Int, Int) -> Void

  init(tasks: Int, body: @escaping (Int, Int) -> Void) {
    self.tasks = tasks
    self.body = body
  }

  func work(as worker: Int) {
    while true {
      let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard task < tasks else { return }
      body(task, worker)
    }
  }

  func start(worker: Int) -> pthread_t? {
    var everySignal = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&everySignal)
    unsafe pthread_sigmask(SIG_SETMASK, &everySignal, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

    let member = unsafe Unmanaged.passRetained(Member(crew: self, worker: worker))
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let member = unsafe Unmanaged<Member>.fromOpaque(argument).takeRetainedValue()
        member.crew.work(as: member.worker)
        return nil
      }, member.toOpaque())
    guard status == 0 else {
      unsafe member.release()
      return nil
    }
    return thread
  }

  private final class Member {
    let crew: Crew
    let worker: Int

    init(crew: Crew, worker: Int) {
      self.crew = crew
      self.worker = worker
    }
  }
}
