import Foundation
import Testing

@testable import MuonOptimizers

/// Checkpoints from Swift. What files are refused, and how they are written, is tested in
/// Tests/checkpoint.
struct CheckpointTests {
  /// A Muon and an AdamW that have made some steps, and a scheduler of both.
  private struct Run {
    let optimizers: [Optimizer]
    let scheduler: Scheduler

    init(steps: Int, backend: Backend = .polarExpress) throws {
      let muon = try trained(.muon, steps: max(steps, 1))
      let adamW = try trained(.adamW, steps: max(steps, 1))
      try #require(muon as? Muon).setOptions(MuonOptions(learningRate: 1 / 3, backend: backend))
      optimizers = [muon, adamW]
      scheduler = try Scheduler(.cosine(tMax: 9), for: optimizers)
      for _ in 0..<steps { try scheduler.step() }
    }

    func train() throws {
      for optimizer in optimizers {
        for parameter in optimizer.parameters {
          try parameter.setGradient(gradient(step: 70, count: parameter.count))
        }
        try optimizer.step()
      }
      try scheduler.step()
    }

    func snapshots() throws -> [Snapshot] { try optimizers.map { try Snapshot($0) } }
    func rates() throws -> [Double] { try optimizers.map { try $0.learningRate() } }
  }

  private let path = FileManager.default.temporaryDirectory
    .appending(path: "libmuon-checkpoint-\(UInt32.random(in: 0 ... .max))")
    .path(percentEncoded: false)

  @Test(arguments: Backend.named + [.custom([Coefficients(3, -3.2, 1.2)])])
  func resumingIsExact(backend: Backend) throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let first = try Run(steps: 4, backend: backend)
    first.optimizers[1].nonFinitePolicy = .propagate
    try Checkpoint.save(to: path, optimizers: first.optimizers, schedulers: [first.scheduler])
    let second = try Run(steps: 1)
    #expect(try second.snapshots() != first.snapshots())
    try Checkpoint.load(from: path, optimizers: second.optimizers, schedulers: [second.scheduler])
    for _ in 0..<3 {
      #expect(try second.snapshots() == first.snapshots())
      #expect(try second.rates() == first.rates())
      #expect(second.scheduler.currentStep == first.scheduler.currentStep)
      #expect(second.scheduler.lastRates == first.scheduler.lastRates)
      try first.train()
      try second.train()
    }
    #expect(second.optimizers[1].nonFinitePolicy == .propagate)
    #expect(try #require(second.optimizers[0] as? Muon).options().backend == backend)
  }

  @Test func bytesAreThoseOfTheFile() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let run = try Run(steps: 2)
    try Checkpoint.save(to: path, optimizers: run.optimizers, schedulers: [run.scheduler])
    let bytes = try Checkpoint.bytes(of: run.optimizers, schedulers: [run.scheduler])
    #expect(try Data(contentsOf: URL(filePath: path)) == Data(bytes))
    let other = try Run(steps: 0)
    try Checkpoint.load(bytes: bytes, optimizers: other.optimizers, schedulers: [other.scheduler])
    #expect(try other.snapshots() == run.snapshots())
  }

  @Test func whatDoesNotFitChangesNothing() throws {
    let run = try Run(steps: 2)
    let bytes = try Checkpoint.bytes(of: run.optimizers, schedulers: [run.scheduler])
    let other = try trained(.muon, shapes: [[5, 7], [8, 3], [4, 5]])
    let before = try Snapshot(other)
    let error = #expect(throws: MuonError.self) {
      try Checkpoint.load(
        bytes: bytes, optimizers: [other], options: Checkpoint.Options(allowsExtra: true))
    }
    #expect(error?.code == .mismatch)
    #expect(error?.message.contains("w2") == true)
    #expect(try Snapshot(other) == before)
  }

  @Test func whatAnotherProgramHasRewrittenIsLoadedIfAllowed() throws {
    let (first, second) = (try Run(steps: 4), try Run(steps: 1))
    var bytes = try Checkpoint.bytes(of: first.optimizers)
    bytes.insert(contentsOf: Array(" \n\t \r   ".utf8), at: 9)
    bytes[0] += 8
    let error = try #require(throws: MuonError.self) {
      try Checkpoint.load(bytes: bytes, optimizers: second.optimizers)
    }
    #expect(error.code == .corrupt && error.message.contains("allow_rewritten"))
    #expect(try second.snapshots() != first.snapshots())
    try Checkpoint.load(
      bytes: bytes, optimizers: second.optimizers, options: .init(allowsRewritten: true))
    #expect(try second.snapshots() == first.snapshots())
  }

  @Test func tooManyTensorsAreRefused() throws {
    // Each has its data and its momentum: one tensor too many.
    let most = CheckpointFormat.maximumTensors / 2
    let muon = try Muon(try (0..<most).map { try Parameter("\($0)", shape: [0, 1]) })
    #expect(try Checkpoint.bytes(of: [muon]).count > most)
    try muon.add([Parameter("last", shape: [0, 1])])
    let error = #expect(throws: MuonError.self) { try Checkpoint.bytes(of: [muon]) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("at most 262144 tensors") == true)
    // Without the parameters themselves there is room.
    let options = Checkpoint.Options(includesData: false)
    #expect(try Checkpoint.bytes(of: [muon], options: options).count > most)
  }

  @Test func progressIsReportedAndCancels() throws {
    let run = try Run(steps: 1)
    var reports: [Int] = []
    let bytes = try Checkpoint.bytes(of: run.optimizers) { done, total in
      reports.append(done)
      return done <= total
    }
    #expect(reports.last == bytes.count)
    let error = #expect(throws: MuonError.self) {
      try Checkpoint.load(bytes: bytes, optimizers: run.optimizers) { _, _ in false }
    }
    #expect(error?.code == .cancelled)
  }

  /// The test vectors of xxHash, and lengths around its blocks.
  @Test func checksumIsXXH64() {
    for (text, expected) in [
      ("", "ef46db3751d8e999"), ("a", "d24ec4f1a98c6e5b"), ("abc", "44bc2cf5ad770999"),
      ("Nobody inspects the spammish repetition", "fbcea83c8a378bf1"),
    ] {
      let bytes = Array(text.utf8)
      #expect(unsafe bytes.withUnsafeBytes { unsafe Checksum.text(of: $0) } == expected)
    }
  }

  /// As C prints them with %a.
  @Test func numbersAreExact() {
    var generator = SplitMix64(state: 3)
    let random = (0..<20_000).map { _ in Double(bitPattern: generator.next()) }
    let edges = [
      0, -0.0, 1, -1, 0.02, .leastNonzeroMagnitude, .leastNormalMagnitude,
      .greatestFiniteMagnitude, Double.leastNormalMagnitude.nextDown,
    ]
    for value in edges + random where value.isFinite {
      let text = ExactText.text(value)
      #expect(text == String(format: "%a", value))
      #expect(ExactText.number(text)?.bitPattern == value.bitPattern)
    }
    for text in [
      "", "1", "0x1p0", "0x1.0p+0", "0X1P+0", "inf", "nan", "0x2p+0", " 0x1p+0", "0x1p+1024",
    ] {
      #expect(ExactText.number(text) == nil, "\(text)")
    }
  }
}
