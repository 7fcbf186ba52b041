/// The type of the elements of a buffer.
public enum ElementType: String, CaseIterable, Sendable {
  /// float32.
  case float32 = "f32"
  /// bfloat16: the upper half of a float32.
  case bfloat16 = "bf16"
  /// float16, IEEE 754's binary16.
  case float16 = "f16"
  /// A signed integer of 16 bits, of the state `remainder` alone.
  case int16 = "i16"

  /// In bytes; also what addresses are aligned to.
  package var size: Int { self == .float32 ? 4 : 2 }
}
