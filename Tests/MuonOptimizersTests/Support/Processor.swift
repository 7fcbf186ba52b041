import Foundation

/// Whether the processor multiplies bfloat16, by the word of Linux, and the tests let it.
func processorHasBFloat16() -> Bool {
  guard ["avx512bf16", nil].contains(ProcessInfo.processInfo.environment["MUON_MAX_CPU"]),
    let information = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
    let flags = information.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
  else { return false }
  return Set(flags.split(separator: " ")).isSuperset(of: [
    "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_bf16",
  ])
}
