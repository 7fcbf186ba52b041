internal import CMuonKernels
internal import CMuonShims
internal import Glibc
internal import Synchronization

/// A thread of the pool. It is parked until it joins a team, and again when that is done.
///
/// It never ends: nothing of it runs while it is parked, not even at the end of the process.
///
/// Unchecked: it belongs to the pool's lock or to the team that took it, and what these write its
/// thread reads after it found `team`.
@safe
final class Worker: @unchecked Sendable {
  /// The next one of those that are free, or of the same team.
  var next: Worker?

  private let number: Int
  private var index = 0
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
  }

  /// Only where the thread did not start, or is not in this process: it stayed behind in the parent.
  /// The mutex and the condition are not destroyed, for in a child they still count that thread, and
  /// would wait for it.
  deinit {
    unsafe mutex.deallocate()
    unsafe hasTeam.deallocate()
  }

  /// `nil` where the system gives no further thread.
  static func start(number: Int) -> Worker? {
    // The host's signals are for the host's threads; a thread starts with the mask of its creator.
    var everySignal = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&everySignal)
    unsafe pthread_sigmask(SIG_SETMASK, &everySignal, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

    let worker = Worker(number: number)
    var thread = pthread_t()
    // Not retained: the pool, or a team, keeps it.
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Worker>.fromOpaque(argument).takeUnretainedValue().work()
      }, Unmanaged.passUnretained(worker).toOpaque())
    guard status == 0 else { return nil }
    pthread_detach(thread)
    return worker
  }

  /// Wakes the thread: it serves the team once, as this member.
  func join(_ team: UnsafePointer<Team>, as index: Int) {
    self.index = index
    unsafe pthread_mutex_lock(mutex)
    unsafe self.team.store(UnsafeRawPointer(team), ordering: .releasing)
    unsafe pthread_mutex_unlock(mutex)
    unsafe pthread_cond_signal(hasTeam)
  }

  private func work() -> Never {
    muon_shim_name_thread(Int32(number))
    while true {
      let team = unsafe waitForTeam()
      unsafe team.assumingMemoryBound(to: Team.self).pointee.serve(as: index)
    }
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
