/// Where the matrices of a parameter are: a batch, each index of which has one matrix or, of an axis that is split, a
/// matrix for each block.
struct MatrixLayout: Equatable {
  enum Axis: Unicode.Scalar {
    case output = "o"
    case input = "i"
    case batch = "b"
  }

  /// What all indices of the batch have.
  struct Block: Equatable {
    let matrix: StridedMatrix
    let shape: Shape
    /// From the beginning of the batch's index.
    let start: Int
  }

  let axes: [Axis]
  let extents: [Int]
  let split: MatrixView.Split?
  let blocks: [Block]
  private let batch: StridedMatrix.Axes

  /// All of it has been checked.
  init(_ axes: [Axis], _ extents: [Int], split: MatrixView.Split?) {
    (self.axes, self.extents, self.split) = (axes, extents, split)
    // Where there is nothing, the others may be as large as they like.
    let extents = extents.contains(0) ? extents.map { _ in 0 } : extents
    var strides = extents.map { _ in 1 }
    for axis in extents.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * max(extents[axis + 1], 1)
    }
    var batch = StridedMatrix.Axes()
    for axis in axes.indices where axes[axis] == .batch {
      batch.append(extents[axis], stride: strides[axis])
    }
    self.batch = batch
    var blocks: [Block] = []
    var begin = 0
    for size in split?.sizes ?? [0] {
      var (rows, columns) = (StridedMatrix.Axes(), StridedMatrix.Axes())
      for axis in axes.indices {
        let extent = axis == split?.axis ? size : extents[axis]
        switch axes[axis] {
        case .output: rows.append(extent, stride: strides[axis])
        case .input: columns.append(extent, stride: strides[axis])
        case .batch: break
        }
      }
      blocks.append(
        Block(
          matrix: StridedMatrix(rows: rows, columns: columns),
          shape: Shape(rows: rows.count, columns: columns.count),
          start: split.map { begin * strides[$0.axis] } ?? 0))
      begin += size
    }
    self.blocks = blocks
  }

  /// A parameter of 2 dimensions: one matrix.
  init(_ shape: Shape) { self.init([.output, .input], shape.extents, split: nil) }

  var batchCount: Int { batch.count }
  /// The matrices.
  var count: Int { batch.count * blocks.count }

  var sumOfShortSides: Int { batch.count * blocks.reduce(0) { $0 + $1.shape.shortSide } }

  /// Where a matrix begins in the parameter.
  func start(batch index: Int, block: Int) -> Int { batch.offset(index) + blocks[block].start }

  /// The layout of a buffer that has, for each matrix, a number for each row, each column, or one.
  func reduced(rows: Bool, columns: Bool) -> MatrixLayout {
    func isKept(_ axis: Axis) -> Bool { axis == .batch || (axis == .output ? rows : columns) }
    var extents = extents
    for axis in axes.indices where !isKept(axes[axis]) {
      extents[axis] = axis == split?.axis ? blocks.count : 1
    }
    let split = split.map { split in
      isKept(axes[split.axis])
        ? split : MatrixView.Split(axis: split.axis, sizes: split.sizes.map { _ in 1 })
    }
    return MatrixLayout(axes, extents, split: split)
  }

  /// For checkpoints: what tells it from any other view of the parameter.
  var text: String {
    let letters = String(String.UnicodeScalarView(axes.map(\.rawValue)))
    let shape = extents.map(String.init).joined(separator: ",")
    guard let split else { return "\(letters) \(shape)" }
    return "\(letters) \(shape) \(split.axis):"
      + split.sizes.map(String.init).joined(separator: ",")
  }
}

/// What a parameter is like, without its memory.
package struct ParameterForm {
  /// For messages: "parameter w1".
  let owner: String
  let shape: Shape
  /// How it is seen as matrices; `nil` where it was not said.
  let view: MatrixView?
  /// Of a view, or of a parameter of 2 dimensions.
  let matrices: MatrixLayout?
  package let storage: ParameterStorage

  /// - Throws: `shape` for extents that cannot be, `invalidArgument` and `shape` for a view that does not fit,
  ///   `elementType` and `unsupported` for storage in other types.
  package init(
    _ name: String, _ extents: [Int], view: MatrixView? = nil,
    storage: ParameterStorage = ParameterStorage()
  ) throws(MuonError) {
    owner = Parameter.owner(name)
    shape = try Shape(extents, of: owner)
    self.storage = storage
    try storage.check(owner)
    self.view = view
    if let view {
      matrices = try view.layout(of: shape, owner)
    } else {
      matrices = extents.count == 2 ? MatrixLayout(shape) : nil
    }
  }

  /// Requires matrices, each of extents that BLAS can count.
  func requireMatrices() throws(MuonError) -> MatrixLayout {
    guard let matrices else {
      try shape.requireMatrix(of: owner)
      return MatrixLayout(shape)
    }
    for block in matrices.blocks { try block.shape.requireMatrix(of: owner) }
    return matrices
  }
}
