internal import CMuonKernels

/// What becomes of denormal numbers, those below `Float.leastNormalMagnitude`, in this thread; afterwards
/// it is as it was before.
enum Denormals {
  /// They are zeros: arithmetic with them would be several times slower.
  @inline(__always)
  static func flushed<Result>(_ body: () -> Result) -> Result {
    let before = muon_denormals_flush()
    defer { muon_denormals_restore(before) }
    return body()
  }

  /// They are numbers, where it is them that count.
  @inline(__always)
  static func kept<Result>(_ body: () -> Result) -> Result {
    let before = muon_denormals_keep()
    defer { muon_denormals_restore(before) }
    return body()
  }

  /// They are numbers unless `flushed`, which they are already.
  @inline(__always)
  static func kept<Result>(unless flushed: Bool, _ body: () -> Result) -> Result {
    flushed ? body() : kept(body)
  }
}
