internal import CMuonShims

/// A set of the machine's processors.
struct Processors {
  fileprivate var set = muon_shim_processors()

  /// How many this process may use, by its affinity mask and the quota of its control groups; 1 where that
  /// cannot be told.
  static var available: Int {
    let allowed = max(1, Int(muon_shim_allowed_processors()))
    return min(allowed, ControlGroups().quota ?? allowed)
  }

  var count: Int {
    Int(unsafe withUnsafePointer(to: set) { unsafe muon_shim_count_processors($0) })
  }

  /// Where threads that help this one may run: on the processors of the process, which are those of its main
  /// thread and of this one. `nil` where that cannot be told.
  static var ofWorkers: Processors? {
    var processors = Processors()
    return unsafe muon_shim_worker_processors(&processors.set) != 0 ? processors : nil
  }

  /// What this machine's have of the instructions that kernels are chosen by, for messages.
  static var features: String {
    let size = 128
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { text in
      guard let start = text.baseAddress else { return "" }
      unsafe muon_shim_cpu_features(start, size)
      return unsafe String(cString: start)
    }
  }
}

extension Processors {
  @unsafe
  func withPointer(_ body: (UnsafePointer<muon_shim_processors>) -> Void) {
    unsafe withUnsafePointer(to: set) { unsafe body($0) }
  }
}
