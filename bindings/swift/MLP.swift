import Glibc
import MuonOptimizers

/// A multilayer perceptron in plain loops: ReLU between layers, softmax cross-entropy at the end.
struct MLP {
  private let layers: [Layer]

  var parameters: [Parameter] { layers.flatMap { [$0.weight, $0.bias] } }

  init(sizes: [Int], random: inout SplitMix64) throws {
    layers = try zip(sizes, sizes.dropFirst()).enumerated().map { index, size in
      try Layer("fc\(index + 1)", inputs: size.0, outputs: size.1, random: &random)
    }
  }

  /// The output of every layer; the last are the logits.
  private func forward(_ images: Digits) -> [[Float]] {
    var outputs: [[Float]] = []
    for (index, layer) in layers.enumerated() {
      let sums = layer.forward(outputs.last ?? images.pixels, count: images.count)
      outputs.append(index < layers.count - 1 ? sums.map { max($0, 0) } : sums)
    }
    return outputs
  }

  /// Sets the gradient of every parameter to that of the mean loss; returns the loss.
  func backward(_ images: Digits) throws -> Double {
    var outputs = forward(images)
    var (loss, gradient) = softmaxLoss(outputs.removeLast(), images.labels)
    for layer in layers.reversed() {
      let input = outputs.popLast()
      gradient = try layer.backward(input ?? images.pixels, gradient, count: images.count)
      if let input {
        // A ReLU that gave 0 passes no gradient.
        for i in gradient.indices where input[i] <= 0 { gradient[i] = 0 }
      }
    }
    return loss
  }

  func accuracy(_ images: Digits) -> Double {
    let classes = Digits.classes
    let logits = forward(images).last ?? []
    let right = images.labels.indices.count { n in
      let row = logits[n * classes..<(n + 1) * classes]
      return row[n * classes + images.labels[n]] == row.max()
    }
    return Double(right) / Double(images.count)
  }
}

/// y = W x + b for each image.
private struct Layer {
  let inputs, outputs: Int
  /// outputs × inputs.
  let weight: Parameter
  let bias: Parameter

  /// Weights uniform with variance 2/inputs, He's rule: so the ReLUs keep the size of the signal.
  init(_ name: String, inputs: Int, outputs: Int, random: inout SplitMix64) throws {
    self.inputs = inputs
    self.outputs = outputs
    let bound = (6 / Float(inputs)).squareRoot()
    let values = (0..<outputs * inputs).map { _ in bound * random.nextUnit() }
    weight = try Parameter("\(name).weight", shape: [outputs, inputs], values: values)
    bias = try Parameter("\(name).bias", shape: [outputs])
  }

  func forward(_ input: [Float], count: Int) -> [Float] {
    var output = [Float](repeating: 0, count: count * outputs)
    weight.withData { weight in
      bias.withData { bias in
        for n in 0..<count {
          for o in 0..<outputs {
            var sum = bias[o]
            for i in 0..<inputs { sum += weight[o * inputs + i] * input[n * inputs + i] }
            output[n * outputs + o] = sum
          }
        }
      }
    }
    return output
  }

  /// From the gradient of the output to that of the parameters, and of the input, which it returns.
  func backward(_ input: [Float], _ outputGradient: [Float], count: Int) throws -> [Float] {
    var weightGradient = [Float](repeating: 0, count: outputs * inputs)
    var biasGradient = [Float](repeating: 0, count: outputs)
    var inputGradient = [Float](repeating: 0, count: count * inputs)
    weight.withData { weight in
      for n in 0..<count {
        for o in 0..<outputs {
          let gradient = outputGradient[n * outputs + o]
          biasGradient[o] += gradient
          for i in 0..<inputs {
            weightGradient[o * inputs + i] += gradient * input[n * inputs + i]
            inputGradient[n * inputs + i] += gradient * weight[o * inputs + i]
          }
        }
      }
    }
    try weight.setGradient(weightGradient)
    try bias.setGradient(biasGradient)
    return inputGradient
  }
}

/// The mean cross-entropy, and its gradient by the logits.
private func softmaxLoss(_ logits: [Float], _ labels: [Int]) -> (loss: Double, gradient: [Float]) {
  let classes = Digits.classes
  var gradient = logits
  var loss = 0.0
  for (n, label) in labels.enumerated() {
    let row = n * classes..<(n + 1) * classes
    let largest = logits[row].max() ?? 0  // without it, a large logit overflows
    let sum = row.reduce(Float(0)) { $0 + expf(logits[$1] - largest) }
    for c in row {
      let target: Float = c == row.lowerBound + label ? 1 : 0
      gradient[c] = (expf(logits[c] - largest) / sum - target) / Float(labels.count)
    }
    loss += Double(logf(sum) + largest - logits[row.lowerBound + label])
  }
  return (loss / Double(labels.count), gradient)
}

/// A small generator, so that every run is the same.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// In [-1, 1).
  mutating func nextUnit() -> Float { Float(next() >> 40) / 0x1p23 - 1 }
}
