/// A dense row-major matrix in memory that somebody else keeps alive.
struct Matrix {
  let elements: Floats
  let rows: Int
  let columns: Int

  /// Of the first rows x columns elements there.
  init(_ elements: Floats, _ rows: Int, _ columns: Int) {
    precondition(rows >= 0 && columns >= 0)
    self.elements = elements.first(rows * columns)
    self.rows = rows
    self.columns = columns
  }

  var count: Int { elements.count }
  var isWide: Bool { rows <= columns }
  /// The length of the shorter side.
  var shortSide: Int { min(rows, columns) }

  enum Side {
    case rows, columns
  }
  /// The fewer, and the more: rows, or columns.
  var few: Side { isWide ? .rows : .columns }
  var many: Side { isWide ? .columns : .rows }

  /// Element-wise work is handed out in parts of this many elements, whatever the number of threads.
  static let chunk = 1 << 16

  static func chunks(of count: Int) -> Int { (count + chunk - 1) / chunk }

  /// Runs `body(part, number)` for all parts of the matrix, which count from 0. All members of a team call it
  /// together.
  func forEachChunk(by member: Team.Member, _ body: (_ part: Range<Int>, _ number: Int) -> Void) {
    let count = count
    member.forEach(Self.chunks(of: count)) { number in
      let start = number * Self.chunk
      body(start..<min(start + Self.chunk, count), number)
    }
  }

  /// All elements become `value`.
  func fill(with value: Float, by member: Team.Member) {
    forEachChunk(by: member) { part, _ in elements[part].fill(with: value) }
  }

  /// M ← factor M, the product taken in float64: the factor may be one that float32 cannot hold.
  func scale(by factor: Double, by member: Team.Member) {
    forEachChunk(by: member) { part, _ in elements[part].scale(by: factor) }
  }

  /// Row i.
  func row(_ i: Int) -> Floats { elements[i * columns..<(i + 1) * columns] }
}

extension Matrix {
  /// Σ_j |A_ij| of row i of a symmetric matrix of which the lower triangle is there.
  func sumOfMagnitudes(ofSymmetricRow i: Int) -> Double {
    let (a, n) = unsafe (elements.start, rows)
    precondition(columns == n && i >= 0 && i < n)
    var sum = 0.0
    for j in 0...i { sum += Double(unsafe a[i * n + j].magnitude) }
    for j in (i + 1)..<n { sum += Double(unsafe a[j * n + i].magnitude) }
    return sum
  }

  /// Σ_j (A - I)_ij² of row i of the lower triangle of a symmetric matrix, of which what is beside the diagonal
  /// counts twice: the sum over all rows is ‖A - I‖_F².
  func squaredDistanceFromIdentity(ofSymmetricRow i: Int) -> Double {
    let row = row(i)
    let left = unsafe row.first(i).start
    var sum = 0.0
    for j in 0..<i { unsafe sum += 2 * Double(left[j]) * Double(left[j]) }
    let diagonal = Double(row[i]) - 1
    return sum + diagonal * diagonal
  }
}
