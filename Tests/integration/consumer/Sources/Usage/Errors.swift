import MuonOptimizers

/// Bad input of every kind: the error says what it is, and nothing has changed.
func usesErrors() throws {
  let weight = try parameter("weight", [2, 3], seed: 1)
  let bias = try parameter("bias", [2], seed: 3)
  let muon = try Muon([weight])
  let configuration = TrainingConfiguration(training: .init(optimizer: .muon, learningRate: -1))

  func check(
    _ code: MuonError.Code, _ part: String, _ call: () throws(MuonError) -> Void, line: Int = #line
  ) throws {
    let before = (weight.values, try muon.values(of: .momentum, ofParameter: 0), muon.groupCount)
    let error = try error(of: call, line: line)
    try Usage.check(error.code == code, "\(error.code): \(error)", line: line)
    try Usage.check(error.message.contains(part), error.message, line: line)
    let after = (weight.values, try muon.values(of: .momentum, ofParameter: 0), muon.groupCount)
    try Usage.check(before == after, "it has changed something", line: line)
  }

  try check(.shape, "bias has shape (2,)") { () throws(MuonError) in _ = try Muon([bias]) }
  try check(.shape, "has 6 elements, got 5") { () throws(MuonError) in
    _ = try Parameter("p", shape: [2, 3], values: [1, 2, 3, 4, 5])
  }
  try check(.shape, "gradient of parameter weight") { () throws(MuonError) in
    try weight.setGradient([1])
  }
  try check(.invalidArgument, "momentum") { () throws(MuonError) in
    try muon.addGroup(options: MuonOptions(momentum: 1))
  }
  try check(.invalidArgument, "no parameter group 7") { () throws(MuonError) in
    try muon.setLearningRate(0.1, ofGroup: 7)
  }
  try check(.invalidArgument, "overlaps") { () throws(MuonError) in
    try muon.add([weight])
  }
  try check(.invalidArgument, "exp_avg") { () throws(MuonError) in
    _ = try muon.values(of: .meanGradient, ofParameter: 0)
  }
  try check(.invalidArgument, "is there twice") { () throws(MuonError) in
    _ = try Scheduler(.cosine(tMax: 1), for: [muon, muon])
  }
  try check(.invalidArgument, "t_max") { () throws(MuonError) in
    _ = try Schedule.cosine(tMax: 0)
  }
  try check(.invalidArgument, "backend_steps") { () throws(MuonError) in
    _ = try orthogonalize([1], rows: 1, columns: 1, options: .init(steps: 100))
  }
  try check(.invalidArgument, "NaN or infinity") { () throws(MuonError) in
    _ = try orthogonalize([.nan], rows: 1, columns: 1)
  }
  try check(.configuration, "training.learning_rate") { () throws(MuonError) in
    _ = try buildOptimizers([weight], configuration: configuration)
  }
  try check(.configuration, "muon.lrr") { () throws(MuonError) in
    _ = try TrainingConfiguration(
      json: #"{"training": {"optimizer": "Muon", "learning_rate": 1}, "muon": {"lrr": 1}}"#)
  }
  try check(.unsupported, "bf16") { () throws(MuonError) in
    _ = try Muon(options: MuonOptions(backend: .cans, precision: .bf16))
  }
  try check(.invalidArgument, "threads") { () throws(MuonError) in try Threads.setCount(0) }

  try weight.setGradient([1, 2, 3, 4, 5, .infinity])
  try check(.nonFiniteGradient, "weight") { () throws(MuonError) in try muon.step() }
  muon.nonFinitePolicy = .skip
  let before = weight.values
  try muon.step()
  try Usage.check(weight.values == before && muon.skippedSteps == 1)
  muon.nonFinitePolicy = .propagate
  try muon.step()
  try Usage.check(weight.values != before)
}
