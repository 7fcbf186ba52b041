import MuonOptimizers

/// Trains with both optimizers beside their formulas, and changes groups on the way.
func usesOptimizers() throws {
  let (rows, columns) = (6, 10)
  let weight = try parameter("weight", [rows, columns], seed: 1)
  let bias = try parameter("bias", [rows], seed: 3)
  let muon = try Muon([weight], options: MuonOptions(learningRate: 0.05, weightDecay: 0.1))
  let adamW = try AdamW([bias], options: AdamWOptions(learningRate: 0.01))
  try check(muon.kind == .muon && adamW.kind == .adamW)
  try check(muon.scratchBytes == 0)

  var (w, b) = (weight.values.map(Double.init), bias.values.map(Double.init))
  var wReference = Reference.Muon(momentum: w.map { _ in 0 })
  var bReference = Reference.AdamW(mean: b.map { _ in 0 }, square: b.map { _ in 0 })
  for step in 0..<20 {
    let wGradient = uniform(weight.count, seed: UInt64(100 + step))
    let bGradient = uniform(bias.count, seed: UInt64(200 + step))
    try weight.setGradient(wGradient)
    // In place, without a copy.
    try bias.withMutableGradient { gradient in
      for i in gradient.indices { gradient[i] = bGradient[i] }
    }
    for optimizer in [muon, adamW] { try optimizer.step() }
    wReference.step(&w, wGradient, rows: rows, columns: columns, rate: 0.05, decay: 0.1)
    bReference.step(&b, bGradient, rate: 0.01, decay: 0.01)
  }
  try checkClose(weight.values, w, within: 1e-5)
  try checkClose(bias.values, b, within: 1e-5)
  try check(muon.scratchBytes > 0)
  try usesGroups(muon, other: weight)
  try usesGradients(weight, bias, muon)
}

private func usesGroups(_ muon: Muon, other: Parameter) throws {
  let head = try parameter("head", [3, 4], seed: 5)
  let group = try muon.addGroup([head], options: MuonOptions(learningRate: 0, backend: .svd))
  try check(group == 1 && muon.groupCount == 2 && muon.parameters.count == 2)
  var options = try muon.options(ofGroup: group)
  options.shapeScale = .original
  try muon.setOptions(options, ofGroup: group)
  let before = (head.values, other.values)
  try muon.step()
  try check(head.values == before.0, "a rate of 0 moves nothing")
  try check(other.values != before.1)
  try muon.setLearningRate(0.5, ofGroup: group)
  try check(muon.learningRate(ofGroup: group) == 0.5 && muon.learningRate() == 0.05)
}

private func usesGradients(_ weight: Parameter, _ bias: Parameter, _ muon: Muon) throws {
  muon.zeroGradients()
  try check(weight.gradientValues == [Float](repeating: 0, count: weight.count))
  weight.removeGradient()
  try check(weight.gradientValues == nil)
  let before = weight.values
  try muon.step()
  try check(weight.values == before, "without a gradient nothing moves")
  bias.withMutableData { data in
    for i in data.indices { data[i] = Float(i) }
  }
  try check(bias.withData { data in data.indices.allSatisfy { data[$0] == Float($0) } })
}
