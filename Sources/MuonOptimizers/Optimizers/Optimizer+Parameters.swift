extension Optimizer {
  /// Adds parameters to a group, all or none.
  ///
  /// - Throws: `shape` or `unsupported` where the optimizer cannot train the parameter,
  ///   `invalidArgument` where its memory overlaps that of another one and where there is no such
  ///   group, `outOfMemory` for the state.
  public func add(_ parameters: [Parameter], toGroup group: Int = 0) throws(MuonError) {
    try add(parameters.map { ParameterBinding($0) }, toGroup: group)
  }

  /// The same for parameters with state of the caller's.
  package func add(_ bindings: [ParameterBinding], toGroup group: Int = 0) throws(MuonError) {
    try requireIdle()
    try requireIndex(group, count: groupCount, "parameter group")
    try requireMemory(for: bindings.count, each: 1024)
    if trained.count + bindings.count > trained.capacity {
      try requireMemory(
        for: 2 * (trained.count + bindings.count), each: MemoryLayout<TrainedParameter>.stride)
    }
    let before = trained.count
    do throws(MuonError) {
      for binding in bindings { try add(binding, toGroup: group) }
    } catch {
      while trained.count > before { removeLastParameter() }
      throw error
    }
    plansAreStale = true
    ranks?.hasNews = true
  }

  /// Lets go of all parameters and their state, for an optimizer whose scheduler lives on.
  package func removeAllParameters() {
    trained = []
    plansAreStale = true
    memory = ParameterMemory()
  }

  private func add(_ binding: ParameterBinding, toGroup group: Int) throws(MuonError) {
    let parameter = binding.parameter
    try requireTrainable(binding.form, inGroup: group)
    trained.append(
      TrainedParameter(
        parameter: parameter, form: binding.form, group: group,
        state: try binding.stateMemory(stateTable, groupOptions[group], for: kind),
        hasFiniteState: binding.state.isEmpty))
    do throws(MuonError) { try claimMemory(ofParameter: trained.count - 1) } catch {
      trained.removeLast()
      throw error
    }
  }

  private func removeLastParameter() {
    let index = trained.count - 1
    for (buffer, range) in writtenRanges(ofParameter: index) {
      memory.release(range, of: Owner(parameter: index, buffer: buffer))
    }
    memory.removeLastGradient()
    trained.removeLast()
  }

  /// Binds one buffer of a parameter to other memory; from then on its contents count. `nil` for the
  /// gradient: there is none; for state: memory of the optimizer's, with the present values.
  package func bind(
    _ buffer: ParameterBuffer, ofParameter index: Int,
    to memory: Numbers?
  ) throws(MuonError) {
    try requireIndex(index, count: trained.count, "parameter")
    switch buffer {
    case .data: try bindData(ofParameter: index, to: memory)
    case .gradient: try bindGradient(ofParameter: index, to: memory)
    default:
      let slot = try stateSlot(buffer, ofParameter: index)
      let before = trained[index].state[slot]
      let after = try before.moved(to: memory, of: trained[index].parameter)
      try claim(after.elements, inPlaceOf: before.elements, buffer, ofParameter: index)
      trained[index].state[slot] = after
      noteWritten(buffer, ofParameter: index)
    }
  }

  private func bindData(
    ofParameter index: Int, to memory: Numbers?
  ) throws(MuonError) {
    let parameter = trained[index].parameter
    guard memory != nil || parameter.count == 0 else {
      throw MuonError(.invalidArgument, "the data of \(parameter.owner) cannot be unbound")
    }
    let data = memory ?? .none(parameter.storage.elements)
    try parameter.layout.requireBuffer(data, .data, of: parameter.owner)
    try claim(data, inPlaceOf: parameter.data, .data, ofParameter: index)
    parameter.data = data
  }

  private func bindGradient(
    ofParameter index: Int, to memory: Numbers?
  ) throws(MuonError) {
    let parameter = trained[index].parameter
    if let memory = memory {
      try parameter.layout.requireBuffer(memory, .gradient, of: parameter.owner)
      try requireUnwritten(memory, ofParameter: index)
    }
    parameter.gradient = memory
    self.memory.gradientMoved(ofParameter: index)
  }
}

// MARK: - What may overlap

extension Optimizer {
  private typealias Owner = ParameterMemory.Owner

  /// What a step writes of a parameter: the data, and the state in the table's order.
  private func writtenRanges(ofParameter index: Int) -> [(ParameterBuffer, Range<UInt>)] {
    [(.data, trained[index].data.addresses)] + stateRanges(ofParameter: index)
  }

  /// The same without the data.
  func stateRanges(ofParameter index: Int) -> [(ParameterBuffer, Range<UInt>)] {
    trained[index].state.map { ($0.buffer, $0.elements.addresses) }
  }

  /// Claims what a step writes of a parameter: all of it, or nothing where it overlaps.
  private func claimMemory(ofParameter index: Int) throws(MuonError) {
    var claimed: [(owner: Owner, range: Range<UInt>)] = []
    do throws(MuonError) {
      for (buffer, range) in writtenRanges(ofParameter: index) {
        let owner = Owner(parameter: index, buffer: buffer)
        try claim(range, for: owner)
        claimed.append((owner, range))
      }
      if let gradient = trained[index].gradient {
        try requireUnwritten(gradient, ofParameter: index)
      }
    } catch {
      for (owner, range) in claimed { memory.release(range, of: owner) }
      throw error
    }
    memory.gradientMoved(ofParameter: index)
  }

  /// Claims memory that a buffer moves to, and releases what it was in; or neither, where it overlaps.
  private func claim(
    _ memory: Numbers,
    inPlaceOf before: Numbers, _ buffer: ParameterBuffer,
    ofParameter index: Int
  ) throws(MuonError) {
    let owner = Owner(parameter: index, buffer: buffer)
    self.memory.release(before.addresses, of: owner)
    do throws(MuonError) {
      try claim(memory.addresses, for: owner)
    } catch {
      try claim(before.addresses, for: owner)
      throw error
    }
  }

  private func claim(_ range: Range<UInt>, for owner: Owner) throws(MuonError) {
    let other = memory.claim(range, for: owner) { parameter in
      trained[parameter].gradient?.addresses ?? 0..<0
    }
    if let other { throw overlap(owner, with: other) }
  }

  /// Requires that a gradient overlaps nothing that a step writes.
  func requireUnwritten(
    _ gradient: Numbers, ofParameter index: Int
  ) throws(MuonError) {
    if let other = memory.writer(overlapping: gradient.addresses) {
      throw overlap(Owner(parameter: index, buffer: .gradient), with: other)
    }
  }

  private func overlap(_ owner: Owner, with other: Owner) -> MuonError {
    func text(_ owner: Owner) -> String {
      "the \(owner.buffer.label) of \(trained[owner.parameter].parameter.owner)"
    }
    return MuonError(.invalidArgument, "\(text(owner)) overlaps \(text(other)) in memory")
  }
}
