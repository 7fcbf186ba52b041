import Foundation
import Testing

@testable import MuonOptimizers

/// An optimizer whose state has other shapes than its parameters: the mean square of the gradient by row,
/// and one number. All that is written for it is its table of state and its formula.
///
///     v_i ← β v_i + (1 - β) mean_j g_ij²,   t ← t + 1,   p_ij ← p_ij - lr g_ij/(√v_i + ε)
private final class RowMoments: GroupedOptimizer<AdamWOptions> {
  init(_ parameters: [Parameter]) throws(MuonError) {
    let state = [
      StateBuffer("row_moment", torchKey: "v") { [$0.shape.rows] },
      StateBuffer("total") { _ in [] },
    ]
    try super.init(.adamW, state: state, parameters, AdamWOptions())
  }

  override func requireTrainable(
    _ parameter: ParameterForm, _ options: AdamWOptions
  ) throws(MuonError) { try parameter.shape.requireMatrix(of: parameter.owner) }

  override func stateStaysFinite(_ parameter: TrainedParameter, elements: Range<Int>) -> Bool {
    parameter.state[0].elements.areFinite
  }

  override func runStep() {
    for parameter in active.map({ trained[$0] }) {
      guard let gradient = parameter.gradient, let p = parameter.data.floats else { continue }
      let (options, shape) = (groups[parameter.group], parameter.shape)
      let (v, t) = (parameter.state[0].floats, parameter.state[1].floats)
      t[0] += 1
      for i in 0..<shape.rows {
        let row = i * shape.columns..<(i + 1) * shape.columns
        let g = gradient[row].values
        let beta = Float(options.beta1)
        let square = g.reduce(0) { $0 + $1 * $1 } / Float(shape.columns)
        v[i] = beta * v[i] + (1 - beta) * square
        let factor = Float(options.learningRate) / (v[i].squareRoot() + 1e-8)
        for j in 0..<shape.columns { p[row][j] -= factor * g[j] }
      }
    }
  }
}

extension ParameterBuffer {
  fileprivate static let rowMoment = ParameterBuffer("row_moment")
  fileprivate static let total = ParameterBuffer("total")
}

/// All that handles state follows the table of the optimizer.
struct StateTableTests {
  private func parameters() throws -> [Parameter] {
    try [[3, 2], [2, 5]].enumerated().map { index, shape in
      try Parameter("w\(index)", shape: shape, values: uniform(seed: 3, count: shape[0] * shape[1]))
    }
  }

  private func train(_ optimizer: Optimizer, steps: Range<Int>) throws {
    for step in steps {
      for parameter in optimizer.parameters {
        try parameter.setGradient(gradient(step: step, count: parameter.count))
      }
      try optimizer.step()
    }
  }

  @Test func memoryHasTheShapesOfTheTable() throws {
    let optimizer = try RowMoments(parameters())
    #expect(try optimizer.stateBuffers(ofParameter: 1) == [.rowMoment, .total])
    #expect(try optimizer.extents(of: .rowMoment, ofParameter: 0) == [3])
    #expect(try optimizer.extents(of: .rowMoment, ofParameter: 1) == [2])
    #expect(try optimizer.extents(of: .total, ofParameter: 1) == [])
    #expect(optimizer.stateBytes == (3 + 1 + 2 + 1) * 4)
    let layout = try optimizer.stateLayout(ofGroup: 0, for: ParameterForm("w", [7, 4]))
    #expect(
      layout.map { "\($0.row.name) \($0.row.torchKey) \($0.shape)" }
        == ["row_moment v (7,)", "total total ()"])
  }

  @Test func valuesAreCopiedOutAndIn() throws {
    let optimizer = try RowMoments(parameters())
    try optimizer.setValues([1, 2, 3], of: .rowMoment, ofParameter: 0)
    try optimizer.setValues([7], of: .total, ofParameter: 0)
    #expect(try optimizer.values(of: .rowMoment, ofParameter: 0) == [1, 2, 3])
    #expect(try optimizer.values(of: .total, ofParameter: 0) == [7])
    for wrong in [[], [1, 2], [Float](repeating: 1, count: 6)] {
      let error = #expect(throws: MuonError.self) {
        try optimizer.setValues(wrong, of: .rowMoment, ofParameter: 0)
      }
      #expect(
        error?.message
          == "the row_moment of parameter w0 of shape (3,) has 3 elements, got \(wrong.count)")
    }
    #expect(throws: MuonError.self) { try optimizer.values(of: .momentum, ofParameter: 0) }
    try optimizer.setValues([1, .nan, 3], of: .rowMoment, ofParameter: 0)
    let error = #expect(throws: MuonError.self) { try train(optimizer, steps: 1..<2) }
    #expect(error?.message == "the row_moment of parameter w0 has NaN or infinity")
  }

  @Test func stateMayBeTheCallers() throws {
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 4)
    defer { unsafe memory.deallocate() }
    unsafe memory.initialize(repeating: 5)
    let moment = unsafe UnsafeMutableBufferPointer(rebasing: memory[..<3])
    let optimizer = try RowMoments([])
    let parameter = try parameters()[0]
    func binding(_ memory: UnsafeMutableBufferPointer<Float>) -> ParameterBinding {
      unsafe ParameterBinding(
        parameter, state: [.init(.rowMoment, NumberMemory(memory.baseAddress, count: memory.count))]
      )
    }
    #expect(throws: MuonError.self) { try optimizer.add([unsafe binding(memory)]) }
    try optimizer.add([unsafe binding(moment)])
    try train(optimizer, steps: 1..<2)
    #expect(unsafe memory[0] != 5 && memory[3] == 5)
    #expect(try unsafe optimizer.values(of: .rowMoment, ofParameter: 0) == Array(moment))
    #expect(try optimizer.values(of: .total, ofParameter: 0) == [1])
    try optimizer.bind(.rowMoment, ofParameter: 0, to: nil)
    #expect(try unsafe optimizer.values(of: .rowMoment, ofParameter: 0) == Array(moment))
  }

  /// A run that was saved and loaded goes on to the bit.
  @Test func checkpointsFollowTheTable() throws {
    let (one, other) = (try RowMoments(parameters()), try RowMoments(parameters()))
    try train(one, steps: 1..<4)
    let bytes = try Checkpoint.bytes(of: [one])
    let header = String(decoding: bytes, as: UTF8.self)
    let tensors = [
      #""optimizers.0.row_moment.w0":{"dtype":"F32","shape":[3],"#,
      #""optimizers.0.total.w1":{"dtype":"F32","shape":[],"#,
    ]
    for tensor in tensors { #expect(header.contains(tensor)) }
    try Checkpoint.load(bytes: bytes, optimizers: [other])
    #expect(try other.values(of: .total, ofParameter: 1) == [3])
    for optimizer in [one, other] { try train(optimizer, steps: 4..<6) }
    #expect(try Snapshot(one) == Snapshot(other))

    // State of another shape is not this optimizer's.
    let adamW = try AdamW(parameters())
    #expect(throws: MuonError.self) { try Checkpoint.load(bytes: bytes, optimizers: [adamW]) }
  }
}
