import MuonOptimizers
import Synchronization

/// What the log said.
private final class Heard: Sendable {
  let messages = Mutex<[String]>([])
}

/// Statistics of a step, and the log.
func usesStatisticsAndLog() throws {
  let weight = try parameter("weight", [6, 4], seed: 5)
  let muon = try Muon(
    [weight], options: MuonOptions(learningRate: 0.5, shapeScale: .spectral, backend: .svd))
  try check(try muon.statistics(ofParameter: 0) == nil)
  muon.statisticsLevel = .orthogonality
  try muon.step()
  guard let one = try muon.statistics(ofParameter: 0), let error = one.orthogonalityError else {
    throw Failure(message: "nothing was measured")
  }
  try check(one.step == 1)
  let g = weight.gradientValues ?? []
  let norm = g.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  try check(abs(one.gradientNorm - norm) <= 1e-12 * norm)
  let scale = 1.5.squareRoot()
  try check(abs(one.effectiveLearningRate - 0.5 * scale) <= 1e-15)
  // Of an orthogonal 6 x 4 matrix the norm is 2.
  let rms = 0.5 * scale * 2 / 24.0.squareRoot()
  try check(abs(one.updateRMS - rms) <= 1e-5 * rms, "\(one.updateRMS) is not \(rms)")
  try check(error < 1e-5, "\(error)")

  let heard = Heard()
  Log.setHandler(upTo: .warning) { level, message in
    heard.messages.withLock { $0.append("\(level): \(message)") }
  }
  muon.nonFinitePolicy = .skip
  try weight.withMutableGradient { $0[3] = .infinity }
  try muon.step()
  Log.setHandler(nil)
  try muon.step()
  let messages = heard.messages.withLock { $0 }
  try check(messages.count == 1 && messages[0].hasPrefix("warning: "), "\(messages)")
  try check(muon.skippedSteps == 2)
  try check(try muon.statistics(ofParameter: 0) == one)
}
