/// Makes the optimizers a configuration asks for, with the parameters that `Route` sends to them: a
/// `Muon`, an `AdamW`, or both in that order. A side without parameters is not made.
///
/// - Throws: `configuration` with the path of the value that cannot be used, `invalidArgument` where
///   two parameters share memory, `unsupported` as `Muon`, `outOfMemory` for the state.
public func buildOptimizers(
  _ parameters: [Parameter], configuration: TrainingConfiguration
) throws(MuonError) -> [Optimizer] {
  try buildOptimizers(parameters.map { ParameterBinding($0) }, configuration: configuration)
}

/// The same for parameters with state of the caller's.
package func buildOptimizers(
  _ bindings: [ParameterBinding], configuration: TrainingConfiguration
) throws(MuonError) -> [Optimizer] {
  try configuration.checkTraining()
  let muonOptions = try configuration.muonOptions()
  let adamWOptions = try configuration.adamWOptions()
  try requireApart(bindings)
  var optimizers: [Optimizer] = []
  func add(_ optimizer: Optimizer) throws(MuonError) {
    let routed = bindings.filter {
      Route($0.parameter, configuration: configuration).optimizer == optimizer.kind
    }
    guard !routed.isEmpty else { return }
    try optimizer.add(routed)
    optimizers.append(optimizer)
  }
  try add(try Muon(options: muonOptions))
  try add(try AdamW(options: adamWOptions))
  return optimizers
}

/// Makes one scheduler for each optimizer: a warmup from 1e-5 to 1, if there is one, and then the main
/// schedule, whose length is the whole training, `epochs * batchesPerEpoch`. With neither, the rates
/// stay as they are.
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
  let schedule = try configuration.schedule(batchesPerEpoch: batchesPerEpoch)
  var schedulers: [Scheduler] = []
  for optimizer in optimizers { schedulers.append(try Scheduler(schedule, for: [optimizer])) }
  return schedulers
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
