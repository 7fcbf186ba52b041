@testable import MuonOptimizers

/// Training runs for ranks and for one process.
enum Model: CaseIterable, Sendable {
  case plain, normalized, views, exact, half

  private var options: MuonOptions {
    switch self {
    case .plain, .half: MuonOptions(weightDecay: 0.1)
    case .normalized: MuonOptions(secondMoment: .normuonLong, hyperball: true)
    case .views: MuonOptions(cautiousWeightDecay: true, secondMoment: .normuon)
    case .exact: MuonOptions(momentumStyle: .ema, backend: .svd)
    }
  }

  private var parameters: [([Int], MatrixView?)] {
    switch self {
    case .plain, .normalized:
      // One is large enough for a team.
      [[20, 30], [64, 16], [256, 264], [5, 7], [1, 9], [9, 1], [40, 40]].map { ($0, nil) }
    case .views:
      [
        ([6, 10, 12], MatrixView("boi")),
        ([36, 12], MatrixView(split: .init(axis: 0, sizes: [12, 20, 4]))),
        ([10, 3, 12], MatrixView("obi")),
        ([12, 30], MatrixView("io")),
        ([2, 12, 30], MatrixView("bio")),
      ]
    case .exact: [[8, 12], [12, 8], [5, 5]].map { ($0, nil) }
    case .half: [[8, 12], [12, 8], [30, 20], [5, 5]].map { ($0, nil) }
    }
  }

  /// One of each kind, in turn.
  private func storage(_ index: Int) -> ParameterStorage {
    guard self == .half else { return ParameterStorage() }
    return [
      ParameterStorage(.bfloat16, momentum: .bfloat16),
      ParameterStorage(.bfloat16, master: .remainder),
      ParameterStorage(.float16, master: .none),
      ParameterStorage(.float32, gradient: .bfloat16, momentum: .bfloat16),
    ][index % 4]
  }

  /// A Muon and an AdamW.
  func optimizers() throws -> [Optimizer] {
    let matrices = try parameters.enumerated().map { index, parameter in
      try Parameter(
        "w\(index)", shape: parameter.0,
        values: uniform(seed: UInt64(index + 1), count: parameter.0.reduce(1, *)),
        view: parameter.1, storage: storage(index))
    }
    let muon = try Muon([], options: options)
    // The last has a group of its own.
    try muon.add(matrices.dropLast())
    var others = options
    (others.learningRate, others.backendSteps) = (0.05, self == .exact ? nil : 3)
    try muon.addGroup([matrices[matrices.count - 1]], options: others)
    if self != .plain { muon.statisticsLevel = .orthogonality }
    let adamW = try AdamW(
      try [[17], [4]].enumerated().map { index, shape in
        try Parameter(
          "b\(index)", shape: shape, values: uniform(seed: UInt64(index + 30), count: shape[0]))
      })
    return [muon, adamW]
  }

  func giveGradients(_ optimizers: [Optimizer], _ step: Int) throws {
    for optimizer in optimizers {
      for (index, parameter) in optimizer.parameters.enumerated() {
        // Now and then one has none.
        if (step + index) % 7 == 3 {
          parameter.removeGradient()
        } else {
          try parameter.setGradient(gradient(step: 10 * step + index, count: parameter.count))
        }
      }
    }
  }

  func step(_ optimizers: [Optimizer], _ step: Int) throws {
    try giveGradients(optimizers, step)
    try Optimizer.clipGradientNorm(all: optimizers, to: 5)
    try Optimizer.step(all: optimizers)
  }
}

/// What a run has come to.
struct Report: Sendable {
  let snapshots: [Snapshot]
  let statistics: [[UInt64]]
  let checkpoint: [UInt8]

  init(_ optimizers: [Optimizer]) throws {
    snapshots = try optimizers.map(Snapshot.init)
    checkpoint = try Checkpoint.bytes(of: optimizers)
    statistics = try optimizers.flatMap { optimizer in
      try optimizer.parameters.indices.map { index in
        guard let found = try optimizer.statistics(ofParameter: index) else { return [] }
        return [
          found.gradientNorm, found.updateRMS, found.effectiveLearningRate,
          found.orthogonalityError ?? 0,
        ].map(\.bitPattern) + [UInt64(found.step)]
      }
    }
  }
}
