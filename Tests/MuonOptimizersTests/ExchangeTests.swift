import Testing

@testable import MuonOptimizers

/// Ranks that train together come to what one process comes to.
struct ExchangeTests {
  @Test(arguments: Model.allCases, [1, 2, 3, 5, 8])
  func twentyStepsAreThoseOfOneProcess(_ model: Model, _ ranks: Int) throws {
    let alone = try model.optimizers()
    for step in 1...20 { try model.step(alone, step) }
    let expected = try Report(alone)
    let reports = try Room.run(ranks) { seat in
      let optimizers = try model.optimizers()
      for optimizer in optimizers { try optimizer.setExchange(seat) }
      for step in 1...20 { try model.step(optimizers, step) }
      return try Report(optimizers)
    }
    #expect(reports.count == ranks)
    for report in reports {
      #expect(report.snapshots == expected.snapshots)
      #expect(report.statistics == expected.statistics)
      // Any rank's checkpoint has the bytes of the one process's.
      #expect(report.checkpoint == expected.checkpoint)
    }
  }

  /// What a rank shares in a step: the parameters, and nothing but them.
  @Test func sharesEachElementOnce() throws {
    let model = Model.plain
    let counts = try Room.run(3) { seat in
      let muon = try model.optimizers()[0]
      try muon.setExchange(seat)
      for parameter in muon.parameters {
        try parameter.setGradient(gradient(step: 1, count: parameter.count))
      }
      try muon.step()
      let owners = try muon.parameters.indices.map { try muon.owner(ofParameter: $0) }
      return (
        seat.bytes, seat.calls, muon.parameters.reduce(0) { $0 + $1.count }, owners
      )
    }
    for (bytes, calls, elements, owners) in counts {
      #expect(bytes == 4 * elements)
      #expect(calls == counts[0].1)
      #expect(owners == counts[0].3)
      #expect(Set(owners) == [0, 1, 2])
    }
  }

  /// Of 16 bits a parameter is shared as it is stored, and with it what is kept of it beside.
  @Test func sharesEachElementAsItIsStored() throws {
    let bytes = try Room.run(2) { seat in
      let muon = try Model.half.optimizers()[0]
      muon.statisticsLevel = .none
      try muon.setExchange(seat)
      for parameter in muon.parameters {
        try parameter.setGradient(gradient(step: 1, count: parameter.count))
      }
      try muon.step()
      return (seat.bytes, muon.parameters.map(\.count))
    }
    for (bytes, counts) in bytes {
      #expect(bytes == zip(counts, [2 + 4, 2 + 2, 2, 4]).reduce(0) { $0 + $1.0 * $1.1 })
    }
  }

  /// Each of stacked matrices has an owner of its own, where nothing of another lies between its elements.
  @Test func viewsAreDividedWhereTheyLieTogether() throws {
    let owners = try Room.run(8) { seat in
      let muon = try Model.views.optimizers()[0]
      try muon.setExchange(seat)
      return try muon.parameters.indices.map { try muon.owner(ofParameter: $0) }
    }
    // Stacked experts and blocks of rows are; what is interleaved has one owner.
    #expect(owners[0][0] == nil)
    #expect(owners[0][1] == nil)
    #expect(owners[0][2] != nil)
    #expect(owners[0][3] != nil)
    #expect(owners.allSatisfy { $0 == owners[0] })
  }

  @Test func aStepOfOneParameterIsShared() throws {
    @Sendable func train(_ muon: Optimizer) throws -> Snapshot {
      for step in 1...3 {
        for (index, parameter) in muon.parameters.enumerated() {
          try muon.step(
            parameter: index, gradient: gradient(step: step, count: parameter.count))
        }
      }
      return try Snapshot(muon)
    }
    let expected = try train(try Model.plain.optimizers()[0])
    let snapshots = try Room.run(3) { seat in
      let muon = try Model.plain.optimizers()[0]
      try muon.setExchange(seat)
      return try train(muon)
    }
    #expect(snapshots.allSatisfy { $0 == expected })
  }

  // MARK: - NaN

  /// NaN on one rank: all fail with its text, or all skip, and nothing has changed.
  @Test(arguments: [NonFinitePolicy.error, .skip], [0, 1])
  func nanOnOneRankIsOneOfAll(_ policy: NonFinitePolicy, _ spoiled: Int) throws {
    let model = Model.plain
    let outcomes = try Room.run(3) { seat in
      let optimizers = try model.optimizers()
      for optimizer in optimizers {
        optimizer.nonFinitePolicy = policy
        try optimizer.setExchange(seat)
      }
      try model.step(optimizers, 1)
      let before = try Report(optimizers)
      try model.giveGradients(optimizers, 2)
      if seat.rank == 1 {
        try optimizers[spoiled].parameters[1].withMutableGradient { $0[3] = .nan }
      }
      var message = ""
      do throws(MuonError) { try Optimizer.step(all: optimizers) } catch {
        #expect(error.code == .nonFiniteGradient)
        message = error.message
      }
      #expect(try Report(optimizers).snapshots == before.snapshots)
      let skipped = optimizers.map(\.skippedSteps)
      // The next one is made.
      try model.step(optimizers, 3)
      return (message, skipped, try Report(optimizers).snapshots)
    }
    let name = spoiled == 0 ? "w1" : "b1"
    for (message, skipped, snapshots) in outcomes {
      #expect(skipped == (policy == .skip ? [1, 1] : [0, 0]))
      #expect(snapshots == outcomes[0].2)
      guard policy == .error else { continue }
      #expect(message.hasPrefix("rank 1: optimizer \(spoiled) ("))
      #expect(message.contains("the gradient of parameter \(name) has NaN or infinity"))
    }
  }

  // MARK: - Checkpoints

  /// Resumed with 4 ranks, then 1, then 3: as if it had never stopped.
  @Test func resumesWithAnyNumberOfRanks() throws {
    let model = Model.normalized
    let alone = try model.optimizers()
    for step in 1...6 { try model.step(alone, step) }
    var bytes: [UInt8]? = nil
    for (ranks, steps) in [(4, 1...2), (1, 3...4), (3, 5...6)] {
      let saved = bytes
      let reports = try Room.run(ranks) { seat in
        let optimizers = try model.optimizers()
        for optimizer in optimizers { try optimizer.setExchange(seat) }
        if let saved { try Checkpoint.load(bytes: saved, optimizers: optimizers) }
        for step in steps { try model.step(optimizers, step) }
        return try Report(optimizers)
      }
      #expect(reports.allSatisfy { $0.checkpoint == reports[0].checkpoint })
      bytes = reports[0].checkpoint
    }
    #expect(try bytes == Report(alone).checkpoint)
  }

  /// One rank alone has loaded another checkpoint.
  @Test func aCheckpointOfOneRankIsNoticed() throws {
    let other = try Model.plain.optimizers()
    try Model.plain.step(other, 9)
    let saved = try Checkpoint.bytes(of: other)
    let messages = try Room.run(2) { seat in
      let optimizers = try Model.plain.optimizers()
      for optimizer in optimizers { try optimizer.setExchange(seat) }
      if seat.rank == 1 { try Checkpoint.load(bytes: saved, optimizers: optimizers) }
      let error = #expect(throws: MuonError.self) { try Model.plain.step(optimizers, 1) }
      #expect(error?.code == .exchange)
      return error?.message ?? ""
    }
    #expect(messages.allSatisfy { $0.contains("the steps of parameter w0") })
  }
}
