/// How the polynomial of a backend is evaluated: the same function at another cost, and with other
/// rounding. A vector, of one row or one column, needs no iteration, and `svd` has none.
public enum NewtonSchulzMethod: String, CaseIterable, Sendable {
  /// The cheaper one for the shape, the backend and the processor. `gram` for long matrices only, where
  /// it takes no more memory than `standard` may.
  case auto
  /// Every step multiplies the matrix itself.
  case standard
  /// The steps are made on the Gram matrix of the shorter side, whatever the shape.
  /// `MuonError.Code.unsupported` with precision `bf16` or `int8`, for more than 5 steps, and for all backends but
  /// `newtonSchulz5`, `polarExpress`, `you`, `cans` and `cubic5`: it squares the condition number, and
  /// only with these is it known to stay close to the polynomial: in `f32`, up to a short side of 1024, within
  /// 1e-3 where the matrix is of rank 1 (`newtonSchulz5` and `you`: 2e-4, `cubic5`: 3e-2), and closer where it is
  /// not; in `int16` no further off than that or an iteration that stores bfloat16.
  case gram
}
