internal import CMuonKernels

/// How matrix products are made: a micro-kernel, and the layout of the operands it wants. `Multiplier` makes them.
///
/// Unchecked: the kernels are constants.
@safe
struct ProductKernel: Equatable, @unchecked Sendable {
  /// Its row in the table.
  let kernel: UnsafePointer<muon_gemm_kernel>

  private init(_ kernel: UnsafePointer<muon_gemm_kernel>) { unsafe self.kernel = kernel }

  /// There is always one, the table's first.
  static let f32 = unsafe ProductKernel(
    Kernels.products(of: MUON_ELEMENT_F32).unsafelyUnwrapped)
  /// `nil` where the processor has no bfloat16 products.
  static let bf16 = unsafe Kernels.products(of: MUON_ELEMENT_BF16).map { unsafe ProductKernel($0) }
  /// `nil` where the processor has no products of 16-bit integers that are worth it.
  static let int16 = unsafe Kernels.products(of: MUON_ELEMENT_INT16)
    .map { unsafe ProductKernel($0) }
  /// The same of 8-bit integers.
  static let int8 = unsafe Kernels.products(of: MUON_ELEMENT_INT8)
    .map { unsafe ProductKernel($0) }
  /// All that are in use.
  static var all: [ProductKernel] { [f32] + [bf16, int16, int8].compactMap { $0 } }

  static func == (one: ProductKernel, other: ProductKernel) -> Bool {
    unsafe one.kernel == other.kernel
  }

  var name: String { unsafe String(cString: kernel.pointee.name) }
  /// Multiply-adds a cycle of a core, at best.
  var speed: Double { unsafe Double(kernel.pointee.speed) }

  /// An operand of so many rows or columns is packed in so many panels,
  func panels(_ lanes: Int) -> Int { unsafe muon_gemm_panels(kernel, lanes) }
  /// each of which takes up so many floats.
  func panelCount(depth: Int) -> Int {
    unsafe muon_gemm_panel_bytes(kernel, depth) / MemoryLayout<Float>.stride
  }
}
