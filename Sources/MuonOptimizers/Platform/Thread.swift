internal import CMuonShims
internal import Glibc

/// A thread of the library's own: it blocks all signals and is scheduled as the main thread is.
///
/// It may outlive this object, which is only what others reach it by.
@safe
final class Thread {
  private var thread = pthread_t()
  /// Whether it had to take over the low priority of the thread that started it.
  private(set) var isOfLowPriority = false
  /// The processors it was last put on.
  private let processors: UnsafeMutablePointer<muon_shim_processors>

  init() {
    unsafe processors = .allocate(capacity: 1)
    unsafe processors.initialize(to: muon_shim_processors())
  }

  deinit { unsafe processors.deallocate() }

  /// Starts it. `false` where the system gives no further thread.
  func start(
    with argument: UnsafeMutableRawPointer?,
    _ run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
  ) -> Bool {
    let status = unsafe muon_shim_start_thread(&thread, run, argument)
    guard status != 0 else { return false }
    isOfLowPriority = status < 0
    pthread_detach(thread)
    return true
  }

  /// Puts it on these processors, if it is not there. That may be refused.
  func place(on set: borrowing Processors) {
    unsafe set.withPointer { _ = unsafe muon_shim_place_thread(thread, $0, processors) }
  }

  /// Names the thread that calls this muon-1, muon-2 ..., as debuggers and top show it.
  static func nameCurrent(_ number: Int) { muon_shim_name_thread(Int32(number)) }
}

/// A place where a thread waits until another has something for it.
///
/// Unchecked: it is what threads share.
@safe
final class Parking: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(mutex, nil)
    unsafe condition = .allocate(capacity: 1)
    unsafe condition.initialize(to: pthread_cond_t())
    unsafe pthread_cond_init(condition, nil)
  }

  /// They are not destroyed, for in the child of a fork they still count the thread that waits in the parent,
  /// and would wait for it.
  deinit {
    unsafe mutex.deallocate()
    unsafe condition.deallocate()
  }

  /// Does what a waiting thread waits for, and wakes it.
  func wake(after change: () -> Void) {
    unsafe pthread_mutex_lock(mutex)
    change()
    unsafe pthread_cond_signal(condition)
    unsafe pthread_mutex_unlock(mutex)
  }

  /// Waits until `take` finds something.
  func wait<Found>(for take: () -> Found?) -> Found {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let found = take() { return found }
      unsafe pthread_cond_wait(condition, mutex)
    }
  }
}
