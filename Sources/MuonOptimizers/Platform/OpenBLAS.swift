internal import CMuonShims

/// OpenBLAS, which backend `svd` alone needs, for LAPACK. It is loaded then, once for the process.
enum OpenBLAS {
  typealias Functions = muon_shim_openblas

  /// The largest extent a matrix may have: LAPACK counts in 32-bit integers.
  static let maximumExtent = Int(Int32.max)

  private enum State {
    case absent
    /// By a thread of the process that had seen so many forks.
    case loading(forks: UInt32)
    case loaded(Functions)
  }
  /// Not locked while OpenBLAS is loaded: what that does waits for a fork to end, which waits for locks.
  private static let state = Lock(State.absent, heldAcrossForks: true)

  /// See `FirstUse`.
  static func prepare() { state.withLock { _ in } }

  /// Its functions, where it is loaded.
  static var loaded: Functions? {
    state.withLock {
      guard case .loaded(let functions) = $0 else { return nil }
      return functions
    }
  }

  /// Loads it where it is not yet.
  ///
  /// - Throws: `unsupported` where it is not to be had, `outOfMemory`. The next call tries again.
  static func load() throws(MuonError) -> Functions {
    while true {
      let found = try state.withLock { state throws(MuonError) -> State in
        if case .absent = state {
          state = .loading(forks: Process.forks)
          return .absent
        }
        if case .loading(let forks) = state, forks != Process.forks {
          throw MuonError(
            .unsupported,
            "OpenBLAS cannot be used in this process: when it was forked, another thread was just "
              + "loading OpenBLAS")
        }
        return state
      }
      switch found {
      case .loaded(let functions): return functions
      case .loading: Process.pause(microseconds: 200)
      case .absent:
        let result = find()
        state.withLock { state in
          if case .success(let functions) = result {
            state = .loaded(functions)
          } else {
            state = .absent
          }
        }
        return try result.get()
      }
    }
  }

  private static func find() -> Result<Functions, MuonError> {
    var functions = Functions()
    let size = 512
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { text in
      guard let problem = text.baseAddress else { return .failure(MuonError(.outOfMemory, "")) }
      unsafe problem.pointee = 0
      guard muon_shim_wait_at_exit() != 0 else { return .failure(outOfMemory("")) }
      guard muon_shim_enter_openblas() != 0 else { return .failure(isEnding) }
      defer { muon_shim_leave_openblas() }
      let status = unsafe muon_shim_find_openblas(&functions, problem, size)
      let reason = unsafe String(cString: problem)
      switch status {
      case MUON_SHIM_OPENBLAS_FOUND:
        return .success(functions)
      case MUON_SHIM_OPENBLAS_NO_MEMORY:
        return .failure(outOfMemory(reason))
      case MUON_SHIM_OPENBLAS_MISSING:
        return .failure(
          MuonError(
            .unsupported,
            "backend svd needs OpenBLAS, which is not there: \(reason); it is in the package "
              + "libopenblas0 of Debian and Ubuntu"))
      default:
        return .failure(
          MuonError(
            .unsupported, "backend svd needs OpenBLAS, which could not be loaded: \(reason)"))
      }
    }
  }

  private static func outOfMemory(_ reason: String) -> MuonError {
    MuonError(
      .outOfMemory,
      "out of memory: OpenBLAS could not be loaded\(reason.isEmpty ? "" : ": " + reason)")
  }

  private static var isEnding: MuonError {
    MuonError(
      .unsupported,
      "backend svd cannot be used any more: the process is ending, and OpenBLAS with it")
  }

  /// Does with it what `svd` needs, on this thread and those that help it: loads it, says what is wrong with it,
  /// and keeps it there, should another thread end the process meanwhile.
  static func use(_ body: () throws(MuonError) -> Void) throws(MuonError) {
    _ = try load()
    Log.introduceOpenBLAS()
    // Threads that are new to it get memory of their own, for which nobody can say no.
    try requireMemory(for: 1, each: 1 << 20)
    guard muon_shim_enter_openblas() != 0 else { throw isEnding }
    defer { muon_shim_leave_openblas() }
    try body()
  }

  /// The core its kernels are for.
  static func core(_ functions: Functions) -> String {
    unsafe functions.corename().map { unsafe String(cString: $0) } ?? ""
  }

  /// Its version, and how it was built.
  static func configuration(_ functions: Functions) -> String {
    unsafe functions.config().map { unsafe String(cString: $0) } ?? ""
  }
}
