internal import CMuonKernels

/// What is taken of the tables of kernels: what the processor has, capped by `MUON_MAX_CPU` in the environment
/// at the first use.
enum Kernels {
  /// The name of the highest level in use.
  static let level = highestLevel(cap)
  /// The same without the cap.
  static let processorLevel = highestLevel(nil)
  /// The level of kernels for any processor.
  static var lowestLevel: String { levels.first ?? "" }

  /// The element-wise passes.
  nonisolated(unsafe) static let passes = unsafe muon_passes_for(cap).pointee

  /// The fastest kernel for an element, slower than one that was refused; `nil` where there is none.
  static func product(
    of element: muon_element, refusing refused: ProductKernel? = nil
  ) -> ProductKernel? {
    unsafe muon_gemm_kernel_for(element, cap, refused?.kernel).map { unsafe ProductKernel($0) }
  }

  /// `MUON_MAX_CPU`.
  static var environment: EnvironmentSetting<String> {
    EnvironmentSetting(
      "MUON_MAX_CPU", expected: "one of \(levels.joined(separator: ", ")) is expected"
    ) { levels.contains($0) ? $0 : nil }
  }

  private static let cap = environment.value

  private static func highestLevel(_ cap: String?) -> String {
    unsafe String(cString: muon_kernels_level(cap))
  }

  /// The names of the levels, from the lowest.
  static var levels: [String] {
    var names: [String] = []
    while let kernel = unsafe muon_gemm_kernel_at(Int32(names.count)) {
      unsafe names.append(String(cString: kernel.pointee.level))
    }
    return names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}
