internal import Synchronization

/// What the library has to say besides errors. It prints nothing: it is silent until a handler is set.
public enum Log {
  /// How much a message matters; each level includes the ones before it.
  public enum Level: Int, CaseIterable, Sendable {
    /// A call failed for a reason that its caller could not have seen coming.
    case error = 1
    /// Something was left out, ignored, or runs slower than it could.
    case warning
    /// What the library runs with, once.
    case info
  }

  /// Takes a message. It is called on the thread whose call gave rise to it, when that call is about to
  /// return and holds nothing: it may call the library, but what that would say is dropped.
  public typealias Handler = @Sendable (_ level: Level, _ message: String) -> Void

  /// Sets who is told, in the whole process, of messages up to a level; `nil` for nobody.
  ///
  /// Each handler hears once how the library runs and what is wrong with that, when the next optimizer
  /// is made or a matrix is orthogonalized.
  ///
  /// When this returns, the handler before it is not running on any other thread and will not be called
  /// again. (From inside a handler it does not wait for that.) Do not hold anything then that the handler
  /// before waits for.
  public static func setHandler(upTo level: Level = .warning, _ handler: Handler?) {
    let next = handler.map { Receiver(level, $0) }
    let before = state.withLock { state in
      defer {
        state.receiver = next
        wanted.store(next == nil ? 0 : level.rawValue, ordering: .relaxed)
        introduced.store(false, ordering: .relaxed)
        introducedOpenBLAS.store(false, ordering: .relaxed)
      }
      return state.receiver
    }
    guard let before, !ThreadLog.current.isInside else { return }
    while state.withLock({ _ in before.isRunning }) { Process.pause(microseconds: 100) }
  }

  /// A handler, and how many threads are in it; used under the lock.
  private final class Receiver {
    let level: Level
    let handler: Handler
    private var running = 0
    private var forks = Process.forks

    init(_ level: Level, _ handler: @escaping Handler) {
      self.level = level
      self.handler = handler
    }

    var isRunning: Bool {
      noteFork()
      return running > 0
    }

    func begin() {
      noteFork()
      running += 1
    }

    func end() {
      noteFork()
      running = max(0, running - 1)
    }

    /// The threads that were in it when the process was forked are not in the child.
    private func noteFork() {
      if forks != Process.forks { (forks, running) = (Process.forks, 0) }
    }
  }

  private struct State {
    var receiver: Receiver? = nil
  }
  private static let state = Lock(State(), heldAcrossForks: true)
  /// The receiver's level, 0 for none: all that is looked at where nobody is told.
  private static let wanted = Atomic<Int>(0)
  /// Whether the receiver has heard how the library runs.
  private static let introduced = Atomic<Bool>(false)
  /// Whether it has heard what is wrong with OpenBLAS, or that nothing is.
  private static let introducedOpenBLAS = Atomic<Bool>(false)

  /// See `FirstUse`.
  static func prepare() { state.withLock { _ in } }

  /// What a thread has to say when it holds nothing any more.
  private final class Pending {
    var messages: [(level: Level, text: String)] = []
  }
}

// MARK: - Saying something

extension Log {
  static func wants(_ level: Level) -> Bool { level.rawValue <= wanted.load(ordering: .relaxed) }

  /// Says something when the outermost `holding` of this thread ends.
  static func write(_ level: Level, _ text: @autoclosure () -> String) {
    guard wants(level) else { return }
    let thread = ThreadLog.current
    guard !thread.isInside else { return }
    holding {
      let pending: Pending
      if let kept = thread.pending(Pending.self) {
        pending = kept
      } else {
        pending = Pending()
        thread.keep(pending)
      }
      pending.messages.append((level, text().escapingControls))
    }
  }

  /// Keeps back what `body` says until it is over, and with it all that it holds.
  package static func holding<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let thread = ThreadLog.current
    thread.held += 1
    defer {
      thread.held -= 1
      if thread.held == 0, let pending = thread.takePending(Pending.self) {
        thread.isInside = true
        tell(pending)
        thread.isInside = false
      }
    }
    return try body()
  }

  private static func tell(_ pending: Pending) {
    for (level, text) in pending.messages {
      let receiver = state.withLock { state -> Receiver? in
        guard let receiver = state.receiver, level.rawValue <= receiver.level.rawValue
        else { return nil }
        receiver.begin()
        return receiver
      }
      guard let receiver else { continue }
      receiver.handler(level, text)
      state.withLock { _ in receiver.end() }
    }
  }

  /// Says once to each handler how the library runs.
  static func introduce() {
    guard wants(.error), !introduced.exchange(true, ordering: .relaxed) else { return }
    write(.info, BuildInfo.description)
    for warning in Setup.warnings { write(.warning, warning) }
    if OpenBLAS.loaded != nil { introduceOpenBLAS() }
  }

  /// Says once to each handler what is wrong with OpenBLAS, which is loaded.
  static func introduceOpenBLAS() {
    guard wants(.warning), !introducedOpenBLAS.exchange(true, ordering: .relaxed) else { return }
    if let warning = Setup.slowOpenBLAS { write(.warning, warning) }
  }
}
