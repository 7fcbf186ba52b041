import MuonOptimizers

struct Failure: Error {
  let message: String
}

func check(
  _ isTrue: Bool, _ message: @autoclosure () -> String = "", file: String = #fileID,
  line: Int = #line
) throws {
  if !isTrue { throw Failure(message: "\(file):\(line): \(message())") }
}

/// Compares with float64 numbers, relative to the largest of them.
func checkClose(
  _ values: [Float], _ expected: [Double], within tolerance: Double, file: String = #fileID,
  line: Int = #line
) throws {
  try check(values.count == expected.count, "\(values.count) numbers", file: file, line: line)
  let largest = expected.map(abs).max() ?? 0
  for (value, right) in zip(values, expected) {
    try check(
      abs(Double(value) - right) <= tolerance * largest, "\(value) is not \(right)", file: file,
      line: line)
  }
}

/// The error a call throws.
func error(
  of call: () throws(MuonError) -> Void, file: String = #fileID, line: Int = #line
) throws -> MuonError {
  do { try call() } catch { return error }
  throw Failure(message: "\(file):\(line): this call must throw")
}

/// Numbers in [-1, 1), the same in every run.
func uniform(_ count: Int, seed: UInt64) -> [Float] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(state >> 40) / 0x1p23 - 1
  }
}

/// A parameter with values and a gradient.
func parameter(_ name: String, _ shape: [Int], seed: UInt64) throws -> Parameter {
  let count = shape.reduce(1, *)
  let result = try Parameter(name, shape: shape, values: uniform(count, seed: seed))
  try result.setGradient(uniform(count, seed: seed + 1))
  return result
}
