/// Makes the optimizers a configuration asks for, with the parameters that `Route` sends to them: a
/// `Muon`, an `AdamW`, or both in that order. A side without parameters is not made.
///
/// Parameters with the same optimizer and the same options are one group; groups are in the order of their first
/// parameters. The log is told of rules that no parameter follows, and of parameters that no rule is for and whose
/// names or shapes look as if they belonged to the other optimizer.
///
/// - Throws: `configuration` with the path of the value that cannot be used, `invalidArgument` where
///   two parameters share memory, `unsupported` as `Muon`, `outOfMemory` for the state.
public func buildOptimizers(
  _ parameters: [Parameter], configuration: TrainingConfiguration
) throws(MuonError) -> [Optimizer] {
  try Log.holding { () throws(MuonError) in
    let optimizers = try buildOptimizers(
      parameters.map { ParameterBinding($0) }, configuration: configuration)
    let router = Router(configuration)
    router.warn(of: parameters.map { .init($0.name, $0.shape, router.route($0)) })
    return optimizers
  }
}

/// The same for parameters with state of the caller's. The log is told nothing: see `Router.warn`.
package func buildOptimizers(
  _ bindings: [ParameterBinding], configuration: TrainingConfiguration
) throws(MuonError) -> [Optimizer] {
  let options = try PlannedOptions(configuration)
  try requireApart(bindings)
  let router = Router(configuration)
  var (muon, adamW) = (Groups<MuonOptions>(), Groups<AdamWOptions>())
  for var binding in bindings {
    let route = router.route(binding.parameter)
    switch route.optimizer {
    case .muon:
      try binding.follow(route, configuration)
      muon.add(binding, options.muon(rule: route.rule))
    case .adamW: adamW.add(binding, options.adamW(rule: route.rule))
    case nil: break
    }
  }
  var optimizers: [Optimizer] = []
  func makeMuon(_ options: MuonOptions) throws(MuonError) -> Muon { try Muon(options: options) }
  func makeAdamW(_ options: AdamWOptions) throws(MuonError) -> AdamW {
    try AdamW(options: options)
  }
  if let made = try muon.optimizer(makeMuon) { optimizers.append(made) }
  if let made = try adamW.optimizer(makeAdamW) { optimizers.append(made) }
  return optimizers
}

/// The parameters of an optimizer, by their options.
private struct Groups<Options: GroupOptions> {
  private var groups: [(options: Options, bindings: [ParameterBinding])] = []

  mutating func add(_ binding: ParameterBinding, _ options: Options) {
    let index = groups.firstIndex { $0.options == options } ?? groups.count
    if index == groups.count { groups.append((options, [])) }
    groups[index].bindings.append(binding)
  }

  /// `nil` where there is no parameter.
  func optimizer(
    _ make: (Options) throws(MuonError) -> GroupedOptimizer<Options>
  ) throws(MuonError) -> Optimizer? {
    guard let first = groups.first else { return nil }
    let optimizer = try make(first.options)
    try optimizer.add(first.bindings)
    for each in groups.dropFirst() {
      _ = try optimizer.addGroup(each.bindings, options: each.options)
    }
    return optimizer
  }
}

extension ParameterBinding {
  /// Takes the view of a rule that sends it to Muon, and requires that it is one or several matrices then.
  fileprivate mutating func follow(
    _ route: Route, _ configuration: TrainingConfiguration
  ) throws(MuonError) {
    guard let number = route.rule else { return }
    let view = configuration.rules[number].view
    let path = "rules[\(number)]" + (view == nil ? ": " : ".view: ")
    form = try inConfiguration(path) { () throws(MuonError) in
      let form =
        view == nil
        ? form
        : try ParameterForm(
          parameter.name, parameter.shape, view: view, storage: parameter.storage)
      if route.reason == .rule { _ = try form.requireMatrices() }
      return form
    }
  }
}

/// Makes one scheduler for each optimizer: a warmup from 1e-5 to 1, if there is one, and then the main
/// schedule, whose length is the whole training, `epochs * batchesPerEpoch`. With neither, the rates
/// stay as they are. After these come, where the configuration has schedules of them, one for the momentum of each
/// `Muon`, and one for the weight decay of each optimizer.
///
/// - Parameters:
///   - optimizers: Those of `buildOptimizers`, or any others.
///   - configuration: Its `training.epochs` is needed here.
///   - batchesPerEpoch: At least 1; schedules are stepped once a batch.
/// - Throws: `configuration` with the path of the value that cannot be used, `invalidArgument` for
///   `batchesPerEpoch`.
public func buildSchedulers(
  _ optimizers: [Optimizer], configuration: TrainingConfiguration, batchesPerEpoch: Int
) throws(MuonError) -> [Scheduler] {
  try PlannedSchedules(configuration, batchesPerEpoch: batchesPerEpoch).schedulers(for: optimizers)
}

/// Requires that no two parameters share memory: one would go to Muon and one to AdamW.
private func requireApart(_ bindings: [ParameterBinding]) throws(MuonError) {
  var taken = AddressRanges()
  for (index, parameter) in bindings.map(\.parameter).enumerated() {
    let range = parameter.data.addresses
    if let other = taken.owner(overlapping: range) {
      let owner = bindings[other.parameter].parameter.owner
      throw MuonError(
        .invalidArgument, "the data of \(parameter.owner) overlaps that of \(owner) in memory")
    }
    taken.insert(range, owner: AddressRanges.Owner(parameter: index, buffer: .data))
  }
}
