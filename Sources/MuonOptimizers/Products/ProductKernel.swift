internal import CMuonKernels

/// How matrix products are made: a micro-kernel, and the layout of the operands it wants.
///
/// Unchecked: the kernels are constants.
@safe
struct ProductKernel: Equatable, @unchecked Sendable {
  private let kernel: UnsafePointer<muon_gemm_kernel>

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

  /// An operand: rows, or columns, of a matrix, packed side by side.
  enum Side {
    case rows, columns
  }

  /// The floats that a packed operand of `lanes` rows or columns, each `depth` long, takes up.
  func packedCount(lanes count: Int, depth: Int) -> Int {
    let bytes = unsafe muon_gemm_panel_bytes(kernel, depth)
    return unsafe muon_gemm_panels(kernel, count) * (bytes / MemoryLayout<Float>.stride)
  }

  /// Packs the rows or the columns of a matrix. All members of a team call it together.
  func pack(
    _ side: Side, of matrix: Matrix, into target: UnsafeMutablePointer<Float>,
    by member: Team.Member
  ) {
    let (count, depth) =
      unsafe side == .rows ? (matrix.rows, matrix.columns) : (matrix.columns, matrix.rows)
    let (laneStride, depthStride) =
      unsafe side == .rows ? (matrix.columns, 1) : (1, matrix.columns)
    unsafe member.forEach(muon_gemm_panels(kernel, count)) { panel in
      unsafe muon_gemm_pack(
        kernel, matrix.floats, laneStride, depthStride, count, depth, panel, target)
    }
  }

  /// Packs a symmetric matrix of which only the lower triangle is there. All members of a team call it
  /// together.
  ///
  /// Where the matrix is near a multiple of the identity, its diagonal, many times larger than the rest, is what
  /// the bits of an operand would be spent on. With `diagonal` it goes there, and is 0 in the operand, to be
  /// multiplied apart, in float32: see `Term`.
  ///
  /// - Parameter mirroring: Whether the blocks on the diagonal are to be made whole first. They are so as
  ///   a product of an operand with itself left them.
  func packSymmetric(
    _ matrix: Matrix, mirroring: Bool = true, into target: UnsafeMutablePointer<Float>,
    diagonal: UnsafeMutablePointer<Float>? = nil, by member: Team.Member
  ) {
    unsafe member.forEach(muon_gemm_panels(kernel, matrix.rows)) { panel in
      unsafe muon_gemm_pack_symmetric(
        kernel, matrix.floats, matrix.rows, mirroring ? 1 : 0, panel, diagonal, target)
    }
  }

  /// What is added to alpha A B: factor M, and what the diagonals that were left out of A or B give with M.
  @unsafe
  struct Term {
    var matrix: UnsafeMutablePointer<Float>
    var factor: Float = 0
    /// Adds alpha R M, where A = R + E, and M is what B was packed of.
    var rows: UnsafeMutablePointer<Float>? = nil
    /// Adds alpha M S, where B = S + F, and M is what A was packed of.
    var columns: UnsafeMutablePointer<Float>? = nil

    fileprivate var inC: muon_gemm_term {
      unsafe muon_gemm_term(matrix: matrix, factor: factor, rows: rows, columns: columns)
    }
  }

  /// C ← alpha A B and two terms, of packed rows of A and packed columns of B. The matrices of terms have the
  /// layout of C, and may be C. All members of a team call it together.
  ///
  /// Where terms have both rows and columns, the product of the diagonals, R S, is in both, and is taken off
  /// once.
  ///
  /// With `symmetric`, C is known to be, and only the blocks of `lanes` on and below its diagonal are computed.
  func multiply(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, depth: Int,
    into c: Matrix, symmetric: Bool = false, alpha: Float = 1,
    plus one: Term? = nil, plus two: Term? = nil, by member: Team.Member
  ) {
    let (rows, columns) = unsafe (c.rows, c.columns)
    let none = unsafe Term(matrix: c.floats)
    let terms = unsafe ((one ?? none).inC, (two ?? none).inC)
    let output = unsafe muon_gemm_output(c: c.floats, stride: columns, alpha: alpha, terms: terms)
    var epilogue = unsafe muon_gemm_epilogue(count: 1, outputs: (output, output))
    unsafe member.forEach(muon_gemm_tiles(kernel, rows, columns)) { tile in
      unsafe muon_gemm_tile(
        kernel, a, b, depth, rows, columns, symmetric ? 1 : 0, tile, &epilogue)
    }
  }
}
