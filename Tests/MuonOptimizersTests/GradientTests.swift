import Foundation
import MuonOptimizers
import Testing

/// The gradients of parameters: there or not there, read and never written.
struct GradientTests {
  @Test(arguments: OptimizerKind.allCases)
  func withoutOneAParameterIsSkipped(_ kind: OptimizerKind) throws {
    let optimizer = try trained(kind)
    let skipped = optimizer.parameters[1]
    let before = try Snapshot(optimizer)
    skipped.removeGradient()
    #expect(skipped.gradientValues == nil)
    try optimizer.step()
    let after = try Snapshot(optimizer)
    #expect(after.steps == [4, 3, 4])
    let perParameter = before.bits.count / 3
    for index in before.bits.indices {
      #expect((before.bits[index] == after.bits[index]) == (index / perParameter == 1))
    }
  }

  @Test(arguments: OptimizerKind.allCases)
  func withoutAnyAStepDoesNothing(_ kind: OptimizerKind) throws {
    let optimizer = try trained(kind)
    for parameter in optimizer.parameters { parameter.removeGradient() }
    let before = try Snapshot(optimizer)
    try optimizer.step()
    optimizer.zeroGradients()
    #expect(try Snapshot(optimizer) == before)
    #expect(optimizer.parameters.allSatisfy { $0.gradientValues == nil })
  }

  @Test(arguments: Backend.named)
  func isNeverWritten(_ backend: Backend) throws {
    let parameter = try Parameter("w", shape: [6, 5], values: initialParameter(count: 30))
    let gradient = gradient(step: 1, count: 30)
    try parameter.setGradient(gradient)
    let optimizers: [Optimizer] = [
      try Muon([parameter], options: MuonOptions(weightDecay: 0.1, backend: backend)),
      try AdamW([parameter]),
    ]
    for optimizer in optimizers {
      try optimizer.step()
      try optimizer.step()
      #expect(parameter.gradientValues.map { sameBits($0, gradient) } == true)
    }
  }

  @Test(arguments: OptimizerKind.allCases)
  func canBeZeroed(_ kind: OptimizerKind) throws {
    let optimizer = try trained(kind)
    let before = try Snapshot(optimizer)
    optimizer.zeroGradients()
    for parameter in optimizer.parameters {
      #expect(parameter.gradientValues == [Float](repeating: 0, count: parameter.count))
    }
    #expect(try Snapshot(optimizer) == before)
  }

  /// A gradient of zeros is a gradient: the momentum goes on, and so does the decay.
  @Test func ofZerosIsAGradient() throws {
    let parameter = try Parameter("w", shape: [2, 2], values: [1, 2, 3, 4])
    try parameter.setGradient([0, 0, 0, 0])
    let muon = try Muon(
      [parameter], options: MuonOptions(learningRate: 0.5, weightDecay: 0.5))
    try muon.step()
    #expect(parameter.values == [0.75, 1.5, 2.25, 3])
    #expect(try muon.values(of: .momentum, ofParameter: 0) == [0, 0, 0, 0])
    #expect(try muon.steps(ofParameter: 0) == 1)
  }

  @Test func isWrittenInPlace() throws {
    let parameter = try Parameter("w", shape: [3], values: [1, 2, 3])
    #expect(parameter.gradientValues == nil)
    try parameter.withMutableGradient { $0[1] = 5 }
    #expect(parameter.gradientValues == [0, 5, 0])
    parameter.withMutableData { $0[2] = 7 }
    #expect(parameter.values == [1, 2, 7])
    #expect(parameter.withData { $0[2] } == 7)
  }

  @Test(arguments: [0, 2, 4])
  func hasAsManyElementsAsTheParameter(_ count: Int) throws {
    let parameter = try Parameter("w", shape: [3])
    let error = #expect(throws: MuonError.self) {
      try parameter.setGradient([Float](repeating: 1, count: count))
    }
    #expect(error?.code == .shape)
    #expect(parameter.gradientValues == nil)
  }

  /// 100 gradients of 8 MB, one after another, in place of one another.
  @Test func isFreedWhenItIsRemoved() throws {
    let parameter = try Parameter("w", shape: [1 << 21])
    func residentBytes() throws -> Int {
      let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        .split(separator: " ")
      return try #require(Int(pages[1])) * 4096
    }
    let before = try residentBytes()
    for _ in 0..<100 {
      try parameter.withMutableGradient { $0[0] = 1 }
      parameter.removeGradient()
    }
    // Other tests run beside this one.
    #expect(try residentBytes() - before < 400 << 20)
  }
}
