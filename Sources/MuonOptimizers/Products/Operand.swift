internal import CMuonKernels

/// How a kernel packs the rows or the columns of matrices of one shape: worked out once, since for small matrices
/// the divisions that it takes count.
@safe
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
  /// As the kernels see it.
  let inC: muon_gemm_packing

  init(_ kernel: ProductKernel, lanes: Int, depth: Int, as role: Role) {
    self.kernel = kernel
    self.role = role
    unsafe inC = unsafe muon_gemm_packing_of(kernel.kernel, lanes, depth, role.inC)
  }

  /// The rows, or columns, that are packed, and how long they are.
  var lanes: Int { unsafe inC.count }
  var depth: Int { unsafe inC.depth }
  /// The parts that it is done in.
  var panels: Int { unsafe inC.panels }
  /// The floats that they take up.
  var count: Int { unsafe inC.bytes / MemoryLayout<Float>.stride }

  static func == (one: Packing, other: Packing) -> Bool {
    one.kernel == other.kernel && one.role == other.role && one.lanes == other.lanes
      && one.depth == other.depth
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
