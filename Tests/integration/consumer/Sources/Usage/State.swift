import MuonOptimizers

/// What a checkpoint has to hold of one optimizer: a value of the standard library's types.
private struct Checkpoint: Codable, Hashable, Sendable {
  var data: [[Float]] = []
  var state: [[[Float]]] = []
  var steps: [Int] = []
  var initialRate: Double?
  var schedulerStep: Int

  static func buffers(of optimizer: Optimizer) -> [ParameterBuffer] {
    switch optimizer.kind {
    case .muon: [.momentum]
    case .adamW: [.meanGradient, .meanSquaredGradient]
    }
  }

  init(_ optimizer: Optimizer, _ scheduler: Scheduler) throws {
    schedulerStep = scheduler.currentStep
    initialRate = try optimizer.initialLearningRate()
    for index in optimizer.parameters.indices {
      data.append(try optimizer.values(of: .data, ofParameter: index))
      steps.append(try optimizer.steps(ofParameter: index))
      state.append(
        try Checkpoint.buffers(of: optimizer).map {
          try optimizer.values(of: $0, ofParameter: index)
        })
    }
  }

  func restore(_ optimizer: Optimizer, _ scheduler: Scheduler) throws {
    for index in optimizer.parameters.indices {
      try optimizer.setValues(data[index], of: .data, ofParameter: index)
      try optimizer.setSteps(steps[index], ofParameter: index)
      for (buffer, values) in zip(Checkpoint.buffers(of: optimizer), state[index]) {
        try optimizer.setValues(values, of: buffer, ofParameter: index)
      }
    }
    try optimizer.setInitialLearningRate(initialRate)
    try scheduler.setStep(schedulerStep)
  }
}

/// Ten steps, a checkpoint, ten more: as from the checkpoint in a new optimizer, to the bit.
func usesState() throws {
  try roundTrip([8, 5]) { try Muon($0, options: MuonOptions(momentumStyle: .ema)) }
  try roundTrip([7]) { try AdamW($0) }
}

private func roundTrip(
  _ shape: [Int], _ make: ([Parameter]) throws -> Optimizer
) throws {
  func fresh(seed: UInt64) throws -> (Optimizer, Scheduler) {
    let optimizer = try make([parameter("p", shape, seed: seed)])
    return (optimizer, try Scheduler(.cosine(tMax: 30), for: [optimizer]))
  }
  func train(_ optimizer: Optimizer, _ scheduler: Scheduler, steps: Range<Int>) throws {
    for step in steps {
      for parameter in optimizer.parameters {
        try parameter.setGradient(uniform(parameter.count, seed: UInt64(50 + step)))
      }
      try optimizer.step()
      try scheduler.step()
    }
  }
  let (first, firstScheduler) = try fresh(seed: 1)
  try train(first, firstScheduler, steps: 0..<10)
  let checkpoint = try Checkpoint(first, firstScheduler)
  try train(first, firstScheduler, steps: 10..<20)

  let (second, secondScheduler) = try fresh(seed: 2)
  try check(Checkpoint(second, secondScheduler) != checkpoint)
  try checkpoint.restore(second, secondScheduler)
  try check(Checkpoint(second, secondScheduler) == checkpoint)
  try train(second, secondScheduler, steps: 10..<20)
  try check(Checkpoint(second, secondScheduler) == Checkpoint(first, firstScheduler))
}
