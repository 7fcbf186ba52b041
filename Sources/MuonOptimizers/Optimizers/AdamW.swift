/// AdamW, for parameters of any shape (arXiv 1711.05101), as `torch.optim.AdamW` computes it.
///
/// At step t of a parameter p, from 1, with means m and v that start at 0:
///
///     p ← p (1 - lr·weightDecay)
///     m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²
///     p ← p - lr/(1 - β₁ᵗ) · m / (√v/√(1 - β₂ᵗ) + ε)
///
/// m and v are float32. What is below `Float.leastNormalMagnitude` counts as 0 where that changes the update by
/// less than 1e-6 of it, which is so for the default ε.
public final class AdamW: Optimizer {
  private let adamW = AdamWRule()

  /// Parameters of any shape, in a first group with these options.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and for memory that overlaps,
  ///   `outOfMemory` for the state.
  public init(
    _ parameters: [Parameter] = [], options: AdamWOptions = AdamWOptions()
  ) throws(MuonError) {
    super.init(rule: adamW)
    try adamW.groups.append(options)
    try add(parameters)
  }

  /// Adds a group with these parameters and returns its index: all, or nothing.
  ///
  /// - Throws: As `init(_:options:)`.
  @discardableResult
  public func addGroup(
    _ parameters: [Parameter] = [], options: AdamWOptions
  ) throws(MuonError) -> Int {
    try addGroup(parameters.map { ParameterBinding($0) }, options: options)
  }

  /// The same for parameters with state of the caller's.
  package func addGroup(
    _ bindings: [ParameterBinding], options: AdamWOptions
  ) throws(MuonError) -> Int {
    try adamW.groups.append(options)
    do {
      try add(bindings, toGroup: groupCount - 1)
    } catch {
      adamW.groups.removeLast()
      throw error
    }
    return groupCount - 1
  }

  /// The options of a group.
  ///
  /// - Throws: `invalidArgument` where there is no such group.
  public func options(ofGroup group: Int = 0) throws(MuonError) -> AdamWOptions {
    try requireIndex(group, count: groupCount, "parameter group")
    return adamW.groups[group]
  }

  /// Takes effect with the next step.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and where there is no such group.
  public func setOptions(_ options: AdamWOptions, ofGroup group: Int = 0) throws(MuonError) {
    try requireIndex(group, count: groupCount, "parameter group")
    try adamW.groups.set(options, ofGroup: group)
  }
}
