/// A parameter seen as a batch of matrices, each of which `Muon` treats as a parameter of its own.
///
/// Each axis of the parameter, or of the shape that it is seen with, has a letter: `o` for outputs, which are rows, `i`
/// for inputs, which are columns, `b` for a matrix for each index. Several axes of one letter run as one, the last
/// fastest. Nothing is copied or moved: momentum and parameter keep their layout.
public struct MatrixView: Hashable, Sendable {
  /// A letter an axis; at least one `o` and one `i`.
  public let axes: String
  /// What the parameter is read as, row-major; one extent may be -1: what is left. Empty: its own shape.
  public let shape: [Int]
  /// An `o` or `i` axis in blocks, each of which is a matrix; `nil`: none.
  public let split: Split?

  /// An axis in blocks.
  public struct Split: Hashable, Sendable {
    /// From 0.
    public let axis: Int
    /// The extents of the blocks, each at least 1; their sum is that of the axis.
    public let sizes: [Int]

    /// An axis in blocks of these extents.
    public init(axis: Int, sizes: [Int]) {
      self.axis = axis
      self.sizes = sizes
    }
  }

  /// What it says is checked when a parameter is made with it.
  public init(_ axes: String = "oi", shape: [Int] = [], split: Split? = nil) {
    self.axes = axes
    self.shape = shape
    self.split = split
  }

  /// - Parameter owner: For messages, such as "parameter w1".
  func layout(of parameter: Shape, _ owner: String) throws(MuonError) -> MatrixLayout {
    let letters = try letters(owner)
    let extents = try resolved(parameter, owner)
    guard letters.count == extents.count else {
      throw MuonError(
        .invalidArgument,
        "the view of \(owner) has \(letters.count) axes, \"\(shownAxes)\", for \(extents.count) dimensions"
      )
    }
    try requireSplit(letters, extents, owner)
    return MatrixLayout(letters, extents, split: split)
  }

  private var shownAxes: String { axes.shortened(to: 20).escapingControls }

  /// Requires letters that a view can have, before there is a parameter.
  func checkAxes(_ owner: String) throws(MuonError) { _ = try letters(owner) }

  private func letters(_ owner: String) throws(MuonError) -> [MatrixLayout.Axis] {
    var letters: [MatrixLayout.Axis] = []
    for letter in axes.unicodeScalars.prefix(Shape.maximumDimensions + 1) {
      guard let axis = MatrixLayout.Axis(rawValue: letter) else {
        throw MuonError(
          .invalidArgument,
          "the view of \(owner) has axes \"\(shownAxes)\"; each must be 'o', 'i' or 'b'")
      }
      letters.append(axis)
    }
    guard letters.contains(.output), letters.contains(.input) else {
      throw MuonError(
        .invalidArgument,
        "the view of \(owner) has axes \"\(shownAxes)\"; at least one 'o' and one 'i' are needed")
    }
    return letters
  }

  /// The extents that the parameter is read with.
  private func resolved(_ parameter: Shape, _ owner: String) throws(MuonError) -> [Int] {
    guard !shape.isEmpty else { return parameter.extents }
    let label = "the view of \(owner)"
    let text = "(" + shape.prefix(9).map(String.init).joined(separator: ", ") + ")"
    guard let open = shape.firstIndex(of: -1) else {
      let view = try Shape(shape, of: label)
      guard view.count == parameter.count else {
        throw MuonError(
          .shape,
          "\(label) has shape \(text), of \(view.count) elements; \(parameter) has \(parameter.count)"
        )
      }
      return shape
    }
    var extents = shape
    extents[open] = 1
    let rest = try Shape(extents, of: label).count
    guard rest > 0, parameter.count % rest == 0 else {
      throw MuonError(
        .shape, "\(label) has shape \(text); \(parameter) has \(parameter.count) elements")
    }
    extents[open] = parameter.count / rest
    return extents
  }

  private func requireSplit(
    _ letters: [MatrixLayout.Axis], _ extents: [Int], _ owner: String
  ) throws(MuonError) {
    guard let split else { return }
    guard letters.indices.contains(split.axis), letters[split.axis] != .batch else {
      throw MuonError(
        .invalidArgument,
        "the view of \(owner) splits axis \(split.axis) of \"\(shownAxes)\"; it must be that of an 'o' or 'i'"
      )
    }
    var sum = 0
    for size in split.sizes {
      guard size >= 1, size <= extents[split.axis] - sum else {
        throw splitError(split, extents, owner)
      }
      sum += size
    }
    guard sum == extents[split.axis], !split.sizes.isEmpty else {
      throw splitError(split, extents, owner)
    }
  }

  private func splitError(_ split: Split, _ extents: [Int], _ owner: String) -> MuonError {
    let sizes = split.sizes.prefix(8).map(String.init) + (split.sizes.count > 8 ? ["..."] : [])
    return MuonError(
      .shape,
      "the view of \(owner) splits an axis of \(extents[split.axis]) into \(sizes.joined(separator: ", ")); "
        + "they must be at least 1 each and add up to it")
  }
}
