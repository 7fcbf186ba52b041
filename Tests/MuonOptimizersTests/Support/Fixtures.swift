import Foundation
import MuonOptimizers
import Testing

/// torch's numbers; Tests/Fixtures/README.md says how they were made.
enum Fixtures {
  static let optimizers = Result { try load(OptimizerFixtures.self, "optimizers.json") }
  static let schedulers = Result { try load(SchedulerFixtures.self, "schedulers.json") }

  private static func load<Content: Decodable>(
    _ type: Content.Type, _ name: String
  ) throws -> Content {
    let tests = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      type, from: Data(contentsOf: tests.appending(path: "Fixtures").appending(path: name)))
  }
}

struct OptimizerFixtures: Decodable, Sendable {
  struct Case: Decodable, Sendable {
    let optimizer: String
    let shape: [Int]
    let options: Options
    /// By step: the names and the indices of the arrays.
    let after: [String: [String: Int]]
  }

  struct Options: Decodable, Sendable {
    let lr, weightDecay, eps: Double
    let betas: [Double]?
    let momentum: Double?
    let nesterov: Bool?
    let momentumStyle, shapeScale, backend: String?
    let backendSteps: Int?
  }

  let cases: [Case]
  private let arrays: [Data]

  /// Little-endian float32.
  func array(_ index: Int?) throws -> [Float] {
    let bytes = Array(arrays[try #require(index)])
    return stride(from: 0, to: bytes.count, by: 4).map { start in
      Float(
        bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
    }
  }
}

struct SchedulerFixtures: Decodable, Sendable {
  struct Case: Decodable, Sendable {
    let schedule: ScheduleSpecification
    /// By group and step.
    let rates: [[Double]]
  }

  let baseLrs: [Double]
  let steps: Int
  let cases: [Case]
}

/// A schedule as nested JSON.
struct ScheduleSpecification: Decodable, Sendable {
  let kind: String
  let startFactor, endFactor, factor, etaMin: Double?
  let totalIters, tMax, warmupSteps, decaySteps, totalSteps: Int?
  let schedules: [ScheduleSpecification]?
  let milestones: [Int]?

  func schedule() throws -> Schedule {
    switch kind {
    case "linear":
      try .linear(
        startFactor: #require(startFactor), endFactor: #require(endFactor),
        totalIterations: #require(totalIters))
    case "constant":
      try .constant(factor: #require(factor), totalIterations: #require(totalIters))
    case "cosine":
      try .cosine(tMax: #require(tMax), etaMin: #require(etaMin))
    case "trapezoid":
      try .trapezoid(
        warmupSteps: #require(warmupSteps), decaySteps: #require(decaySteps),
        totalSteps: #require(totalSteps), startFactor: #require(startFactor),
        endFactor: #require(endFactor))
    case "sequential":
      try .sequential(
        #require(schedules).map { try $0.schedule() }, milestones: #require(milestones))
    default:
      try .chained(#require(kind == "chained" ? schedules : nil).map { try $0.schedule() })
    }
  }
}
