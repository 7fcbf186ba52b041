internal import CMuonKernels
internal import Glibc

/// The instructions in use.
enum CPU {
  /// Names of the levels, from the lowest, as in `MUON_MAX_CPU`.
  private static let names = ["baseline", "avx2", "avx512", "avx512bf16"]

  /// What the processor has, capped by `MUON_MAX_CPU` in the environment at the first use.
  static let level: muon_cpu_level = {
    let level = muon_kernels_cpu_level()
    guard let name = unsafe getenv("MUON_MAX_CPU").map({ unsafe String(cString: $0) }),
      let cap = names.firstIndex(of: name), UInt32(cap) < level.rawValue
    else { return level }
    return muon_cpu_level(rawValue: UInt32(cap))
  }()

  static var name: String { names[Int(level.rawValue)] }

  /// The element-wise passes for it.
  static let passes = unsafe muon_passes_for(level).pointee
}
