/// The element type of the matrix products.
public enum Precision: String, CaseIterable, Sendable {
  /// The fastest that meets the accuracy the README states; in this version, `f32`.
  case auto
  /// float32.
  case f32
  /// Not in this version: `MuonError.Code.unsupported`.
  case bf16

  func check() throws(MuonError) {
    guard self != .bf16 else {
      throw MuonError(.unsupported, "precision bf16 is not in this version; use auto or f32")
    }
  }
}
