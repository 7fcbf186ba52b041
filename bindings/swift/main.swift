// Trains a small network on handwritten digits: Muon on its matrices, AdamW on its biases, both
// with warmup and a cosine schedule, all made from one configuration.
//
//     digits-swift [path of digits.bin]

import Glibc
import MuonOptimizers

let epochs = 15
let batchSize = 64

var adamW = TrainingConfiguration.AdamWSection()
adamW.learningRate = 0.01
let configuration = TrainingConfiguration(
  training: .init(
    optimizer: .muon, learningRate: 0.05, weightDecay: 0.2, epochs: epochs, warmupSteps: 20,
    schedule: "cosine"),
  adamw: adamW)

/// The schedules count batches, not epochs: they are stepped after the optimizers.
func trainBatch(
  _ model: MLP, _ images: Digits, _ optimizers: [Optimizer], _ schedulers: [Scheduler]
) throws -> Double {
  let loss = try model.backward(images)
  try Optimizer.step(all: optimizers)
  for scheduler in schedulers { try scheduler.step() }
  return loss
}

func pad(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

/// Foundation's formats would be most of the program.
func rounded(_ value: Double, digits: Int) -> String {
  let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
  let whole = Int((value * Double(scale)).rounded())
  let fraction = String(whole % scale)
  return "\(whole / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// Returns the accuracy on the test images.
func train(_ path: String) throws -> Double {
  let (train, test) = try Digits.load(path)
  var random = SplitMix64(seed: 1)
  let model = try MLP(sizes: [Digits.pixelsPerImage, 128, 64, Digits.classes], random: &random)
  print(BuildInfo.description)
  for parameter in model.parameters {
    print(pad(parameter.name, to: 10), Route(parameter, configuration: configuration))
  }

  let optimizers = try buildOptimizers(model.parameters, configuration: configuration)
  let schedulers = try buildSchedulers(
    optimizers, configuration: configuration,
    batchesPerEpoch: (train.count + batchSize - 1) / batchSize)

  var order = Array(0..<train.count)
  for epoch in 1...epochs {
    order.shuffle(using: &random)
    var loss = 0.0
    for start in stride(from: 0, to: order.count, by: batchSize) {
      let images = train.chosen(order[start..<min(start + batchSize, order.count)])
      let batchLoss = try trainBatch(model, images, optimizers, schedulers)
      loss += batchLoss * Double(images.count) / Double(train.count)
    }
    print(
      "epoch \(pad("\(epoch)", to: 2))  loss \(rounded(loss, digits: 4))",
      " test accuracy \(rounded(model.accuracy(test), digits: 3))")
  }
  return model.accuracy(test)
}

do {
  let path = CommandLine.arguments.dropFirst().first ?? "bindings/data/digits.bin"
  let accuracy = try train(path)
  print("test accuracy \(rounded(accuracy, digits: 3))")
  // It reaches 0.94: below this, something is wrong.
  exit(accuracy < 0.92 ? 1 : 0)
} catch {
  var text = "error: \(error)\n"
  _ = text.withUTF8 { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  exit(1)
}
