/// The element type of the matrix products.
public enum Precision: String, CaseIterable, Sendable {
  /// bfloat16 products where the processor is faster at them and the backend stands them, else `f32`.
  case auto
  /// float32.
  case f32
  /// bfloat16 operands, float32 sums and storage. `MuonError.Code.unsupported` on a processor without
  /// such products, and for a backend that they would take too far from its polynomial.
  case bf16
}
