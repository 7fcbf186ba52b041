internal import CMuonKernels
internal import Synchronization

/// The look for what is not finite, before a step writes anything: in the gradients, and in the state as
/// the step would leave it.
///
/// It reads the gradients alone, as long as they are such that finite state remains finite. Only where a
/// part of one has larger elements, or the state may not be finite as it is, is the state of that part read
/// too, and worked out as the step would.
struct NonFiniteSearch: TeamWork, ~Copyable {
  let members: [Optimizer.Member]
  let rule: any UpdateRule
  /// The index of the first culprit.
  let first = Atomic<Int>(.max)

  func perform(by worker: Team.Member) {
    let limit = rule.harmlessGradient.bitPattern
    for index in members.indices {
      guard let gradient = unsafe members[index].parameter.gradient else { continue }
      worker.forEachPart(of: gradient.count) { offset, count in
        guard let start = gradient.baseAddress else { return }
        let highest = unsafe Kernels.passes.highest(count, start + offset)
        if highest < limit, members[index].hasFiniteState { return }
        if isFinite(highest),
          unsafe stateStaysFinite(members[index], gradient: start, offset, count)
        {
          return
        }
        first.min(index, ordering: .relaxed)
      }
    }
  }

  private func stateStaysFinite(
    _ member: Optimizer.Member, gradient: UnsafePointer<Float>, _ offset: Int, _ count: Int
  ) -> Bool {
    // The host may have asked for traps, and this is where overflow is looked for.
    let exceptions = muon_exceptions_mask()
    defer { muon_exceptions_restore(exceptions) }
    return unsafe rule.stateStaysFinite(
      member.state, group: member.group, gradient: gradient, elements: offset..<offset + count)
  }
}

/// Whether the highest magnitude, as the bits of a number, is that of one.
func isFinite(_ highest: UInt32) -> Bool { highest < Float.infinity.bitPattern }

extension Optimizer {
  /// Why a step would write NaN or infinity, which is not for `NonFinitePolicy.propagate` to ask; `nil`
  /// where it would not.
  func reasonAgainstStep() -> String? {
    var total = 0
    for index in members.indices { total += unsafe members[index].parameter.gradient?.count ?? 0 }
    let search = NonFiniteSearch(members: members, rule: rule)
    Team.run(workers: Team.sensibleSize(forElements: total), search)
    let found = search.first.load(ordering: .relaxed)
    guard found < members.count else { return nil }

    let member = members[found]
    let owner = member.parameter.owner
    if let gradient = unsafe member.parameter.gradient, unsafe !Optimizer.areFinite(gradient) {
      return "the gradient of \(owner) has NaN or infinity"
    }
    for memory in member.state where unsafe !Optimizer.areFinite(memory.elements) {
      return "the \(memory.buffer.label) of \(owner) has NaN or infinity"
    }
    let names = member.state.map(\.buffer.label).joined(separator: " or ")
    return "the gradient of \(owner) is too large: its \(names), or what goes into it, would be "
      + "past float32"
  }

  private static func areFinite(_ elements: UnsafeMutableBufferPointer<Float>) -> Bool {
    guard let start = elements.baseAddress else { return true }
    return unsafe isFinite(Kernels.passes.highest(elements.count, start))
  }

  /// Notes that somebody else has written a buffer: state that has been is not known to be finite.
  package func noteWritten(_ buffer: ParameterBuffer, ofParameter index: Int) {
    if buffer != .data, buffer != .gradient { members[index].hasFiniteState = false }
  }
}
