internal import CMuonShims
internal import Glibc

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
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&state)
  }
}
