import MuonOptimizers

/// Optimizers have no locks: an actor keeps one to itself.
private actor Trainer {
  private let weight: Parameter
  private let muon: Muon
  private let scheduler: Scheduler

  init(_ options: MuonOptions, _ schedule: Schedule) throws {
    weight = try parameter("weight", [24, 40], seed: 1)
    muon = try Muon([weight], options: options)
    scheduler = try Scheduler(schedule, for: [muon])
  }

  func train(steps: Int) throws(MuonError) -> [Float] {
    for step in 0..<steps {
      try weight.setGradient(uniform(weight.count, seed: UInt64(step)))
      try muon.step()
      try scheduler.step()
    }
    return weight.values
  }
}

/// Several at once, with options and schedules shared between them: all end at the same numbers.
func usesConcurrency() async throws {
  requireSendable(MuonOptions.self, AdamWOptions.self, OrthogonalizeOptions.self)
  requireSendable(Schedule.self, TrainingConfiguration.self, Route.self)
  requireSendable(Backend.self, Coefficients.self, MuonError.self, ParameterBuffer.self)

  let options = MuonOptions(learningRate: 0.1, backend: .polarExpress)
  let schedule = try Schedule.trapezoid(warmupSteps: 5, decaySteps: 5, totalSteps: 30)
  let expected = try await Trainer(options, schedule).train(steps: 30)
  try Threads.setCount(2)
  try check(Threads.count == 2)
  let results = try await withThrowingTaskGroup(of: [Float].self) { group in
    for _ in 0..<4 {
      group.addTask { try await Trainer(options, schedule).train(steps: 30) }
    }
    return try await group.reduce(into: []) { $0.append($1) }
  }
  try Threads.setCount(nil)
  try check(results == [[Float]](repeating: expected, count: 4), "trainers at once disagree")

  // An optimizer that nobody else holds may go to another task.
  let muon = try Muon([try parameter("p", [3, 3], seed: 5)])
  let moved = Task {
    try muon.step()
    return muon.parameters[0].values
  }
  try await check(moved.value.count == 9)
}

private func requireSendable<each Value: Sendable>(_ types: repeat (each Value).Type) {}
