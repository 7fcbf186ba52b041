/// Other options for all groups of an optimizer, checked.
struct OptionsReplacement {
  /// The state that parameters will have, by their index, where it is not what they have.
  let states: [Int: [StateMemory]]
  /// Does it, and cannot fail.
  let apply: () -> Void
}

// Which state there is depends on the options of a group.
extension Optimizer {
  /// The state that the parameters of a group have with other options, by the parameter's index: the buffers that
  /// both need, and zeros in the others. Only those whose state changes are there. Nothing has changed yet.
  ///
  /// - Throws: `outOfMemory`.
  func states(
    ofGroup group: Int, with options: any GroupOptions
  ) throws(MuonError) -> [Int: [StateMemory]] {
    try requireMemory(for: trained.count, each: 512)
    var states: [Int: [StateMemory]] = [:]
    for (index, each) in trained.enumerated() where each.group == group {
      var state: [StateMemory] = []
      var isNew = false
      for row in stateTable {
        let shape = try row.shape(for: each.form, options)
        guard let shape else { continue }
        if let kept = each.state.first(where: { $0.buffer == row.buffer && $0.shape == shape }) {
          state.append(kept)
        } else {
          state.append(try StateMemory(row, shape, of: each.parameter))
          isNew = true
        }
      }
      if isNew || state.count != each.state.count { states[index] = state }
    }
    return states
  }

  /// Gives parameters the state that `states(ofGroup:with:)` made for them. It cannot fail.
  func install(_ states: [Int: [StateMemory]]) {
    for (index, state) in states {
      for (buffer, range) in stateRanges(ofParameter: index) {
        memory.release(range, of: ParameterMemory.Owner(parameter: index, buffer: buffer))
      }
      trained[index].state = state
      for (buffer, range) in stateRanges(ofParameter: index) {
        // New memory overlaps nothing that is alive.
        let owner = ParameterMemory.Owner(parameter: index, buffer: buffer)
        _ = memory.claim(range, for: owner) { trained[$0].gradient?.addresses ?? 0..<0 }
      }
    }
  }
}
