import MuonOptimizers

/// Everything a step may change, to compare it before and after.
struct Snapshot: Equatable {
  let bits: [[UInt32]]
  let steps: [Int]

  init(_ optimizer: Optimizer) throws {
    let indices = optimizer.parameters.indices
    bits = try indices.flatMap { index in
      try ([.data] + optimizer.stateBuffers(ofParameter: index)).map {
        try optimizer.values(of: $0, ofParameter: index).map(\.bitPattern)
      }
    }
    steps = try indices.map { try optimizer.steps(ofParameter: $0) }
  }
}

/// An optimizer of either kind that has made some steps on matrices of these shapes.
func trained(
  _ kind: OptimizerKind, shapes: [[Int]] = [[5, 7], [8, 3], [4, 4]], steps: Int = 3
) throws -> Optimizer {
  let parameters = try shapes.enumerated().map { index, shape in
    let count = shape.reduce(1, *)
    return try Parameter(
      "w\(index)", shape: shape, values: uniform(seed: UInt64(50 + index), count: count))
  }
  let optimizer = kind == .muon ? try Muon(parameters) : try AdamW(parameters)
  for step in 1...steps {
    for parameter in parameters {
      try parameter.setGradient(gradient(step: step, count: parameter.count))
    }
    try optimizer.step()
  }
  return optimizer
}
