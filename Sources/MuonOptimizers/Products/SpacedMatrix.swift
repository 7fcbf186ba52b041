internal import CMuonKernels

/// A matrix with the same distance from each row to the next, and from each column.
struct SpacedMatrix<Element: CopiedElement> {
  let elements: Elements<Element>
  let betweenRows, betweenColumns: Int

  private func holds(_ rows: Int, _ columns: Int) -> Bool {
    rows > 0 && columns > 0
      && (rows - 1) * betweenRows + (columns - 1) * betweenColumns < elements.count
  }

  /// x_ij ← others_ij, of so many rows and columns.
  func copy(_ others: SpacedMatrix, _ rows: Int, _ columns: Int) {
    precondition(holds(rows, columns) && others.holds(rows, columns))
    unsafe Element.copy(rows, columns, from: others, to: self)
  }
}

/// What there is a pass for that copies matrices.
protocol CopiedElement: BitwiseCopyable {
  /// All of it has been checked.
  @unsafe static func copy(
    _ rows: Int, _ columns: Int, from: SpacedMatrix<Self>, to: SpacedMatrix<Self>)
}

extension Float: CopiedElement {
  @unsafe static func copy(
    _ rows: Int, _ columns: Int, from: SpacedMatrix<Float>, to: SpacedMatrix<Float>
  ) {
    unsafe Kernels.passes.copy(
      rows, columns, from.elements.start, from.betweenRows, from.betweenColumns,
      to.elements.start, to.betweenRows, to.betweenColumns)
  }
}

extension UInt16: CopiedElement {
  @unsafe static func copy(
    _ rows: Int, _ columns: Int, from: SpacedMatrix<UInt16>, to: SpacedMatrix<UInt16>
  ) {
    unsafe Kernels.passes.copy_halves(
      rows, columns, from.elements.start, from.betweenRows, from.betweenColumns,
      to.elements.start, to.betweenRows, to.betweenColumns)
  }
}
