import MuonOptimizers
import Testing

/// Parameters in memory of the caller's: what may overlap, and what may not.
struct MemoryTests {
  /// Memory for the tests, freed with the object.
  @safe
  private final class Memory {
    private let all = UnsafeMutableBufferPointer<Float>.allocate(capacity: 100)

    init() { unsafe all.initialize(repeating: 1) }
    deinit { unsafe all.deallocate() }

    func parameter(_ name: String, data: Int, gradient: Int? = nil) throws -> Parameter {
      try unsafe Parameter(name, shape: [2, 3], data: six(at: data), gradient: gradient.map(six))
    }

    func state(at start: Int) -> ParameterBinding.State {
      unsafe ParameterBinding.State(
        .momentum, NumberMemory(six(at: start).baseAddress, count: 6))
    }

    func six(at start: Int) -> UnsafeMutableBufferPointer<Float> {
      unsafe UnsafeMutableBufferPointer(rebasing: all[start..<(start + 6)])
    }
  }

  /// Of the suite, so that it lives as long as a test.
  private let memory = Memory()

  @Test func isUpdatedInPlace() throws {
    let parameter = try memory.parameter("w", data: 0, gradient: 6)
    let muon = try Muon([parameter])
    try muon.step()
    let seen = unsafe Array(memory.six(at: 0))
    #expect(seen == parameter.values)
    #expect(seen.allSatisfy { $0 < 1 })
    #expect(unsafe Array(memory.six(at: 6)) == [Float](repeating: 1, count: 6))
  }

  @Test(arguments: [10, 5, 15])
  func ofDataMustNotOverlapData(_ start: Int) throws {
    let muon = try Muon([memory.parameter("first", data: 10)])
    let error = #expect(throws: MuonError.self) {
      try muon.add([memory.parameter("second", data: start)])
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("first") == true && error?.message.contains("second") == true)
    #expect(muon.parameters.count == 1)
  }

  @Test(arguments: [10, 5, 15])
  func ofGradientsMustNotOverlapData(_ start: Int) throws {
    let adamW = try AdamW([memory.parameter("first", data: 10, gradient: 40)])
    // The gradient of the second over the data of the first, and the other way round.
    for (data, gradient) in [(60, start), (start + 30, 60)] {
      let error = #expect(throws: MuonError.self) {
        try adamW.add([memory.parameter("second", data: data, gradient: gradient)])
      }
      #expect(error?.code == .invalidArgument)
    }
    // And within one parameter.
    #expect(throws: MuonError.self) {
      try adamW.add([memory.parameter("second", data: 70, gradient: 60 + start)])
    }
    #expect(adamW.parameters.count == 1)
  }

  /// Neighbours do not overlap, and gradients, which a step only reads, may be shared.
  @Test func mayTouchAndShareGradients() throws {
    let muon = try Muon([
      memory.parameter("first", data: 10, gradient: 40),
      memory.parameter("second", data: 16, gradient: 40),
      memory.parameter("third", data: 4, gradient: 43),
    ])
    try muon.step()
    #expect(muon.parameters.count == 3)
  }

  /// Also between the two optimizers that the builder makes.
  @Test(arguments: [OptimizerKind.muon, .adamW])
  func isApartForTheBuilder(_ kind: OptimizerKind) throws {
    let configuration = TrainingConfiguration(training: .init(optimizer: kind, learningRate: 1))
    let matrix = try memory.parameter("matrix", data: 10)
    let vector = try unsafe Parameter("v", shape: [6], data: memory.six(at: 15), gradient: nil)
    let error = #expect(throws: MuonError.self) {
      try buildOptimizers([matrix, vector], configuration: configuration)
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test func ofStateMustNotOverlap() throws {
    let muon = try Muon()
    for state in [10, 15, 40, 45] {
      let parameter = try memory.parameter("w", data: 10, gradient: 40)
      let momentum = memory.state(at: state)
      let binding = ParameterBinding(parameter, state: [momentum])
      #expect(throws: MuonError.self) { try muon.add([binding]) }
    }
    #expect(muon.parameters.isEmpty)
  }

  /// A momentum of the caller's is continued from, and written.
  @Test func ofStateMayBeTheCallers() throws {
    let parameter = try memory.parameter("w", data: 0, gradient: 6)
    let muon = try Muon(options: MuonOptions(momentum: 0.5))
    let momentum = memory.state(at: 12)
    try muon.add([ParameterBinding(parameter, state: [momentum])])
    try muon.step()
    #expect(unsafe Array(memory.six(at: 12)) == [Float](repeating: 1.5, count: 6))
    #expect(try muon.values(of: .momentum, ofParameter: 0) == [Float](repeating: 1.5, count: 6))
  }

  @Test func hasAsManyElementsAsTheShape() throws {
    for shape in [[7], [5], [], [2, 3, 2]] {
      let error = #expect(throws: MuonError.self) {
        try unsafe Parameter("w", shape: shape, data: memory.six(at: 0), gradient: nil)
      }
      #expect(error?.code == .shape)
    }
    let five = unsafe UnsafeMutableBufferPointer(rebasing: memory.six(at: 20)[0..<5])
    #expect(throws: MuonError.self) {
      try unsafe Parameter("w", shape: [6], data: memory.six(at: 0), gradient: five)
    }
  }

  /// A gradient that the parameter let go of is the caller's memory again.
  @Test func ofGradientsThatAreGoneMayBeTaken() throws {
    let first = try memory.parameter("first", data: 10, gradient: 40)
    let muon = try Muon([first])
    #expect(throws: MuonError.self) { try muon.add([memory.parameter("second", data: 40)]) }
    first.removeGradient()
    try muon.add([memory.parameter("second", data: 40)])
    try unsafe muon.bind(.gradient, ofParameter: 0, to: Numbers(Elements(memory.six(at: 60))))
    #expect(throws: MuonError.self) { try muon.add([memory.parameter("third", data: 65)]) }
    try unsafe muon.bind(.gradient, ofParameter: 0, to: Numbers(Elements(memory.six(at: 70))))
    try muon.add([memory.parameter("third", data: 60)])
    #expect(muon.parameters.count == 3)
  }

  /// What a batch claimed before the parameter that fails is free again.
  @Test func ofABatchThatFailsIsFree() throws {
    let muon = try Muon([memory.parameter("first", data: 10, gradient: 40)])
    #expect(throws: MuonError.self) {
      try muon.add([
        memory.parameter("second", data: 20, gradient: 50), memory.parameter("third", data: 15),
      ])
    }
    try muon.add([
      memory.parameter("fourth", data: 20, gradient: 60), memory.parameter("fifth", data: 50),
    ])
    #expect(muon.parameters.count == 3)
  }

  /// The time is not by the square of their number: that took minutes.
  @Test(.timeLimit(.minutes(1)), arguments: [true, false])
  func of50_000Parameters(_ inOneBatch: Bool) throws {
    let count = 50_000
    let all = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2 * count)
    defer { unsafe all.deallocate() }
    // Neither in the order of their addresses nor in the opposite one.
    let parameters = try (0..<count).map { index in
      let start = index * 7919 % count
      return unsafe try Parameter(
        "p", shape: [1, 1], data: UnsafeMutableBufferPointer(rebasing: all[start..<(start + 1)]),
        gradient: UnsafeMutableBufferPointer(rebasing: all[(count + start)..<(count + start + 1)]))
    }
    let muon = try Muon()
    if inOneBatch {
      try muon.add(parameters)
    } else {
      for parameter in parameters { try muon.add([parameter]) }
    }
    #expect(throws: MuonError.self) { try muon.add([parameters[count / 2]]) }
  }
}
