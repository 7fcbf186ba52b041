internal import CMuonKernels
internal import CMuonShims
internal import Glibc
internal import Synchronization

/// A thread of the pool. It is parked until it joins a team, and again when that is done.
///
/// It never ends: nothing of it runs while it is parked, not even at the end of the process. Only one that
/// had to take over the low priority of the thread that started it does, after the team it was started for.
///
/// Unchecked: it belongs to the pool's lock or to the team that took it, and what these write its
/// thread reads after it found `team`.
@safe
final class Worker: @unchecked Sendable {
  /// The next one of those that are free, or of the same team.
  var next: Worker?

  private let number: Int
  private var index = 0
  private var thread = pthread_t()
  /// Whether it has a lower priority than later teams may expect.
  private(set) var isTemporary = false
  /// The processors it was last put on.
  private let processors: UnsafeMutablePointer<muon_shim_processors>
  private let team = unsafe Atomic<UnsafeRawPointer?>(nil)
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let hasTeam: UnsafeMutablePointer<pthread_cond_t>

  private init(number: Int) {
    self.number = number
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(mutex, nil)
    unsafe hasTeam = .allocate(capacity: 1)
    unsafe hasTeam.initialize(to: pthread_cond_t())
    unsafe pthread_cond_init(hasTeam, nil)
    unsafe processors = .allocate(capacity: 1)
    unsafe processors.initialize(to: muon_shim_processors())
  }

  /// Only where the thread did not start, has ended, or is not in this process: it stayed behind in the
  /// parent.
  /// The mutex and the condition are not destroyed, for in a child they still count that thread, and
  /// would wait for it.
  deinit {
    unsafe mutex.deallocate()
    unsafe hasTeam.deallocate()
    unsafe processors.deallocate()
  }

  /// `nil` where the system gives no further thread.
  static func start(number: Int) -> Worker? {
    let worker = Worker(number: number)
    // Not retained: the pool, or a team, keeps it.
    let status = unsafe muon_shim_start_thread(
      &worker.thread,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Worker>.fromOpaque(argument).takeUnretainedValue().work()
        return nil
      }, Unmanaged.passUnretained(worker).toOpaque())
    guard status != 0 else { return nil }
    worker.isTemporary = status < 0
    pthread_detach(worker.thread)
    return worker
  }

  /// Puts the thread on these processors, if it is not there. That may be refused.
  func place(on set: UnsafePointer<muon_shim_processors>) {
    _ = unsafe muon_shim_place_thread(thread, set, processors)
  }

  /// Wakes the thread: it serves the team once, as this member.
  func join(_ team: UnsafePointer<Team>, as index: Int) {
    self.index = index
    unsafe wake(with: UnsafeRawPointer(team))
  }

  /// Ends the thread, which is parked or about to be.
  func dismiss() {
    // Kept by the thread from now on.
    unsafe wake(with: UnsafeRawPointer(Unmanaged.passRetained(self).toOpaque()))
  }

  private func wake(with message: UnsafeRawPointer) {
    unsafe pthread_mutex_lock(mutex)
    unsafe team.store(message, ordering: .releasing)
    unsafe pthread_cond_signal(hasTeam)
    unsafe pthread_mutex_unlock(mutex)
  }

  private func work() {
    muon_shim_name_thread(Int32(number))
    let itself = unsafe Unmanaged.passUnretained(self)
    while true {
      let team = unsafe waitForTeam()
      if unsafe team == UnsafeRawPointer(itself.toOpaque()) { break }
      unsafe team.assumingMemoryBound(to: Team.self).pointee.serve(as: index)
    }
    unsafe itself.release()
  }

  /// A step runs several teams one after the other, and the next often comes before it would pay to
  /// sleep: some microseconds.
  private static let spins = 200

  /// The pointer is taken away at once: the next team can come as soon as this one was served.
  private func waitForTeam() -> UnsafeRawPointer {
    for _ in 0..<Worker.spins {
      if unsafe team.load(ordering: .relaxed) != nil { break }
      muon_spin_hint()
    }
    if let found = unsafe team.exchange(nil, ordering: .acquiring) { return unsafe found }
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let found = unsafe team.exchange(nil, ordering: .acquiring) { return unsafe found }
      unsafe pthread_cond_wait(hasTeam, mutex)
    }
  }
}
