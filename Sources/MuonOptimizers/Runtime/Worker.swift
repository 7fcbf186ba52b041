internal import CMuonKernels
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
  private let thread = Thread()
  private let parking = Parking()
  private let team = unsafe Atomic<UnsafeRawPointer?>(nil)

  /// It goes only where the thread did not start, has ended, or is not in this process: it stayed behind in the
  /// parent.
  private init(number: Int) { self.number = number }

  /// `nil` where the system gives no further thread.
  static func start(number: Int) -> Worker? {
    let worker = Worker(number: number)
    // Not retained: the pool, or a team, keeps it.
    let hasStarted = unsafe worker.thread.start(
      with: Unmanaged.passUnretained(worker).toOpaque()
    ) { argument in
      guard let argument = unsafe argument else { return nil }
      unsafe Unmanaged<Worker>.fromOpaque(argument).takeUnretainedValue().work()
      return nil
    }
    return hasStarted ? worker : nil
  }

  /// Whether it has a lower priority than later teams may expect.
  var isTemporary: Bool { thread.isOfLowPriority }

  /// Puts the thread on these processors, if it is not there. That may be refused.
  func place(on processors: borrowing Processors) { thread.place(on: processors) }

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
    parking.wake { unsafe team.store(message, ordering: .releasing) }
  }

  private func work() {
    Thread.nameCurrent(number)
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
    return unsafe parking.wait { unsafe team.exchange(nil, ordering: .acquiring) }
  }
}
