import Synchronization
import Testing

@testable import MuonOptimizers

/// Ranks that differ, and ranks that are lost.
struct ExchangeFailureTests {
  /// A way in which one of two ranks can differ, and what the error says.
  struct Difference: Sendable, CustomTestStringConvertible {
    let text: String
    let make: @Sendable (_ rank: Int) throws -> Muon
    var testDescription: String { text }

    init(_ text: String, _ make: @escaping @Sendable (_ rank: Int) throws -> Muon) {
      (self.text, self.make) = (text, make)
    }
  }

  private static func muon(
    _ names: [String] = ["a", "b"], shape: [Int] = [4, 6], values: [Float]? = nil,
    view: MatrixView? = nil, options: MuonOptions = MuonOptions()
  ) throws -> Muon {
    try Muon(
      try names.map { try Parameter($0, shape: shape, values: values, view: view) },
      options: options)
  }

  static let differences = [
    Difference("the number of parameters, here ") { try muon($0 == 0 ? ["a", "b"] : ["a"]) },
    Difference("the number of groups, here ") { rank in
      let muon = try muon()
      if rank == 0 { try muon.addGroup(options: MuonOptions()) }
      return muon
    },
    Difference("the name of parameter 1, here ") { try muon(["a", $0 == 0 ? "b" : "c"]) },
    Difference("the shape of parameter a, here ") { try muon(shape: $0 == 0 ? [4, 6] : [6, 4]) },
    Difference("the view of parameter a, here ") {
      try muon(view: MatrixView($0 == 0 ? "oi" : "io"))
    },
    Difference("the storage of parameter a, here ") { rank in
      let storage = ParameterStorage(rank == 0 ? .bfloat16 : .float16)
      return try Muon([try Parameter("a", shape: [4, 6], storage: storage)])
    },
    Difference("the group of parameter b, here ") { rank in
      let muon = try muon(["a"])
      let group = try muon.addGroup(options: MuonOptions())
      try muon.add([try Parameter("b", shape: [4, 6])], toGroup: rank == 0 ? 0 : group)
      return muon
    },
    Difference("the values of parameter a") {
      try muon(values: Array(repeating: Float($0), count: 24))
    },
    Difference("the momentum of parameter b") { rank in
      let muon = try muon()
      if rank == 1 {
        try muon.setValues(Array(repeating: 1, count: 24), of: .momentum, ofParameter: 1)
      }
      return muon
    },
    Difference("the steps of parameter b, here ") { rank in
      let muon = try muon()
      try muon.setSteps(rank, ofParameter: 1)
      return muon
    },
    Difference("what is done about NaN, here ") { rank in
      let muon = try muon()
      muon.nonFinitePolicy = rank == 0 ? .error : .skip
      return muon
    },
    Difference("the statistics level, here ") { rank in
      let muon = try muon()
      muon.statisticsLevel = rank == 0 ? .none : .basic
      return muon
    },
    Difference("the option lr of group 0, here ") {
      try muon(options: MuonOptions(learningRate: $0 == 0 ? 0.02 : 0.020_000_1))
    },
    Difference("the option backend of group 0, here ") {
      try muon(options: MuonOptions(backend: $0 == 0 ? .newtonSchulz5 : .cans))
    },
    Difference("the option coefficients of group 0, here ") {
      try muon(
        options: MuonOptions(backend: .custom([Coefficients(3, -3, $0 == 0 ? 1.2 : 1.3)])))
    },
  ]

  @Test(arguments: differences)
  func eachDifferenceIsNamedWhenTheExchangeIsSet(_ difference: Difference) throws {
    let messages = try Room.run(2) { seat in
      let muon = try difference.make(seat.rank)
      let error = #expect(throws: MuonError.self) { try muon.setExchange(seat) }
      #expect(error?.code == .exchange)
      // It trains alone, as before.
      try muon.step()
      return error?.message ?? ""
    }
    for message in messages {
      #expect(message.hasPrefix("the ranks differ in \(difference.text)"), "\(message)")
    }
  }

