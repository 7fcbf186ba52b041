import MuonOptimizers
import Testing

/// Which parameters there can be, and which an optimizer takes.
struct ParameterTests {
  @Test(arguments: [
    [-1], [2, -3], [0, -1], [.min], [.max], [.max, 2], [1 << 32, 1 << 32], [1 << 62],
    [Int](repeating: 1, count: 9), [Int](repeating: 1 << 16, count: 4),
  ])
  func refusesShapes(_ shape: [Int]) {
    let error = #expect(throws: MuonError.self) { try Parameter("w", shape: shape) }
    #expect(error?.code == .shape)
    #expect(error?.message.contains("w") == true)
  }

  /// Few enough elements to address, too many to have.
  @Test func runsOutOfMemoryPolitely() {
    let error = #expect(throws: MuonError.self) { try Parameter("w", shape: [1 << 60]) }
    #expect(error?.code == .outOfMemory)
  }

  @Test(arguments: [[], [0], [3, 0], [.max, .max, 0], [1, 1, 1, 1, 1, 1, 1, 1]])
  func acceptsShapes(_ shape: [Int]) throws {
    let parameter = try Parameter("w", shape: shape)
    #expect(parameter.shape == shape)
    #expect(parameter.count == (shape.contains(0) ? 0 : 1))
    #expect(parameter.values == [Float](repeating: 0, count: parameter.count))
  }

  @Test(arguments: [0, 5, 7])
  func refusesAWrongNumberOfValues(_ count: Int) {
    let values = [Float](repeating: 1, count: count)
    let error = #expect(throws: MuonError.self) {
      try Parameter("w", shape: [2, 3], values: values)
    }
    #expect(error?.code == .shape)
  }

  @Test(arguments: [[], [4], [2, 2, 1]])
  func muonTakesMatricesOnly(_ shape: [Int]) throws {
    let parameter = try Parameter("kernel", shape: shape)
    let error = #expect(throws: MuonError.self) { try Muon([parameter]) }
    #expect(error?.code == .shape)
    #expect(error?.message.contains("kernel") == true)
    #expect(try AdamW([parameter]).parameters.count == 1)
  }

  /// Also where there is nothing to add.
  @Test(arguments: [.min, -1, 1, .max], [0, 1])
  func goToGroupsThatAreThere(_ group: Int, _ count: Int) throws {
    let optimizer = try Muon([])
    let parameters = try (0..<count).map { try Parameter("w\($0)", shape: [2, 3]) }
    let error = #expect(throws: MuonError.self) {
      try optimizer.add(parameters, toGroup: group)
    }
    #expect(error?.code == .invalidArgument)
    try optimizer.add(parameters, toGroup: 0)
    #expect(optimizer.parameters.count == count)
  }

  /// An empty matrix has nothing to train; its steps are counted all the same.
  @Test(arguments: [[0, 0], [0, 5], [5, 0]], Backend.named)
  func mayBeEmpty(_ shape: [Int], _ backend: Backend) throws {
    let empty = try Parameter("empty", shape: shape)
    let full = try Parameter("full", shape: [2, 2], values: [1, 2, 3, 4])
    for parameter in [empty, full] {
      try parameter.setGradient([Float](repeating: 1, count: parameter.count))
    }
    let optimizers: [Optimizer] = [
      try Muon(
        [empty, full], options: MuonOptions(shapeScale: .spectral, backend: backend)),
      try AdamW([empty, full]),
    ]
    for optimizer in optimizers {
      let before = full.values
      try optimizer.step()
      optimizer.nonFinitePolicy = .skip
      try optimizer.step()
      #expect(try optimizer.steps(ofParameter: 0) == 2)
      #expect(full.values != before && full.values.allSatisfy { $0.isFinite })
    }
  }

  @Test(arguments: OptimizerKind.allCases)
  func areAddedAllOrNone(_ kind: OptimizerKind) throws {
    let optimizer = try trained(kind)
    let before = try Snapshot(optimizer)
    let good = try Parameter("good", shape: [2, 2])
    let kernel = try Parameter("kernel", shape: [2, 2, 1, 1])
    let bad = kind == .muon ? kernel : good
    #expect(throws: MuonError.self) { try optimizer.add([good, bad]) }
    #expect(optimizer.parameters.count == 3)
    #expect(try Snapshot(optimizer) == before)
    // Its memory is free: it was not kept from the first attempt.
    try optimizer.add([good])
    #expect(optimizer.parameters.count == 4)
    #expect(optimizer.parameters[3] === good)
  }

  @Test(arguments: [-1, 1, Int.min, .max])
  func areAddedToGroupsThatExist(_ group: Int) throws {
    let parameter = try Parameter("w", shape: [2, 2])
    for optimizer in [try Muon() as Optimizer, try AdamW()] {
      let error = #expect(throws: MuonError.self) {
        try optimizer.add([parameter], toGroup: group)
      }
      #expect(error?.code == .invalidArgument)
      #expect(optimizer.parameters.isEmpty)
    }
  }

  /// State by index and buffer: only of the parameters and buffers there are.
  @Test func stateIsCheckedBeforeItIsTouched() throws {
    let muon = try trained(.muon)
    let adamW = try trained(.adamW)
    for index in [-1, 3, Int.min, .max] {
      #expect(throws: MuonError.self) { try muon.values(of: .data, ofParameter: index) }
      #expect(throws: MuonError.self) { try muon.setValues([], of: .data, ofParameter: index) }
      #expect(throws: MuonError.self) { try muon.steps(ofParameter: index) }
      #expect(throws: MuonError.self) { try muon.setSteps(1, ofParameter: index) }
    }
    #expect(throws: MuonError.self) { try muon.values(of: .meanGradient, ofParameter: 0) }
    #expect(throws: MuonError.self) { try adamW.values(of: .momentum, ofParameter: 0) }
    for steps in [-1, Int.min, .max, 1 << 53 + 1] {
      #expect(throws: MuonError.self) { try adamW.setSteps(steps, ofParameter: 0) }
    }
    #expect(throws: MuonError.self) {
      try adamW.setValues([1, 2], of: .meanGradient, ofParameter: 0)
    }
    adamW.parameters[0].removeGradient()
    #expect(throws: MuonError.self) { try adamW.values(of: .gradient, ofParameter: 0) }
    #expect(try adamW.steps(ofParameter: 0) == 3)
  }
}
