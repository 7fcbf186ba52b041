import CMuonKernels
import Testing

@testable import MuonOptimizers

/// A kernel that the system refuses, or that multiplies wrongly, is left out, and the log will say why.
struct KernelChoiceTests {
  /// Rows as in the table, that live as long as the process.
  private static func kernel(
    _ name: StaticString, _ change: (inout muon_gemm_kernel) -> Void = { _ in }
  ) -> ProductKernel {
    let row = UnsafeMutablePointer<muon_gemm_kernel>.allocate(capacity: 1)
    unsafe row.initialize(to: ProductKernel.f32.kernel.pointee)
    unsafe row.pointee.name = unsafe UnsafeRawPointer(name.utf8Start)
      .assumingMemoryBound(to: CChar.self)
    unsafe change(&row.pointee)
    return unsafe ProductKernel(row)
  }

  private static let right = unsafe kernel("right")
  private static let refused = unsafe kernel("refused") { unsafe $0.acquire = { 0 } }
  private static let lazy = unsafe kernel("lazy") { unsafe $0.multiply = { _ in } }
  /// It packs the first lane in place of all.
  private static let wrong = unsafe kernel("wrong") {
    unsafe $0.pack = { source, laneStride, depthStride, lanes, depth, panel in
      unsafe muon_gemm_kernel_at(0).unsafelyUnwrapped.pointee.pack(
        source, lanes > 1 ? 0 : laneStride, depthStride, lanes, depth, panel)
    }
  }

  @Test func takesTheFirstThatIsRight() {
    let choice = KernelChoice(of: [Self.refused, Self.lazy, Self.wrong, Self.right])
    #expect(choice.kernel == Self.right)
    #expect(
      choice.warnings == [
        "refused is left out: the system does not let this process use it",
        "lazy is left out: a product that was made to try it is wrong",
        "wrong is left out: a product that was made to try it is wrong",
      ])
  }

  @Test func maySayThatThereIsNone() {
    let choice = KernelChoice(of: [Self.refused])
    #expect(choice.kernel == nil && choice.warnings.count == 1)
  }

  @Test func allOfTheTableAreRight() {
    for element in [MUON_ELEMENT_F32, MUON_ELEMENT_BF16, MUON_ELEMENT_INT16, MUON_ELEMENT_INT8] {
      var candidate = Kernels.product(of: element)
      while let kernel = candidate {
        #expect(KernelChoice(of: [kernel]).kernel == kernel, "\(kernel.name)")
        candidate = Kernels.product(of: element, refusing: kernel)
      }
    }
  }
}
