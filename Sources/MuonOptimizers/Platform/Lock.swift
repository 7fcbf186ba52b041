internal import CMuonShims
internal import Glibc
internal import Synchronization

/// State that one thread at a time may use.
///
/// Not `Synchronization.Mutex`: that one knows a thread by a number kept in its memory, which a forked
/// child inherits from its parent, and then ends the process.
///
/// Unchecked: the state is only reached through the lock.
@safe
package final class Lock<State>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private var state: State
  /// The thread that is in `withLock`, or 0: by its `pthread_self`, which is the same in the child of a fork.
  private let holder = Atomic<UInt>(0)

  /// - Parameter heldAcrossForks: For the locks of the whole library: a fork waits for it, so that it
  ///   is free in the child.
  package init(_ state: State, heldAcrossForks: Bool = false) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(mutex, nil)
    if heldAcrossForks { unsafe muon_shim_hold_across_forks(mutex) }
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  package func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    holder.store(UInt(pthread_self()), ordering: .relaxed)
    defer {
      holder.store(0, ordering: .relaxed)
      unsafe pthread_mutex_unlock(mutex)
    }
    return try body(&state)
  }

  /// Whether this thread is in `withLock`, and would wait for itself there.
  package var isHeldByThisThread: Bool {
    holder.load(ordering: .relaxed) == UInt(pthread_self())
  }
}
