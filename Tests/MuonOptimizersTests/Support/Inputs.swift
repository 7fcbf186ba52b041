import Foundation

/// Reproducible numbers, as Tests/Fixtures/README.md describes them.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Uniform in [-1, 1), exact in float32.
func uniform(seed: UInt64, count: Int) -> [Float] {
  var generator = SplitMix64(state: seed)
  return (0..<count).map { _ in Float(generator.next() >> 40) / 8_388_608 - 1 }
}

/// The fixtures' initial parameter.
func initialParameter(count: Int) -> [Float] { uniform(seed: 1, count: count) }

/// The fixtures' gradient of a step, from 1.
func gradient(step: Int, count: Int) -> [Float] {
  uniform(seed: UInt64(1000 + step), count: count)
}

/// Normally distributed, by Box and Muller.
func gaussian(seed: UInt64, count: Int) -> [Double] {
  var generator = SplitMix64(state: seed)
  return (0..<count).map { _ in
    let radius = sqrt(-2 * log(Double.random(in: .leastNonzeroMagnitude...1, using: &generator)))
    return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
  }
}

/// Whether two arrays are the same to the bit. NaN equals the same NaN, and 0 differs from -0.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
  a.map(\.bitPattern) == b.map(\.bitPattern)
}
