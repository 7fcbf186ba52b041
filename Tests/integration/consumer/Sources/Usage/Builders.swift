import MuonOptimizers

/// One configuration, from text and from Swift.
func usesBuilders() throws {
  let text = """
    {"training": {"optimizer": "Muon", "learning_rate": 0.02, "weight_decay": 0.1, "n_epochs": 2,
                  "warmup_steps": 4, "lr_schedule": "linear", "seed": 1},
     "muon": {"momentum_style": "ema", "shape_scale": "match_rms_adamw"}, "adamw": {"lr": 0.001}}
    """
  var muonSection = TrainingConfiguration.MuonSection()
  muonSection.momentumStyle = .ema
  muonSection.shapeScale = .matchRMSAdamW
  var adamWSection = TrainingConfiguration.AdamWSection()
  adamWSection.learningRate = 0.001
  let configuration = TrainingConfiguration(
    training: .init(
      optimizer: .muon, learningRate: 0.02, weightDecay: 0.1, epochs: 2, warmupSteps: 4,
      schedule: "linear"),
    muon: muonSection, adamw: adamWSection)
  try check(TrainingConfiguration(json: text) == configuration)

  let weight = try parameter("weight", [4, 8], seed: 1)
  let bias = try parameter("bias", [4], seed: 3)
  let frozen = try Parameter("frozen", shape: [2, 2], requiresGradient: false)
  let routes = [weight, bias, frozen].map { Route($0, configuration: configuration) }
  try check(routes.map(\.optimizer) == [.muon, .adamW, nil])
  try check(routes.map(\.reason) == [.matrix, .notMatrix, .frozen])
  try check("\(routes[0])" == "Muon: it has 2 dimensions")

  let optimizers = try buildOptimizers([weight, bias, frozen], configuration: configuration)
  try check(optimizers.map(\.kind) == [.muon, .adamW])
  let options = try (optimizers[0] as? Muon)?.options()
  try check(options?.momentumStyle == .ema && options?.shapeScale == .matchRMSAdamW)
  try check((optimizers[1] as? AdamW)?.options().beta2 == 0.95)

  let schedulers = try buildSchedulers(
    optimizers, configuration: configuration, batchesPerEpoch: 50)
  for _ in 0..<54 { for scheduler in schedulers { try scheduler.step() } }
  // In the middle of the line from 1 to 1e-5 over 100 steps, after 4 of warmup.
  try check(abs(optimizers[1].learningRate() - 0.001 * (1 + 1e-5) / 2) < 1e-15)
  for optimizer in optimizers { try optimizer.step() }
}
