// Replays recorded gradients: Replay DIRECTORY OUT. See test_replay.py for the files.
import Foundation
import MuonOptimizers

let directory = URL(fileURLWithPath: CommandLine.arguments[1])
let shapes = [[48, 64], [48], [10, 48], [10]]
let counts = shapes.map { $0.reduce(1, *) }
let total = counts.reduce(0, +)

func floats(_ name: String) throws -> [Float] {
  let data = try Data(contentsOf: directory.appendingPathComponent(name))
  return [Float](unsafeUninitializedCapacity: data.count / 4) { buffer, count in
    count = data.copyBytes(to: buffer) / 4
  }
}

let config = try TrainingConfiguration(
  json: String(contentsOf: directory.appendingPathComponent("config.json"), encoding: .utf8))
let initial = try floats("parameters.f32")
let gradients = try floats("gradients.f32")

var parameters: [Parameter] = []
var offset = 0
for (shape, count) in zip(shapes, counts) {
  parameters.append(
    try Parameter(
      "p\(parameters.count)", shape: shape, values: Array(initial[offset..<offset + count])))
  offset += count
}
let optimizers = try buildOptimizers(parameters, configuration: config)
let schedulers = try buildSchedulers(optimizers, configuration: config, batchesPerEpoch: 10)
for step in 0..<gradients.count / total {
  offset = step * total
  for (parameter, count) in zip(parameters, counts) {
    try parameter.setGradient(Array(gradients[offset..<offset + count]))
    offset += count
  }
  for optimizer in optimizers { try optimizer.step() }
  for scheduler in schedulers { try scheduler.step() }
}
let result = parameters.flatMap(\.values)
try result.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: CommandLine.arguments[2]))
