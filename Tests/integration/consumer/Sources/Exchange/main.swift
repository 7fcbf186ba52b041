// Goes on with a training run: Exchange IN OUT STEPS; IN is "-" for a new one. As exchange.c.
import MuonOptimizers

func values(_ count: Int, factor: Int, modulus: Int) -> [Float] {
  (0..<count).map { Float($0 * factor % modulus - modulus / 2) / 4 }
}

let arguments = CommandLine.arguments
let w = try Parameter("w", shape: [3, 4], values: values(12, factor: 5, modulus: 7))
let b = try Parameter("b", shape: [4], values: values(4, factor: 3, modulus: 5))
let optimizers = [try Muon([w]), try AdamW([b])]
let scheduler = try Scheduler(.cosine(tMax: 20), for: optimizers)
if arguments[1] != "-" {
  try Checkpoint.load(from: arguments[1], optimizers: optimizers, schedulers: [scheduler])
}
for _ in 0..<(Int(arguments[3]) ?? 0) {
  let step = scheduler.currentStep
  try w.setGradient(values(12, factor: step + 3, modulus: 11))
  try b.setGradient(values(4, factor: step + 2, modulus: 13))
  for optimizer in optimizers { try optimizer.step() }
  try scheduler.step()
}
try Checkpoint.save(to: arguments[2], optimizers: optimizers, schedulers: [scheduler])
