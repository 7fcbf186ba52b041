import Glibc
import MuonOptimizers

/// Warmup and cosine over two optimizers, compared with the closed form at every step.
func usesSchedules() throws {
  let muon = try Muon([try parameter("weight", [2, 3], seed: 1)])
  let adamW = try AdamW([try parameter("bias", [2], seed: 3)])
  let schedule = try Schedule.sequential(
    [
      .linear(startFactor: 0.1, endFactor: 1, totalIterations: 10),
      .cosine(tMax: 90, etaMin: 1e-4),
    ], milestones: [10])
  let scheduler = try Scheduler(schedule, for: [muon, adamW])

  func expected(_ base: Double, _ step: Int) -> Double {
    guard step >= 10 else { return base * (0.1 + 0.9 * Double(step) / 10) }
    return 1e-4 + (base - 1e-4) * (1 + cos(.pi * Double(step - 10) / 90)) / 2
  }
  for step in 0...100 {
    try check(scheduler.currentStep == step)
    for (base, optimizer) in [(0.02, muon), (1e-3, adamW)] as [(Double, Optimizer)] {
      let rate = try optimizer.learningRate()
      try check(abs(rate - expected(base, step)) < 1e-12 * base, "\(rate) at step \(step)")
      try check(schedule.rate(base: base, step: step) == rate)
    }
    try check(scheduler.lastRates == [muon.learningRate(), adamW.learningRate()])
    try scheduler.step()
  }
  try scheduler.setStep(5)
  try check(abs(muon.learningRate() - 0.02 * 0.55) < 1e-15)
  try check(muon.initialLearningRate() == 0.02)

  let chain = try Schedule.chained([
    .constant(factor: 0.5, totalIterations: 3),
    .linear(startFactor: 1, endFactor: 0.5, totalIterations: 10),
  ])
  for step in 0...12 {
    let expected = (step < 3 ? 0.5 : 1) * (1 - 0.05 * Double(min(step, 10)))
    try check(abs(chain.rate(base: 1, step: step) - expected) < 1e-12, "step \(step)")
  }
}
