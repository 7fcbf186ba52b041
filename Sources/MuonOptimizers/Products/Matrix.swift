internal import CMuonKernels

/// A dense row-major matrix in memory that somebody else keeps alive.
@unsafe
struct Matrix {
  let floats: UnsafeMutablePointer<Float>
  let rows: Int
  let columns: Int

  init(_ floats: UnsafeMutablePointer<Float>, _ rows: Int, _ columns: Int) {
    unsafe self.floats = unsafe floats
    unsafe self.rows = rows
    unsafe self.columns = columns
  }

  var count: Int { unsafe rows * columns }
  var isWide: Bool { unsafe rows <= columns }
  /// The length of the shorter side.
  var shortSide: Int { unsafe min(rows, columns) }

  /// Element-wise work is handed out in parts of this many elements, whatever the number of threads.
  static let chunk = 1 << 16

  var chunks: Int { unsafe (count + Matrix.chunk - 1) / Matrix.chunk }

  /// Runs `body(offset, count)` for all parts of the matrix. All members of a team call it together.
  func forEachChunk(by member: Team.Member, _ body: (_ offset: Int, _ count: Int) -> Void) {
    let count = unsafe count
    member.forEach(unsafe chunks) { chunk in
      let offset = unsafe chunk * Matrix.chunk
      unsafe body(offset, min(Matrix.chunk, count - offset))
    }
  }

  /// M ← factor M, the product taken in float64: the factor may be one that float32 cannot hold.
  func scale(by factor: Double, by member: Team.Member) {
    let floats = unsafe floats
    unsafe forEachChunk(by: member) { offset, count in
      unsafe Kernels.passes.scale(count, floats + offset, factor)
    }
  }
}
