import Foundation

/// Whether the processor has products of bfloat16, by the word of Linux, and the tests let it.
func processorHasBFloat16() -> Bool { processorHas("avx512_bf16", from: "avx512bf16") }

/// Whether it has products of integers, of 16 bits and of 8.
func processorHasIntegers() -> Bool {
  processorHas("avx512_vnni", from: "avx512vnni")
    || processorHas("avx_vnni", from: "avxvnni", beside: [])
}

/// - Parameter level: The first name of `MUON_MAX_CPU` that allows it.
private func processorHas(
  _ flag: String, from level: String,
  beside others: Set<String> = ["avx512f", "avx512bw", "avx512vl", "avx512dq"]
) -> Bool {
  let levels = ["baseline", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16", "amx"]
  let cap = ProcessInfo.processInfo.environment["MUON_MAX_CPU"].flatMap(levels.firstIndex)
  guard let needed = levels.firstIndex(of: level), needed <= cap ?? levels.count,
    let information = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
    let flags = information.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
  else { return false }
  return Set(flags.split(separator: " ").map(String.init))
    .isSuperset(of: others.union(["avx2", "fma", flag]))
}
