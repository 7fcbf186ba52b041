/// Options of an orthogonalization, checked, with the coefficients of the backend worked out: what the plans
/// for matrices of different shapes have in common.
struct Orthogonalizer {
  let backend: Backend
  let coefficients: [Coefficients]
  let epsilon: Double
  /// `nil` for `svd`.
  let table: CoefficientTable?
  let precision: Precision
  let method: NewtonSchulzMethod

  init(_ options: OrthogonalizeOptions) throws(MuonError) {
    backend = options.backend
    coefficients = try backend.coefficients(steps: options.steps)
    table = try backend.table()
    epsilon = options.epsilon
    precision = options.precision
    method = options.method
    if precision != .auto, let table {
      guard precision.kernel != nil else {
        throw MuonError(
          .unsupported, "precision \(precision): the processor has no such products")
      }
      guard precision != .bf16 || table.toleratesBF16 else {
        throw MuonError(
          .unsupported, "precision bf16: backend \(backend.name) is too far off in bfloat16")
      }
      guard precision != .int8 || coefficients.count <= table.mostInt8Steps else {
        throw MuonError(
          .unsupported,
          "precision int8: with backend \(backend.name) it is too far off for more than "
            + "\(table.mostInt8Steps) steps, got \(coefficients.count)")
      }
    }
    if method == .gram { try requireGram() }
  }

  private func requireGram() throws(MuonError) {
    guard let table, table.gramRestarts != nil else {
      throw MuonError(.unsupported, "method gram: backend \(backend.name) is not known to stand it")
    }
    guard precision != .bf16, precision != .int8 else {
      throw MuonError(.unsupported, "method gram: it is too far off in precision \(precision)")
    }
    guard coefficients.count <= Self.mostGramSteps else {
      throw MuonError(
        .unsupported,
        "method gram: it is close enough for at most \(Self.mostGramSteps) steps, "
          + "not for \(coefficients.count)")
    }
  }

  /// The tables' restarts keep the Gram iteration close for so many steps, and are not known to for more.
  static let mostGramSteps = 5

  /// How matrices of a shape are orthogonalized.
  ///
  /// - Throws: `unsupported` for a matrix that is too large for LAPACK, where that is needed.
  func plan(rows: Int, columns: Int) throws(MuonError) -> OrthogonalizationPlan {
    try OrthogonalizationPlan(rows: rows, columns: columns, self)
  }
}
