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

  /// Rows that one thread takes at a time, which columns that are far apart have in common cache lines.
  private static let rowsTogether = 16

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

  private func gather<Element: BitwiseCopyable>(
    from array: Elements<Element>, at start: Int, into dense: Elements<Element>,
    by member: Team.Member
  ) {
    unsafe forEachRun(start, array, dense, by: member) { apart, stride, dense, count in
      if stride == 1 {
        unsafe dense.update(from: apart, count: count)
      } else {
        for j in 0..<count { unsafe dense[j] = apart[j * stride] }
      }
    }
  }

  private func scatter<Element: BitwiseCopyable>(
    _ dense: Elements<Element>, to array: Elements<Element>, at start: Int, by member: Team.Member
  ) {
    unsafe forEachRun(start, array, dense, by: member) { apart, stride, dense, count in
      if stride == 1 {
        unsafe apart.update(from: dense, count: count)
      } else {
        for j in 0..<count { unsafe apart[j * stride] = dense[j] }
      }
    }
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

  /// Runs `body` for all parts of rows that have one stride.
  private func forEachRun<Element: BitwiseCopyable>(
    _ start: Int, _ array: Elements<Element>, _ dense: Elements<Element>, by member: Team.Member,
    _ body: (
      _ apart: UnsafeMutablePointer<Element>, _ stride: Int,
      _ dense: UnsafeMutablePointer<Element>, _ count: Int
    ) -> Void
  ) {
    precondition(start >= 0 && start + rows.reach + columns.reach < array.count)
    precondition(dense.count == count)
    let run = columns.extents.last ?? 1
    let stride = columns.strides.last ?? 1
    let together = Self.rowsTogether
    member.forEach((rows.count + together - 1) / together) { block in
      for i in block * together..<min((block + 1) * together, rows.count) {
        let row = start + rows.offset(i)
        for first in Swift.stride(from: 0, to: columns.count, by: run) {
          unsafe body(
            array.start + row + columns.offset(first), stride,
            dense.start + i * columns.count + first, run)
        }
      }
    }
  }
}
