/// How a matrix is replaced by an orthogonal one.
///
/// All but `svd` evaluate an odd polynomial by Newton–Schulz steps; they differ in its coefficients.
public enum Backend: Hashable, Sendable {
  /// Keller Jordan's quintic, 5 steps: the default of `Muon`.
  case newtonSchulz5
  /// The exact polar factor, by LAPACK. It has no steps.
  case svd
  /// arXiv 2505.16932, 5 steps.
  case polarExpress
  /// Jiacheng You's quintic, 5 steps.
  case you
  /// arXiv 2506.10935, of x/1.01 in all steps but the last, 5 steps. As it was published it is too steep at 1
  /// to be rounded.
  case cans
  /// 8 steps of `newtonSchulz5`, then 2 of (2, -1.5, 0.5).
  case deepSeekV4
  /// arXiv 2606.00371, cubic, always 5 steps.
  case cubic5
  /// arXiv 2512.04632 with its AOL scaling and the coefficients that its authors mended later, always 4
  /// steps.
  case turbo
  /// (3, -3.2, 1.2), 10 steps: the default of `orthogonalize`.
  case orthogonalize
  /// Coefficients of your own, 1 to 99 rows; the last repeats.
  case custom([Coefficients])

  /// Every backend that has a name of its own, that is, all but `custom`.
  public static let named: [Backend] = [
    .newtonSchulz5, .svd, .polarExpress, .you, .cans, .deepSeekV4, .cubic5, .turbo, .orthogonalize,
  ]

  /// The name in a configuration.
  public var name: String {
    switch self {
    case .newtonSchulz5: "newtonschulz5"
    case .svd: "svd"
    case .polarExpress: "polar_express"
    case .you: "you"
    case .cans: "cans"
    case .deepSeekV4: "deepseekv4"
    case .cubic5: "cubic5"
    case .turbo: "turbo"
    case .orthogonalize: "orthogonalize"
    case .custom: "custom"
    }
  }

  /// The numbers of steps that can be asked for.
  public static let stepRange = 1...99

  /// The rows this backend uses for a number of steps; `nil` is its own number. Empty for `svd`.
  ///
  /// - Throws: `invalidArgument` for steps outside `stepRange`, for other than the one number of a
  ///   backend that has it always, and for rows of `custom` that are too many, none or not finite.
  public func coefficients(steps: Int? = nil) throws(MuonError) -> [Coefficients] {
    guard let table = try table() else {
      if let steps { try require(steps, in: Backend.stepRange, "backend_steps") }
      return []
    }
    guard let steps else { return table.rows(for: table.ownSteps) }
    try require(steps, in: Backend.stepRange, "backend_steps")
    guard table.continuation != .none || steps == table.ownSteps else {
      throw MuonError(
        .invalidArgument,
        "backend \(name) has exactly \(table.ownSteps) steps, got backend_steps \(steps)")
    }
    return table.rows(for: steps)
  }

  /// Whether X is scaled row by row (AOL) after it was divided by its norm.
  var usesAOLScaling: Bool { self == .turbo }

  func table() throws(MuonError) -> CoefficientTable? {
    switch self {
    case .newtonSchulz5: return .newtonSchulz5
    case .svd: return nil
    case .polarExpress: return .polarExpress
    case .you: return .you
    case .cans: return .cans
    case .deepSeekV4: return .deepSeekV4
    case .cubic5: return .cubic5
    case .turbo: return .turbo
    case .orthogonalize: return .orthogonalize
    case .custom(let rows):
      try require(rows.count, in: Backend.stepRange, "coefficients_count")
      for row in rows where ![row.a, row.b, row.c].allSatisfy(isFiniteInFloat) {
        throw MuonError(
          .invalidArgument,
          "coefficients must be finite in float32, got (\(row.a), \(row.b), \(row.c))")
      }
      return CoefficientTable(rows, then: .repeatLast, toleratesInt16: false, mostInt8Steps: 5)
    }
  }
}