  /// The same that comes up between two steps; the step can be made once it is mended.
  @Test(arguments: [
    "the option lr of group 0, here ", "the steps of parameter b, here ",
    "whether parameter b has a gradient, here ", "the number of parameters, here ",
    "the gradient scale, here ", "the parameter that the step is for, here ",
    "the values of parameter a", "the name of parameter 2, here ",
  ])
  func eachDifferenceIsNamedInAStep(_ text: String) throws {
    let messages = try Room.run(3) { seat in
      let muon = try Self.muon(values: uniform(seed: 1, count: 24))
      try muon.setExchange(seat)
      func give() throws {
        for parameter in muon.parameters {
          try parameter.setGradient(gradient(step: 1, count: parameter.count))
        }
      }
      try give()
      try muon.step()
      var only: Int? = nil
      if seat.rank == 2 || text.hasPrefix("the name") {
        switch text.prefix(13) {
        case "the option lr": try muon.setLearningRate(1)
        case "the steps of ": try muon.setSteps(7, ofParameter: 1)
        case "whether param": muon.parameters[1].removeGradient()
        case "the number of": try muon.add([try Parameter("c", shape: [2, 2])])
        case "the gradient ": try muon.setGradientScale(2)
        case "the values of":
          try muon.setValues(uniform(seed: 2, count: 24), of: .data, ofParameter: 0)
        case "the name of p": try muon.add([try Parameter("c\(seat.rank)", shape: [2, 2])])
        default: only = 0
        }
      }
      let changed = try Snapshot(muon)
      let error = #expect(throws: MuonError.self) {
        if let only {
          try muon.step(parameter: only, gradient: gradient(step: 1, count: 24))
        } else {
          try muon.step()
        }
      }
      #expect(error?.code == .exchange)
      #expect(try Snapshot(muon) == changed)
      if text.contains("gradient") || text.contains("the step is for") {
        try muon.setGradientScale(1)
        try give()
        try muon.step()
      }
      return error?.message ?? ""
    }
    for message in messages {
      #expect(message.hasPrefix("the ranks differ in \(text)"), "\(message)")
    }
  }

  @Test func refusesRanksThatCannotBe() throws {
    final class Odd: Exchange {
      let rank, rankCount: Int
      let answer: ([Int64]) -> [Int64]
      init(_ rank: Int, _ count: Int, _ answer: @escaping ([Int64]) -> [Int64] = { $0 }) {
        (self.rank, rankCount, self.answer) = (rank, count, answer)
      }
      func agree(_ values: inout [Int64]) { values = answer(values) }
      func share(_ data: UnsafeMutableRawBufferPointer, from owner: Int) {}
      func finish() {}
    }
    let muon = try Self.muon()
    for (rank, count) in [(-1, 2), (2, 2), (0, 0), (0, -1), (0, 65537)] {
      let error = #expect(throws: MuonError.self) { try muon.setExchange(Odd(rank, count)) }
      #expect(error?.code == .invalidArgument)
    }
    // Two processes that both say they are rank 0 of 2.
    let error = #expect(throws: MuonError.self) { try muon.setExchange(Odd(0, 2)) }
    #expect(error?.code == .exchange)
    #expect(error?.message.contains("none is rank 1") == true)
    // Answers that no maximum gives.
    for answer: ([Int64]) -> [Int64] in [
      { _ in [] }, { $0 + [1] }, { $0.map { _ in .min } }, { $0.map { _ in .max } },
      { $0.map { _ in 0 } },
    ] {
      let error = #expect(throws: MuonError.self) { try muon.setExchange(Odd(0, 1, answer)) }
      #expect(error?.code == .exchange)
    }
    #expect(try muon.owner(ofParameter: 0) == nil)
    try muon.setExchange(Odd(0, 1))
    #expect(try muon.owner(ofParameter: 0) == 0)
    #expect(throws: MuonError.self) { try muon.owner(ofParameter: 2) }
    try muon.setExchange(nil)
    #expect(try muon.owner(ofParameter: 0) == nil)
  }

  // MARK: - Failures

  /// Every call that a step and setting the exchange make fails once, on one of three ranks.
  @Test func eachCallThatFailsIsAnErrorOfAll() throws {
    let model = Model.normalized
    let calls = try Room.run(3) { seat in
      let muon = try model.optimizers()[0]
      try muon.setExchange(seat)
      let set = seat.calls.count
      try model.step([muon], 1)
      return (set, seat.calls)
    }[0]
    #expect(Set(calls.1) == ["agree", "share", "finish"])
    for failing in calls.1.indices {
      try fail(at: failing, setting: failing < calls.0, isAgreement: calls.1[failing] == "agree")
    }
  }

  private func fail(at call: Int, setting: Bool, isAgreement: Bool) throws {
    let model = Model.normalized
    let saved = try Checkpoint.bytes(of: [try model.optimizers()[0]])
    _ = try Room.run(3) { seat in
      if seat.rank == 1 { seat.failing = call }
      let muon = try model.optimizers()[0]
      let before = try Snapshot(muon)
      if setting {
        let error = #expect(throws: MuonError.self) { try muon.setExchange(seat) }
        #expect(error?.code == .exchange)
        #expect(try Snapshot(muon) == before)
        try model.step([muon], 1)
        return
      }
      try muon.setExchange(seat)
      let error = #expect(throws: MuonError.self) { try model.step([muon], 1) }
      #expect(error?.code == .exchange)
      #expect(
        error?.message.contains(seat.rank == 1 ? "a cable was cut" : "another rank has left")
          == true)
      #expect(error?.message.hasPrefix("a step broke off") == !isAgreement)
      // The next step is refused without a word to anybody.
      let made = seat.calls.count
      let again = #expect(throws: MuonError.self) { try model.step([muon], 1) }
      #expect(again?.code == .exchange)
      #expect(seat.calls.count == made)
      if isAgreement {
        #expect(try Snapshot(muon) == before)
        try muon.setExchange(nil)
      } else {
        // It broke off: neither alone nor together before a checkpoint was loaded.
        try muon.setExchange(nil)
        #expect(throws: MuonError.self) { try model.step([muon], 1) }
        #expect(throws: MuonError.self) { try muon.setExchange(seat) }
        try Checkpoint.load(bytes: saved, optimizers: [muon])
        #expect(try Snapshot(muon) == before)
      }
      try model.step([muon], 1)
    }
  }

  /// It counts as refused for NaN, and so does the scale of its gradients.
  @Test func theGradientScaleIsUsedUpOnAllRanks() throws {
    _ = try Room.run(2) { seat in
      let muon = try Self.muon(values: uniform(seed: 1, count: 24))
      try muon.setExchange(seat)
      for parameter in muon.parameters {
        try parameter.setGradient(gradient(step: 1, count: parameter.count))
      }
      if seat.rank == 0 { try muon.parameters[0].withMutableGradient { $0[0] = .infinity } }
      try muon.setGradientScale(0.5)
      #expect(throws: MuonError.self) { try muon.step() }
      #expect(muon.gradientScale == 1)
    }
  }
}
