internal import Synchronization

/// The look for what is not finite, before a step writes anything: in the gradients, and in the state as
/// the step would leave it.
///
/// It reads the gradients alone, as long as they are such that finite state remains finite. Only where a
/// part of one has larger elements, or the state may not be finite as it is, is the state of that part read
/// too, and worked out as the step would.
struct NonFiniteSearch: TeamWork, ~Copyable {
  let optimizer: Optimizer
  /// The first culprit, by its place among the active parameters.
  let first = Atomic<Int>(.max)

  func perform(by worker: Team.Member) {
    let limit = (optimizer.harmlessGradient / max(1, optimizer.stepScale)).bitPattern
    optimizer.parts.forEach(by: worker) { place, offset, count in
      let index = optimizer.active[place]
      guard let gradient = optimizer.trained[index].gradient else { return }
      let elements = offset..<offset + count
      let highest = gradient[elements].highest()
      if highest < limit, optimizer.trained[index].hasFiniteState { return }
      if isFinite(highest), stateStaysFinite(optimizer.trained[index], elements) { return }
      first.min(place, ordering: .relaxed)
    }
  }

  private func stateStaysFinite(_ parameter: TrainedParameter, _ elements: Range<Int>) -> Bool {
    // The host may have asked for traps, and this is where overflow is looked for.
    FloatingPointEnvironment.withoutTraps {
      optimizer.stateStaysFinite(parameter, elements: elements)
    }
  }
}

extension Optimizer {
  /// Why a step would write NaN or infinity, which is not for `NonFinitePolicy.propagate` to ask; `nil`
  /// where it would not.
  func reasonAgainstStep() -> String? {
    let search = NonFiniteSearch(optimizer: self)
    Team.run(workers: Team.sensibleSize(forElements: parts.elements), search)
    let found = search.first.load(ordering: .relaxed)
    guard found < active.count else { return nil }

    let parameter = trained[active[found]]
    let owner = parameter.owner
    if let gradient = parameter.gradient, !gradient.areFinite {
      return "the gradient of \(owner) has NaN or infinity"
    }
    for memory in parameter.state where !memory.row.isParameter && !memory.elements.areFinite {
      return "the \(memory.buffer.label) of \(owner) has NaN or infinity"
    }
    for memory in parameter.state where memory.row.isOfSquares && !memory.floats.areNotNegative {
      return "the \(memory.buffer.label) of \(owner) has a number below 0, whose root is NaN"
    }
    let state = parameter.state.filter { !$0.row.isParameter }
    let names = state.map(\.buffer.label).joined(separator: " or ")
    return "the gradient of \(owner) is too large: its \(names), or what goes into it, would be "
      + "past \(state.first?.elements.type == .bfloat16 ? "bfloat16" : "float32")"
  }

  /// Notes that somebody else has written a buffer: state that has been is not known to be finite, and other ranks may
  /// not have it.
  package func noteWritten(_ buffer: ParameterBuffer, ofParameter index: Int) {
    if buffer != .data, buffer != .gradient { trained[index].hasFiniteState = false }
    if buffer != .gradient { ranks?.hasNews = true }
  }
}
