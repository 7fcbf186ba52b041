internal import CMuonKernels
internal import Glibc

/// A thread's rounding, its masks of exceptions, and what becomes of denormal numbers.
struct FloatingPointEnvironment {
  private var environment = fenv_t()

  /// Of this thread.
  init() { unsafe fegetenv(&environment) }

  /// Gives it to this thread, but traps nothing: the signal may be blocked here, and would end the process.
  func applyWithoutTraps() {
    var environment = environment
    unsafe fesetenv(&environment)
    unsafe feholdexcept(&environment)
  }

  /// No exception of this thread traps meanwhile, and those that there are are forgotten.
  @inline(__always)
  static func withoutTraps<Result>(_ body: () -> Result) -> Result {
    let before = muon_exceptions_mask()
    defer { muon_exceptions_restore(before) }
    return body()
  }
}
