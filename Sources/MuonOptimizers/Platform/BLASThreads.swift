internal import CMuonShims

/// Keeps OpenBLAS on one thread while the library computes, and gives it back as it was.
///
/// OpenBLAS's number of threads belongs to the whole process, and several optimizers may step at
/// once: the first to come notes the host's number, the last to go restores it.
enum BLASThreads {
  private struct State {
    var users = 0
    var hostCount: Int32 = 1
    let forks = Process.forks
  }
  private static let state = Lock(State(), heldAcrossForks: true)

  /// See `FirstUse`.
  static func prepare() { state.withLock { _ in } }

  static func single<Result>(_ blas: OpenBLAS.Functions, _ body: () -> Result) -> Result {
    state.withLock { state in
      if state.forks != Process.forks {
        // The steps that were under way when this process was forked have no thread here.
        if state.users > 0 { blas.set_threads(state.hostCount) }
        state = State()
      }
      if state.users == 0 {
        state.hostCount = blas.get_threads()
        if state.hostCount != 1 { blas.set_threads(1) }
      }
      state.users += 1
    }
    defer {
      state.withLock { state in
        state.users -= 1
        if state.users == 0, state.hostCount != 1 { blas.set_threads(state.hostCount) }
      }
    }
    return body()
  }
}
