/// The Muon optimizer, for matrices: momentum, orthogonalized by a Newton–Schulz iteration.
///
/// With the gradient g and the momentum m of a matrix p (m starts at 0):
///
///     m ← β m + g,   u = g + β m with Nesterov, else m     (see `MomentumStyle`)
///     O = orthogonalize(u)                                 (see `Backend`)
///     p ← p (1 - lr·weightDecay) - lr·s·O                  (see `ShapeScale`)
///
/// Keller Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.
public final class Muon: Optimizer {
  private let muon = MuonRule()

  /// Parameters of 2 dimensions, in a first group with these options.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and for memory that overlaps, `shape`
  ///   for a parameter that is not a matrix, `unsupported` for a precision that the processor or the
  ///   backend does not have and for a matrix too large for BLAS or LAPACK, `outOfMemory` for the state.
  public init(
    _ parameters: [Parameter] = [], options: MuonOptions = MuonOptions()
  ) throws(MuonError) {
    super.init(rule: muon)
    try muon.append(options)
    try add(parameters)
  }

  /// Adds a group with these parameters and returns its index: all, or nothing.
  ///
  /// - Throws: As `init(_:options:)`.
  @discardableResult
  public func addGroup(
    _ parameters: [Parameter] = [], options: MuonOptions
  ) throws(MuonError) -> Int {
    try addGroup(parameters.map { ParameterBinding($0) }, options: options)
  }

  /// The same for parameters with state of the caller's.
  package func addGroup(
    _ bindings: [ParameterBinding], options: MuonOptions
  ) throws(MuonError) -> Int {
    try muon.append(options)
    do {
      try add(bindings, toGroup: groupCount - 1)
    } catch {
      muon.removeLast()
      throw error
    }
    return groupCount - 1
  }

  /// The options of a group.
  ///
  /// - Throws: `invalidArgument` where there is no such group.
  public func options(ofGroup group: Int = 0) throws(MuonError) -> MuonOptions {
    try requireIndex(group, count: groupCount, "parameter group")
    return muon.groups[group]
  }

  /// Takes effect with the next step.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and where there is no such group,
  ///   `unsupported` as `init(_:options:)`.
  public func setOptions(_ options: MuonOptions, ofGroup group: Int = 0) throws(MuonError) {
    try requireIndex(group, count: groupCount, "parameter group")
    for member in members where member.group == group {
      _ = try options.orthogonalizer().plan(
        rows: member.parameter.layout.rows, columns: member.parameter.layout.columns)
    }
    try muon.set(options, ofGroup: group)
  }
}
