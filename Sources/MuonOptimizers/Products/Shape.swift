/// The extents of a row-major array, checked: none is negative, and their product can be addressed.
package struct Shape: Hashable, Sendable, CustomStringConvertible {
  package let extents: [Int]
  /// The number of elements, the product of the extents.
  package let count: Int

  package static let maximumDimensions = 8

  /// `owner` is for messages, such as "parameter w1".
  package init(_ extents: [Int], of owner: String) throws(MuonError) {
    guard extents.count <= Shape.maximumDimensions else {
      throw MuonError(
        .shape,
        "\(owner) has \(extents.count) dimensions; at most \(Shape.maximumDimensions) are accepted")
    }
    for extent in extents where extent < 0 {
      throw MuonError(.shape, "\(owner) has a negative extent, \(extent)")
    }
    // A zero extent empties the array, whatever the others are.
    guard !extents.contains(0) else {
      (self.extents, count) = (extents, 0)
      return
    }
    var count = 1
    for extent in extents {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= Int.max / MemoryLayout<Float>.stride else {
        throw MuonError(.shape, "\(owner) has more elements than can be addressed: \(extents)")
      }
      count = product
    }
    (self.extents, self.count) = (extents, count)
  }

  /// Of a part of an array.
  init(rows: Int, columns: Int) { (extents, count) = ([rows, columns], rows * columns) }

  package var description: String {
    "(" + extents.map(String.init).joined(separator: ", ") + (extents.count == 1 ? ",)" : ")")
  }

  func requireCount(_ given: Int, of owner: @autoclosure () -> String) throws(MuonError) {
    guard given == count else {
      throw MuonError(.shape, "\(owner()) of shape \(self) has \(count) elements, got \(given)")
    }
  }

  /// Requires two dimensions, each within what BLAS can count.
  func requireMatrix(of owner: String) throws(MuonError) {
    guard extents.count == 2 else {
      throw MuonError(
        .shape, "\(owner) has shape \(self); Muon takes matrices, of exactly 2 dimensions")
    }
    // So that no sum of what their products take leaves 64 bits.
    guard count <= Int.max / 64 else {
      throw MuonError(.unsupported, "\(owner) has shape \(self), which is too large")
    }
    guard count == 0 || extents.allSatisfy({ $0 <= OpenBLAS.maximumExtent }) else {
      throw MuonError(
        .unsupported,
        "\(owner) has shape \(self); BLAS takes extents up to \(OpenBLAS.maximumExtent)")
    }
  }

  /// The extents of a matrix.
  var rows: Int { extents[0] }
  var columns: Int { extents[1] }
}
