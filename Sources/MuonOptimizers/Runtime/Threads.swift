/// The number of threads a step may use, for the whole process.
public enum Threads {
  /// The largest number that can be set; a step uses at most 32.
  public static let maximum = 1024

  /// More would not help one step, and OpenBLAS ends the process when too many threads are inside it.
  static let mostWorkers = 32

  private static let chosen = Lock<Int?>(nil, heldAcrossForks: true)

  /// See `FirstUse`.
  static func prepare() { chosen.withLock { _ in } }

  /// The number in force: what was set, or else `MUON_NUM_THREADS` in the environment at the first
  /// use, or else the number of processors this process may run on. A value there that is no whole number
  /// from 0, which is that default, to `maximum` is ignored, and `Log` says so.
  public static var count: Int {
    chosen.withLock { chosen in
      if let chosen { return chosen }
      let count = (environment.value ?? nil) ?? Processors.available
      chosen = count
      return count
    }
  }

  /// Sets the number, from 1 to `maximum`; `nil` goes back to the default.
  ///
  /// Results do not depend on it, to the bit.
  ///
  /// - Throws: `invalidArgument` for a number outside that range.
  public static func setCount(_ count: Int?) throws(MuonError) {
    if let count { try require(count, in: 1...maximum, "the number of threads") }
    chosen.withLock { $0 = count }
  }

  /// `MUON_NUM_THREADS`: the number, or `nil` for the default, which is 0 there.
  static var environment: EnvironmentSetting<Int?> {
    EnvironmentSetting(
      "MUON_NUM_THREADS",
      expected: "a whole number from 1 to \(maximum) is expected, or 0 for the default"
    ) { text in
      guard let count = Int(text), (0...maximum).contains(count) else { return nil }
      return .some(count == 0 ? nil : count)
    }
  }
}
