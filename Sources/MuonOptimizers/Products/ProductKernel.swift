internal import CMuonKernels

/// How matrix products are made: a micro-kernel, and the layout of the operands it wants. `Multiplier` makes them.
///
/// Unchecked: the kernels are constants.
@safe
struct ProductKernel: Equatable, @unchecked Sendable {
  /// Its row in the table.
  let kernel: UnsafePointer<muon_gemm_kernel>

  init(_ kernel: UnsafePointer<muon_gemm_kernel>) { unsafe self.kernel = kernel }

  /// There is always one, the table's first.
  static let f32 = f32Choice.kernel!
  /// `nil` where the processor has no bfloat16 products.
  static let bf16 = bf16Choice.kernel
  /// `nil` where the processor has no products of 16-bit integers. They may be no faster than `f32`.
  static let int16 = int16Choice.kernel
  /// The same of 8-bit integers.
  static let int8 = int8Choice.kernel
  /// All that are in use.
  static var all: [ProductKernel] { [f32] + [bf16, int16, int8].compactMap { $0 } }
  /// Why faster ones are not.
  static var warnings: [String] {
    [f32Choice, bf16Choice, int16Choice, int8Choice].flatMap(\.warnings)
  }

  private static let f32Choice = KernelChoice(of: MUON_ELEMENT_F32)
  private static let bf16Choice = KernelChoice(of: MUON_ELEMENT_BF16)
  private static let int16Choice = KernelChoice(of: MUON_ELEMENT_INT16)
  private static let int8Choice = KernelChoice(of: MUON_ELEMENT_INT8)
  /// For matrices with a side that is too short for `int16`.
  private static let int16OfShortSides = int16.flatMap {
    KernelChoice(of: MUON_ELEMENT_INT16, below: $0).kernel ?? $0
  }

  /// The kernel for products of the same element where a matrix has such a short side.
  func suited(toSide side: Int) -> ProductKernel {
    guard self == .int16, side < leastSide else { return self }
    return Self.int16OfShortSides ?? self
  }

  static func == (one: ProductKernel, other: ProductKernel) -> Bool {
    unsafe one.kernel == other.kernel
  }

  var name: String { unsafe String(cString: kernel.pointee.name) }
  /// Multiply-adds a cycle of a core, at best.
  var speed: Double { unsafe Double(kernel.pointee.speed) }

  var element: muon_element { unsafe kernel.pointee.element }
  private var leastSide: Int { unsafe Int(kernel.pointee.least_side) }
}
