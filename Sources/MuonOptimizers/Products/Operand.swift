internal import CMuonKernels

/// How a kernel packs the rows or the columns of matrices of one shape: worked out once, since for small matrices
/// the divisions that it takes count.
struct Packing: Equatable {
  /// On which side of products it may be.
  struct Role: OptionSet {
    let rawValue: Int
    static let left = Role(rawValue: Int(MUON_GEMM_LEFT.rawValue))
    static let right = Role(rawValue: Int(MUON_GEMM_RIGHT.rawValue))
    static let both: Role = [.left, .right]

    var inC: muon_gemm_role { muon_gemm_role(UInt32(rawValue)) }
  }

  let kernel: ProductKernel
  let role: Role
  /// The rows, or columns, that are packed, and how long they are.
  let lanes, depth: Int
  /// The parts that it is done in.
  let panels: Int
  /// The floats that they take up, and at which of them what is for the left side begins.
  let count, left: Int

  init(_ kernel: ProductKernel, lanes: Int, depth: Int, as role: Role) {
    self.kernel = kernel
    self.role = role
    self.lanes = lanes
    self.depth = depth
    panels = kernel.panels(lanes)
    let bytes = unsafe muon_gemm_operand_bytes(kernel.kernel, lanes, depth, role.inC)
    let offset = unsafe muon_gemm_offset(kernel.kernel, lanes, depth, role.inC, MUON_GEMM_LEFT)
    count = bytes / MemoryLayout<Float>.stride
    left = offset / MemoryLayout<Float>.stride
  }
}

/// A matrix as a factor of products: its rows or its columns, packed side by side as a kernel wants them.
///
/// It stands for the matrix as it was packed, with its diagonal, also where that was left out of what is packed:
/// see `Multiplier`.
struct Operand {
  let packing: Packing
  let packed: Floats
  /// What it was packed of.
  let matrix: Matrix
  /// The diagonal, where it was left out.
  let diagonal: Floats?
}

/// Something that is added to a product: factor M.
struct Term {
  let factor: Float
  let matrix: Matrix
}

extension Matrix {
  static func * (factor: Float, matrix: Matrix) -> Term { Term(factor: factor, matrix: matrix) }
}
