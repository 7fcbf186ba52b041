/// What operands of the matrix products are rounded to. Sums and storage are float32 in all.
public enum Precision: String, CaseIterable, Sendable {
  /// The fastest that stays within 1e-2 of the exact polynomial, or closer than an iteration that stores
  /// bfloat16 does, on every matrix of the tests: `int16` where that is faster and the matrix is not tiny;
  /// else `f32`; `f32` for coefficients of your own.
  case auto
  /// float32.
  case f32
  /// bfloat16. `MuonError.Code.unsupported` on a processor without such products, and for a backend that
  /// they would take too far from its polynomial.
  case bf16
  /// 16-bit integers in block floating point, 4095 to each side with a scale for each 120 or 128 of them: as a rule
  /// 7 times closer than bfloat16. With VNNI as fast as that, with AVX2 alone 1.5 times as fast as `f32` on most
  /// processors. `MuonError.Code.unsupported` on a processor without AVX2.
  case int16
  /// The same with 8-bit integers, 127 to each side: twice as fast as that with VNNI, and as far off as an iteration
  /// that stores bfloat16, but farther where a matrix is of low rank. `MuonError.Code.unsupported` on a processor
  /// without VNNI, and for more than 5 steps of `polarExpress`, `cans` and coefficients of your own.
  case int8

  /// What multiplies so; `nil` where the processor has nothing that does, and for `auto`.
  var kernel: ProductKernel? {
    switch self {
    case .auto: nil
    case .f32: .f32
    case .bf16: .bf16
    case .int16: .int16
    case .int8: .int8
    }
  }
}
