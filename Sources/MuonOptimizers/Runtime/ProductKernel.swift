internal import CMuonKernels

/// How matrix products are made: a micro-kernel, and the layout of the operands it wants.
///
/// Unchecked: the kernels are constants.
@safe
struct ProductKernel: Equatable, @unchecked Sendable {
  private let kernel: UnsafePointer<muon_gemm_kernel>

  private init(_ kernel: UnsafePointer<muon_gemm_kernel>) { unsafe self.kernel = kernel }

  static let f32 = unsafe ProductKernel(muon_gemm_kernel_f32(CPU.level))
  /// `nil` where the processor has no bfloat16 products.
  static let bf16 = unsafe muon_gemm_kernel_bf16(CPU.level).map { unsafe ProductKernel($0) }

  static func == (one: ProductKernel, other: ProductKernel) -> Bool {
    unsafe one.kernel == other.kernel
  }

  var name: String { unsafe String(cString: kernel.pointee.name) }
  private var lanes: Int { unsafe Int(kernel.pointee.lanes) }

  /// An operand: rows, or columns, of a matrix, packed side by side.
  enum Side {
    case rows, columns
  }

  /// The floats that a packed operand of `lanes` rows or columns, each `depth` long, takes up.
  func packedCount(lanes count: Int, depth: Int) -> Int {
    let bytes = unsafe muon_gemm_panel_bytes(kernel, depth)
    return (count + lanes - 1) / lanes * (bytes / MemoryLayout<Float>.stride)
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
    let panelFloats = unsafe muon_gemm_panel_bytes(kernel, depth) / MemoryLayout<Float>.stride
    let pack = unsafe kernel.pointee.pack
    let lanes = lanes
    member.forEach((count + lanes - 1) / lanes) { panel in
      let first = panel * lanes
      unsafe pack?(
        matrix.floats + first * laneStride, laneStride, depthStride,
        Int32(min(lanes, count - first)), depth, target + panel * panelFloats)
    }
  }

  /// Packs a symmetric matrix of which only the lower triangle is there. All members of a team call it
  /// together.
  ///
  /// A panel has columns l to l + lanes: above the diagonal they are the rows of the lower triangle, and
  /// only the block on the diagonal needs to be mirrored. Not even that where the matrix is as a
  /// product of an operand with itself left it: `multiply` computes these blocks whole.
  func packSymmetric(
    _ matrix: Matrix, mirroring: Bool = true, into target: UnsafeMutablePointer<Float>,
    by member: Team.Member
  ) {
    let n = unsafe matrix.rows
    let panelFloats = unsafe muon_gemm_panel_bytes(kernel, n) / MemoryLayout<Float>.stride
    let bytes = unsafe Int(kernel.pointee.bytes)
    let pack = unsafe kernel.pointee.pack
    let lanes = lanes
    let floats = unsafe matrix.floats
    member.forEach((n + lanes - 1) / lanes) { number in
      let first = number * lanes
      let count = min(lanes, n - first)
      for i in first..<(mirroring ? first + count : first) {
        for j in first..<i { unsafe floats[j * n + i] = floats[i * n + j] }
      }
      let panel = unsafe target + number * panelFloats
      unsafe pack?(floats + first * n, n, 1, Int32(count), first, panel)
      unsafe pack?(
        floats + first * n + first, 1, n, Int32(count), n - first,
        panel + first * lanes * bytes / MemoryLayout<Float>.stride)
    }
  }

  /// C ← alpha A B + beta D + gamma E, of packed rows of A and packed columns of B. D and E have the
  /// layout of C, and may be C. All members of a team call it together.
  ///
  /// With `symmetric`, C is known to be, and only the blocks of `lanes` on and below its diagonal are computed.
  func multiply(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, depth: Int,
    into c: Matrix, symmetric: Bool = false, alpha: Float = 1,
    plus beta: Float = 0, _ d: UnsafeMutablePointer<Float>? = nil,
    plus gamma: Float = 0, _ e: UnsafeMutablePointer<Float>? = nil, by member: Team.Member
  ) {
    let (rows, columns) = unsafe (c.rows, c.columns)
    // The size of a tile, one task. It does not depend on the number of threads, nor does the order of
    // any sum.
    let (tileRows, tileColumns) = unsafe (
      Int(kernel.pointee.tile_rows), Int(kernel.pointee.tile_columns)
    )
    let tilesDown = (rows + tileRows - 1) / tileRows
    let tilesAcross = (columns + tileColumns - 1) / tileColumns
    var store = unsafe muon_gemm_store(
      c: c.floats, d: d ?? c.floats, e: e ?? c.floats, stride: columns, alpha: alpha, beta: beta,
      gamma: gamma)
    let kernel = unsafe kernel
    member.forEach(tilesDown * tilesAcross) { tile in
      let row = tile / tilesAcross * tileRows
      let column = tile % tilesAcross * tileColumns
      let rowEnd = min(row + tileRows, rows)
      if symmetric, column >= rowEnd { return }
      unsafe muon_gemm_tile(
        kernel, a, b, depth, row, rowEnd, column, min(column + tileColumns, columns),
        symmetric ? 1 : 0, &store)
    }
  }
}
