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
    try requireMemory(for: members.count + bindings.count, each: 512)
    let before = members.count
    do throws(MuonError) {
      for binding in bindings { try add(binding, toGroup: group) }
    } catch {
      while members.count > before {
        let memory = unsafe writtenMemory(of: members.removeLast())
        for index in unsafe memory.indices {
          unsafe written.remove(AddressRanges.range(memory[index]))
        }
      }
      throw error
    }
  }

  /// Lets go of all parameters and their state, for an optimizer whose scheduler lives on.
  package func removeAllParameters() {
    members = []
    updates = []
    written = AddressRanges()
  }

  private func add(_ binding: ParameterBinding, toGroup group: Int) throws(MuonError) {
    let parameter = binding.parameter
    try requireIndex(group, count: rule.groupCount, "parameter group")
    try rule.check(parameter.layout, of: parameter.owner, group: group)
    var member = Member(
      parameter: parameter, group: group, state: [],
      hasFiniteState: unsafe binding.state.allSatisfy { unsafe $0 == nil })
    if let extra = unsafe binding.state.lastIndex(where: { unsafe $0 != nil }),
      extra >= rule.stateBuffers.count
    {
      throw MuonError(
        .invalidArgument,
        "\(parameter.owner) comes with state[\(extra)]; \(kind.rawValue) has "
          + "\(rule.stateBuffers.count) state buffers")
    }
    for (index, buffer) in rule.stateBuffers.enumerated() {
      let given = unsafe index < binding.state.count ? binding.state[index] : nil
      unsafe member.state.append(try StateMemory(given, buffer, of: parameter))
    }
    try claimMemory(of: member)
    members.append(member)
  }

  /// What a step writes of a parameter: the data, and the state in the rule's order.
  private func writtenMemory(of member: Member) -> [UnsafeMutableBufferPointer<Float>] {
    unsafe [member.parameter.data] + member.state.map { unsafe $0.elements }
  }

  /// Puts what a step writes of a parameter among `written`: all of it, or nothing where it overlaps.
  private func claimMemory(of member: Member) throws(MuonError) {
    let memory = unsafe writtenMemory(of: member)
    let buffers = [.data] + rule.stateBuffers
    var claimed = 0
    do throws(MuonError) {
      while claimed < buffers.count {
        try unsafe claim(memory[claimed], buffers[claimed], of: member.parameter)
        claimed += 1
      }
      if let gradient = unsafe member.parameter.gradient {
        try unsafe requireApart(gradient, .gradient, of: member.parameter)
      }
    } catch {
      for index in 0..<claimed { unsafe written.remove(AddressRanges.range(memory[index])) }
      throw error
    }
  }

  private func claim(
    _ memory: UnsafeMutableBufferPointer<Float>, _ buffer: ParameterBuffer, of parameter: Parameter
  ) throws(MuonError) {
    try unsafe requireApart(memory, buffer, of: parameter)
    let range = unsafe AddressRanges.range(memory)
    guard !range.isEmpty else { return }
    for member in members {
      if let gradient = unsafe member.parameter.gradient,
        unsafe range.overlaps(AddressRanges.range(gradient))
      {
        throw Optimizer.overlap(
          buffer, of: parameter, with: "the gradient of \(member.parameter.owner)")
      }
    }
    written.insert(range, owner: "the \(buffer.name) of \(parameter.owner)")
  }

  /// Requires that memory overlaps nothing that a step writes.
  private func requireApart(
    _ memory: UnsafeMutableBufferPointer<Float>, _ buffer: ParameterBuffer, of parameter: Parameter
  ) throws(MuonError) {
    if let other = unsafe written.owner(overlapping: AddressRanges.range(memory)) {
      throw Optimizer.overlap(buffer, of: parameter, with: other)
    }
  }

  private static func overlap(
    _ buffer: ParameterBuffer, of parameter: Parameter, with other: String
  ) -> MuonError {
    MuonError(
      .invalidArgument, "the \(buffer.name) of \(parameter.owner) overlaps \(other) in memory")
  }

  /// Binds one buffer of a parameter to other memory; from then on its contents count. `nil` for the
  /// gradient: there is none; for state: memory of the optimizer's, with the present values.
  @unsafe
  package func bind(
    _ buffer: ParameterBuffer, ofParameter index: Int,
    to memory: UnsafeMutableBufferPointer<Float>?
  ) throws(MuonError) {
    try requireIndex(index, count: members.count, "parameter")
    let parameter = members[index].parameter
    if let memory = unsafe memory {
      try unsafe parameter.layout.requireBuffer(memory, buffer, of: parameter.owner)
    }
    if buffer == .gradient {
      if let memory = unsafe memory {
        try unsafe requireApart(memory, buffer, of: parameter)
      }
      unsafe parameter.gradient = memory
      return
    }
    let before = unsafe try elements(buffer, ofParameter: index)
    guard unsafe memory != nil || buffer != .data || parameter.count == 0 else {
      throw MuonError(.invalidArgument, "the data of \(parameter.owner) cannot be unbound")
    }
    let after = try unsafe StateMemory(memory, buffer, of: parameter)
    if unsafe memory == nil { _ = unsafe after.elements.update(fromContentsOf: before) }

    unsafe written.remove(AddressRanges.range(before))
    do throws(MuonError) {
      try unsafe claim(after.elements, buffer, of: parameter)
    } catch {
      unsafe written.insert(
        AddressRanges.range(before), owner: "the \(buffer.name) of \(parameter.owner)")
      throw error
    }
    if buffer == .data {
      unsafe parameter.data = after.elements
    } else {
      members[index].state[try stateSlot(buffer)] = after
      noteWritten(buffer, ofParameter: index)
    }
  }
}
