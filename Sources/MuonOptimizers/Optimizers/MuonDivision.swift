extension Muon {
  /// Who works out which matrices, where ranks train together. It changes when plans do.
  struct Division {
    private(set) var pieces: [OwnedMatrices] = []
    /// The numbers of the pieces in the order in which all ranks share them.
    let order: [Int]
    /// The turns of this rank's pieces, in that order.
    let ownTurns: [Turn]

    private let own: Int
    /// The pieces of other ranks that the present step changes, and their elements.
    private(set) var others: [Int] = []
    private(set) var parts = PartList()
    /// One a worker, for directions that nobody needs, and momenta that are not float32.
    private(set) var scratch: [Buffer<Float>] = []
    static var scratchCount: Int { 2 * Matrix.chunk }

    /// - Parameter steps: Of the iteration, by group.
    init(
      of trained: [TrainedParameter], _ plans: [MuonPlan], among ranks: Ranks, steps: (Int) -> Int
    ) throws(MuonError) {
      own = ranks.own
      var pieces: [OwnedMatrices] = []
      var first = 0
      while first < plans.count {
        let parameter = plans[first].parameter
        let end = plans[first...].firstIndex { $0.parameter != parameter } ?? plans.count
        pieces += OwnedMatrices.pieces(
          of: plans, first..<end, steps: steps(trained[parameter].group))
        first = end
      }
      try requireMemory(for: ranks.count, each: 8 * MemoryLayout<Int>.stride)
      let plan = OwnerPlan(costs: pieces.map(\.cost), ranks: ranks.count)
      for (number, owner) in plan.owners.enumerated() { pieces[number].owner = owner }
      order = plan.order
      ownTurns = order.map { pieces[$0] }.filter { $0.owner == ranks.own }.flatMap { piece in
        piece.batches.flatMap { batch in piece.plans.map { Turn(plan: $0, batch: batch) } }
      }
      self.pieces = pieces
      others.reserveCapacity(pieces.count)
      parts.reserveCapacity(pieces.count)
    }

    /// Lists what the present step changes for other ranks to work out, and makes sure of memory.
    mutating func planStep(
      _ plans: [MuonPlan], takesPart: (_ parameter: Int) -> Bool
    ) throws(MuonError) {
      others.removeAll(keepingCapacity: true)
      parts.removeAll()
      for (number, piece) in pieces.enumerated()
      where piece.owner != own && takesPart(piece.parameter) {
        others.append(number)
        parts.append(elements(of: piece, plans).count)
      }
      while !others.isEmpty, scratch.count < workers {
        scratch.append(try Buffer(count: Division.scratchCount))
      }
    }

    /// For the momenta of others.
    var workers: Int { Team.sensibleSize(forElements: parts.elements) }
    var scratchBytes: Int {
      scratch.count * Division.scratchCount * MemoryLayout<Float>.stride
    }

    /// The one rank that has all matrices of a parameter; `nil` where several have them.
    func owner(ofParameter index: Int) -> Int? {
      let owners = pieces.lazy.filter { $0.parameter == index }.map(\.owner)
      return owners.first.flatMap { first in owners.allSatisfy { $0 == first } ? first : nil }
    }

    /// Where a piece is in its parameter.
    func elements(of piece: OwnedMatrices, _ plans: [MuonPlan]) -> Range<Int> {
      let first = plans[piece.plans.lowerBound]
      return piece.elements(in: first.matrices, firstBlock: first.block)
    }
  }

  /// Works out this rank's matrices, the dearest first, and shares each when it is done, while the next is worked out.
  ///
  /// The momenta are the same on all ranks: what others orthogonalize is advanced here without products, which hides
  /// what is still on its way.
  func runDivided(among ranks: Ranks) throws(MuonError) {
    guard let division else { return }
    var (place, shared, done) = (0, 0, 0)
    /// What is to be shared next, as far as this rank's own of it is done.
    func shareWhatIsDone() throws(MuonError) {
      while place < division.order.count {
        let piece = division.pieces[division.order[place]]
        if takesPart(piece.parameter) {
          if piece.owner == ranks.own {
            guard shared + piece.count <= done else { return }
            shared += piece.count
          }
          try share(piece, among: ranks)
        }
        place += 1
      }
    }
    try shareWhatIsDone()
    while done < turns.count {
      let wave = wave(from: done)
      run(wave)
      done = wave.upperBound
      try shareWhatIsDone()
    }
    if !division.others.isEmpty {
      Team.run(workers: division.workers, MomentaOfOthers(muon: self, division: division))
    }
    try ranks.finish()
  }

  /// The parameter, the state but for the momentum, and what is measured.
  private func share(_ piece: OwnedMatrices, among ranks: Ranks) throws(MuonError) {
    let parameter = trained[piece.parameter]
    let (first, last) = (plans[piece.plans.lowerBound], plans[piece.plans.upperBound - 1])
    func elements(_ layout: MatrixLayout) -> Range<Int> {
      piece.elements(in: layout, firstBlock: first.block)
    }
    try ranks.share(parameter.data[elements(first.matrices)], from: piece.owner)
    for state in parameter.state where state.buffer != .momentum {
      let layout =
        switch state.buffer {
        case .secondMomentum: first.secondMomentum
        case .radius: first.radius
        default: first.matrices
        }
      guard let layout else { continue }
      try ranks.share(state.elements[elements(layout)], from: piece.owner)
    }
    guard let meter = parameter.meter else { return }
    let (begin, end) = (
      first.meter(piece.batches.lowerBound, of: meter),
      last.meter(piece.batches.upperBound - 1, of: meter)
    )
    try ranks.share(meter.gradient.part(from: begin.gradient, to: end.gradient), from: piece.owner)
    try ranks.share(meter.change.part(from: begin.change, to: end.change), from: piece.owner)
    if let all = meter.gram, let begin = begin.gram, let end = end.gram {
      try ranks.share(all.part(from: begin, to: end), from: piece.owner)
    }
  }

  private struct MomentaOfOthers: TeamWork {
    let muon: Muon
    let division: Division

    func perform(by member: Team.Member) {
      Denormals.flushed {
        division.parts.forEach(by: member) { place, offset, count in
          let piece = division.pieces[division.others[place]]
          let start = division.elements(of: piece, muon.plans).lowerBound + offset
          for first in stride(from: start, to: start + count, by: Matrix.chunk) {
            advance(
              muon.trained[piece.parameter], first..<min(first + Matrix.chunk, start + count),
              in: division.scratch[member.index].elements)
          }
        }
      }
    }

    private func advance(
      _ parameter: TrainedParameter, _ part: Range<Int>, in scratch: Floats
    ) {
      guard let gradient = parameter.gradient?[part] else { return }
      let options = muon.groups[parameter.group]
      let step = options.momentumStep(gradientScale: muon.stepScale)
      let momentum = parameter.state[0].elements[part]
      Denormals.kept(unless: options.toleratesFlush) {
        let u = scratch.first(part.count)
        let m = momentum.widened(in: scratch[Matrix.chunk..<Matrix.chunk + part.count])
        _ = step.direction(gradient.widened(in: u), m, into: u, advancing: true)
        if momentum.floats == nil { momentum.round(from: m) }
      }
    }
  }
}

extension Elements {
  /// From where one part of them begins to where another one ends.
  fileprivate func part(from first: Elements, to last: Elements) -> Elements {
    let size = UInt(MemoryLayout<Element>.stride)
    return self[
      Int((first.address - address) / size)..<Int((last.address - address) / size) + last.count]
  }
}
