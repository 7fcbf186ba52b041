import Testing

@testable import MuonOptimizers

/// What one rank alone does wrong: in the arguments of a step, or in a callback of its exchange.
struct ExchangeCallbackTests {
  private static func muon() throws -> Muon {
    let muon = try Muon(
      try ["a", "b"].map { try Parameter($0, shape: [4, 6], values: uniform(seed: 1, count: 24)) })
    for parameter in muon.parameters {
      try parameter.setGradient(gradient(step: 1, count: parameter.count))
    }
    return muon
  }

  /// The others do not wait for it, and the next step is made together.
  @Test(arguments: [(1, 24, ""), (1, 23, "has 24 elements, got 23"), (9, 24, "no parameter 9")])
  func aGradientThatOneRankCannotUseIsAnErrorOfAll(
    _ index: Int, _ count: Int, _ text: String
  ) throws {
    _ = try Room.run(3) { seat in
      let muon = try Self.muon()
      try muon.setExchange(seat)
      let before = try Snapshot(muon)
      let isWrong = seat.rank == 1
      let given = gradient(step: 2, count: isWrong ? count : 24)
      if text.isEmpty {
        try muon.step(parameter: index, gradient: given)
        return
      }
      let error = #expect(throws: MuonError.self) {
        try muon.step(parameter: isWrong ? index : 1, gradient: given)
      }
      #expect(error?.code == (count == 24 ? .invalidArgument : .shape))
      #expect(error?.message.hasPrefix("rank 1: ") == true)
      #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
      #expect(try Snapshot(muon) == before)
      try muon.step(parameter: 1, gradient: gradient(step: 2, count: 24))
      #expect(try muon.steps(ofParameter: 1) == 1)
    }
  }

  /// Does something in its first call of a kind, and passes calls on.
  private final class Meddler: Exchange {
    let seat: Room.Seat
    let call: String
    var act: (() throws -> Void)?
    var rank: Int { seat.rank }
    var rankCount: Int { seat.rankCount }

    init(_ seat: Room.Seat, in call: String) { (self.seat, self.call) = (seat, call) }

    private func meddle(_ call: String) throws {
      guard call == self.call, let act else { return }
      self.act = nil
      try act()
    }
    func agree(_ values: inout [Int64]) throws {
      try seat.agree(&values)
      try meddle("agree")
    }
    func share(_ data: UnsafeMutableRawBufferPointer, from owner: Int) throws {
      try unsafe seat.share(data, from: owner)
      try meddle("share")
    }
    func finish() throws {
      try seat.finish()
      try meddle("finish")
    }
  }

  private static let uses: [@Sendable (Muon) throws -> Void] = [
    { try $0.step() },
    { try Optimizer.step(all: [$0]) },
    { try $0.step(parameter: 0, gradient: gradient(step: 1, count: 24)) },
    { try $0.setExchange(nil) },
    { try $0.add([try Parameter("c", shape: [300, 300])]) },
    { _ = try $0.addGroup(options: MuonOptions()) },
    { try $0.setOptions(MuonOptions(secondMoment: .normuon)) },
  ]

  /// A step in the middle of one would have the memory of that one.
  @Test(arguments: ["agree", "share", "finish"])
  func aCallbackCannotChangeItsOptimizer(_ call: String) throws {
    for use in Self.uses {
      _ = try Room.run(2) { seat in
        let muon = try Self.muon()
        let exchange = Meddler(seat, in: call)
        try muon.setExchange(exchange)
        var refusal: MuonError?
        if seat.rank == 0 {
          exchange.act = { do { try use(muon) } catch { refusal = error as? MuonError } }
        }
        for _ in 0..<2 { try muon.step() }
        if seat.rank == 0 {
          #expect(refusal?.code == .invalidArgument)
          #expect(refusal?.message.contains("a callback") == true)
        }
        #expect(muon.groupCount == 1 && muon.parameters.count == 2)
        #expect(try muon.steps(ofParameter: 0) == 2)
        exchange.act = nil
      }
    }
  }

  /// A parameter knows nothing of the step that it is in.
  @Test func aGradientThatIsTakenAwayInACallbackIsAnError() throws {
    _ = try Room.run(2) { seat in
      let muon = try Self.muon()
      let exchange = Meddler(seat, in: "agree")
      try muon.setExchange(exchange)
      exchange.act = {
        for parameter in muon.parameters { parameter.removeGradient() }
      }
      let before = try Snapshot(muon).bits[0]
      let error = #expect(throws: MuonError.self) { try muon.step() }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message.contains("the gradient of parameter a") == true)
      #expect(try Snapshot(muon).bits[0] == before)
      #expect(throws: MuonError.self) { try muon.step() }
      exchange.act = nil
    }
  }
}
