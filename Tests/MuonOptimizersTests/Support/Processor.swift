import Foundation

/// Whether the processor has products of bfloat16, by the word of Linux, and the tests let it.
func processorHasBFloat16() -> Bool { processorHas("avx512_bf16", from: "avx512bf16") }

/// Whether it has products of 16-bit integers.
func processorHasInt16() -> Bool { processorHas("avx2", from: "avx2", beside: []) }

/// Whether it has products of 8-bit integers.
func processorHasInt8() -> Bool {
  processorHas("avx512_vnni", from: "avx512vnni")
    || processorHas("avx_vnni", from: "avxvnni", beside: [])
}

/// Whether its products of 16-bit integers are faster than those of float32, so that `auto` takes them for a matrix
/// with such a short side.
func autoTakesInt16(shortSide: Int) -> Bool {
  guard shortSide >= (processorHasInt8() ? 32 : 96) else { return false }
  if processorHas("avx512f", from: "avx512") {
    return processorHas("avx512_vnni", from: "avx512vnni")
  }
  return processorHasInt8() || processorHasInt16() && !hasOneIntegerMultiplier()
}

/// Whether it is one of the first that had AVX2: Haswell, Broadwell, or older than Zen 3.
private func hasOneIntegerMultiplier() -> Bool {
  let family = processorFact("cpu family").flatMap { Int($0) } ?? 0
  let model = processorFact("model").flatMap { Int($0) } ?? 0
  return processorFact("vendor_id") == "AuthenticAMD"
    ? family < 25
    : [0x3C, 0x3D, 0x3F, 0x45, 0x46, 0x47, 0x4F, 0x56].contains(model) && family == 6
}

/// What Linux says of the first processor.
private func processorFact(_ name: String) -> Substring? {
  guard let all = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return nil }
  for line in all.split(separator: "\n") {
    let parts = line.split(separator: ":", maxSplits: 1)
    if parts[0].trimmingCharacters(in: .whitespaces) == name, parts.count == 2 {
      return parts[1].drop { $0 == " " }
    }
  }
  return nil
}

/// - Parameter level: The first name of `MUON_MAX_CPU` that allows it.
private func processorHas(
  _ flag: String, from level: String,
  beside others: Set<String> = ["avx512f", "avx512bw", "avx512vl", "avx512dq"]
) -> Bool {
  let levels = ["baseline", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16", "amx"]
  let cap = ProcessInfo.processInfo.environment["MUON_MAX_CPU"].flatMap(levels.firstIndex)
  guard let needed = levels.firstIndex(of: level), needed <= cap ?? levels.count,
    let flags = processorFact("flags")
  else { return false }
  return Set(flags.split(separator: " ").map(String.init))
    .isSuperset(of: others.union(["avx2", "fma", flag]))
}
