/// Options of a parameter group.
public protocol GroupOptions: OptionTable {
  /// Finite, at least 0.
  var learningRate: Double { get set }
  /// Decoupled; finite, at least 0.
  var weightDecay: Double { get set }
}

/// An optimizer with options of one kind for each of its parameter groups: what `Muon` and `AdamW` have in
/// common beside what every `Optimizer` has.
public class GroupedOptimizer<Options: GroupOptions>: Optimizer {
  /// Always valid.
  final var groups: [Options] = []

  init(
    _ kind: OptimizerKind, state: [StateBuffer], _ parameters: [Parameter], _ options: Options
  ) throws(MuonError) {
    super.init(kind, state: state)
    try addGroup(parameters, options: options)
  }

  /// Refuses a parameter that cannot be trained with these options.
  func requireTrainable(_ parameter: ParameterForm, _ options: Options) throws(MuonError) {}

  /// Adds a group with these parameters and returns its index: all, or nothing.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and for memory that overlaps, `shape` and
  ///   `unsupported` for what cannot be trained, `outOfMemory` for the state.
  @discardableResult
  public func addGroup(
    _ parameters: [Parameter] = [], options: Options
  ) throws(MuonError) -> Int {
    try addGroup(parameters.map { ParameterBinding($0) }, options: options)
  }

  /// The same for parameters with state of the caller's.
  package func addGroup(
    _ bindings: [ParameterBinding], options: Options
  ) throws(MuonError) -> Int {
    try options.check()
    groups.append(options)
    do {
      try add(bindings, toGroup: groups.count - 1)
    } catch {
      groups.removeLast()
      throw error
    }
    return groups.count - 1
  }

  /// The options of a group.
  ///
  /// - Throws: `invalidArgument` where there is no such group.
  public func options(ofGroup group: Int = 0) throws(MuonError) -> Options {
    try requireIndex(group, count: groupCount, "parameter group")
    return groups[group]
  }

  /// Takes effect with the next step.
  ///
  /// State that other options need begins with zeros; state that they do not need any more is dropped.
  ///
  /// - Throws: `invalidArgument` for an option outside its range and where there is no such group,
  ///   `unsupported` for what this processor cannot do, or not with the parameters of the group, `outOfMemory`
  ///   for the state.
  public func setOptions(_ options: Options, ofGroup group: Int = 0) throws(MuonError) {
    try requireIdle()
    try requireIndex(group, count: groupCount, "parameter group")
    try requireUsable(options, ofGroup: group)
    let states = try states(ofGroup: group, with: options)
    groups[group] = options
    install(states)
    plansAreStale = true
  }

  private func requireUsable(_ options: Options, ofGroup group: Int) throws(MuonError) {
    try options.check()
    for each in trained where each.group == group {
      try requireTrainable(each.form, options)
    }
  }

  // MARK: What every optimizer has

  /// The number of parameter groups, which count from 0.
  public final override var groupCount: Int { groups.count }

  final override func requireTrainable(
    _ parameter: ParameterForm, inGroup group: Int
  ) throws(MuonError) {
    try requireTrainable(parameter, groups[group])
  }

  final override var groupOptions: [any GroupOptions] { groups }

  final override func replacingOptions(
    _ replaced: [any GroupOptions]
  ) throws(MuonError) -> OptionsReplacement {
    var groups = groups
    var states: [Int: [StateMemory]] = [:]
    for (group, each) in replaced.enumerated() {
      guard group < groups.count, let options = each as? Options else {
        throw MuonError(.invalidArgument, "options of another optimizer")
      }
      try requireUsable(options, ofGroup: group)
      groups[group] = options
      states.merge(try self.states(ofGroup: group, with: options)) { $1 }
    }
    return OptionsReplacement(states: states) { [groups] in
      self.groups = groups
      self.install(states)
      self.plansAreStale = true
    }
  }
}
