internal import CMuonKernels
internal import CMuonShims
internal import Glibc

/// The instructions in use.
enum CPU {
  /// What the processor has of the instructions that kernels are chosen by, for messages.
  static var features: String {
    let size = 128
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { text in
      guard let start = text.baseAddress else { return "" }
      unsafe muon_shim_cpu_features(start, size)
      return unsafe String(cString: start)
    }
  }

  /// Names of the levels, from the lowest, as in `MUON_MAX_CPU`.
  private static let names = ["baseline", "avx2", "avx512", "avx512bf16"]

  /// What the processor has, capped by `MUON_MAX_CPU` in the environment at the first use.
  static let level: muon_cpu_level = {
    let level = muon_kernels_cpu_level()
    guard let cap = environment.value, cap.rawValue < level.rawValue else { return level }
    return cap
  }()

  /// `MUON_MAX_CPU`.
  static var environment: EnvironmentSetting<muon_cpu_level> {
    guard let name = unsafe getenv("MUON_MAX_CPU").map({ unsafe String(cString: $0) }),
      !name.isEmpty
    else { return EnvironmentSetting() }
    guard let cap = names.firstIndex(of: name) else {
      return EnvironmentSetting(
        warning: "MUON_MAX_CPU is \"\(name)\" and is ignored: one of "
          + "\(names.joined(separator: ", ")) is expected")
    }
    return EnvironmentSetting(value: muon_cpu_level(rawValue: UInt32(cap)))
  }

  static var name: String { names[Int(level.rawValue)] }

  /// The element-wise passes for it.
  static let passes = unsafe muon_passes_for(level).pointee
}
