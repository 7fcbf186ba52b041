/// A matrix whose elements lie apart in a larger array: rows and columns each run over some of the array's axes.
struct StridedMatrix: Equatable {
  /// Axes of an array, the last of which runs fastest.
  struct Axes: Equatable {
    private(set) var extents: [Int] = []
    private(set) var strides: [Int] = []
    private(set) var count = 1
    /// How far the last is from the first.
    private(set) var reach = 0

    /// Adds an axis that runs faster than those that are there. It is made one with the last where both are like one.
    mutating func append(_ extent: Int, stride: Int) {
      count *= extent
      reach += max(extent - 1, 0) * stride
      if let last = extents.indices.last, strides[last] == extent * stride || extents[last] == 1 {
        extents[last] *= extent
        strides[last] = stride
      } else if extent != 1 || extents.isEmpty {
        extents.append(extent)
        strides.append(stride)
      }
    }

    /// Where element i is.
    func offset(_ i: Int) -> Int {
      var (rest, offset) = (i, 0)
      for axis in extents.indices.reversed() {
        offset += rest % extents[axis] * strides[axis]
        rest /= extents[axis]
      }
      return offset
    }

    /// Whether it is one after the other, in a distance.
    func isRun(stride: Int) -> Bool {
      count == 1 || extents.count == 1 && strides[0] == stride
    }
  }

  let rows, columns: Axes

  var count: Int { rows.count * columns.count }
  /// Whether it is row-major without gaps, so that it need not be gathered.
  var isDense: Bool { columns.isRun(stride: 1) && rows.isRun(stride: columns.count) }

  /// Rows that one thread takes at a time. Columns that are far apart are on pages of their own, of which the rows
  /// of one such part have a few lines in common.
  private static let rowsTogether = 64

  /// Copies it from an array, where it begins at `start`. All members of a team call it together.
  func gather(from array: Numbers, at start: Int, into dense: Numbers, by member: Team.Member) {
    precondition(array.type == dense.type)
    if let array = array.floats, let dense = dense.floats {
      gather(from: array, at: start, into: dense, by: member)
    } else if let array = array.bits, let dense = dense.bits {
      gather(from: array, at: start, into: dense, by: member)
    }
  }

  /// Copies it back.
  func scatter(_ dense: Numbers, to array: Numbers, at start: Int, by member: Team.Member) {
    precondition(array.type == dense.type)
    if let array = array.floats, let dense = dense.floats {
      scatter(dense, to: array, at: start, by: member)
    } else if let array = array.bits, let dense = dense.bits {
      scatter(dense, to: array, at: start, by: member)
    }
  }

  private func gather<Element: CopiedElement>(
    from array: Elements<Element>, at start: Int, into dense: Elements<Element>,
    by member: Team.Member
  ) {
    forEachPart(start, array, dense, by: member) { $0.dense.copy($0.apart, $0.rows, $0.columns) }
  }

  private func scatter<Element: CopiedElement>(
    _ dense: Elements<Element>, to array: Elements<Element>, at start: Int, by member: Team.Member
  ) {
    forEachPart(start, array, dense, by: member) { $0.apart.copy($0.dense, $0.rows, $0.columns) }
  }

  /// Runs `body` for all parts of rows that lie one after the other, each of one element where they do not.
  func forEachRun(_ start: Int, _ body: (_ part: Range<Int>) -> Void) {
    let isDense = columns.strides.last ?? 1 == 1
    let run = isDense ? columns.extents.last ?? 1 : 1
    for i in 0..<rows.count {
      for first in stride(from: 0, to: columns.count, by: run) {
        let at = start + rows.offset(i) + columns.offset(first)
        body(at..<at + run)
      }
    }
  }

  /// Rows and columns of it, at one distance each.
  private struct Part<Element: CopiedElement> {
    let rows, columns: Int
    let apart, dense: SpacedMatrix<Element>
  }

  /// Runs `body` for all such parts.
  private func forEachPart<Element: CopiedElement>(
    _ start: Int, _ array: Elements<Element>, _ dense: Elements<Element>, by member: Team.Member,
    _ body: (Part<Element>) -> Void
  ) {
    precondition(start >= 0 && start + rows.reach + columns.reach < array.count)
    precondition(dense.count == count)
    let (rowRun, columnRun) = (rows.extents.last ?? 1, columns.extents.last ?? 1)
    let together = Self.rowsTogether
    member.forEach((rows.count + together - 1) / together) { block in
      let end = min((block + 1) * together, rows.count)
      var i = block * together
      while i < end {
        let rowsHere = min(rowRun - i % rowRun, end - i)
        let row = start + rows.offset(i)
        for first in stride(from: 0, to: columns.count, by: columnRun) {
          body(
            Part(
              rows: rowsHere, columns: columnRun,
              apart: SpacedMatrix(
                elements: array[row + columns.offset(first)..<array.count],
                betweenRows: rows.strides.last ?? 1, betweenColumns: columns.strides.last ?? 1),
              dense: SpacedMatrix(
                elements: dense[i * columns.count + first..<dense.count],
                betweenRows: columns.count, betweenColumns: 1)))
        }
        i += rowsHere
      }
    }
  }
}
