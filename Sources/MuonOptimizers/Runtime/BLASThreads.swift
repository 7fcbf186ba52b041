internal import COpenBLAS
internal import Synchronization

/// Keeps OpenBLAS on one thread while the library computes, and gives it back as it was.
///
/// OpenBLAS's number of threads belongs to the whole process, and several optimizers may step at
/// once: the first to come notes the host's number, the last to go restores it.
enum BLASThreads {
  private struct State {
    var users = 0
    var hostCount: Int32 = 1
  }
  private static let state = Mutex(State())

  static func single<Result>(_ body: () -> Result) -> Result {
    state.withLock { state in
      if state.users == 0 {
        state.hostCount = openblas_get_num_threads()
        if state.hostCount != 1 { openblas_set_num_threads(1) }
      }
      state.users += 1
    }
    defer {
      state.withLock { state in
        state.users -= 1
        if state.users == 0, state.hostCount != 1 { openblas_set_num_threads(state.hostCount) }
      }
    }
    return body()
  }
}
