extension Optimizer {
  /// Adds parameters to a group, all or none.
  ///
  /// - Throws: `shape` where the optimizer cannot train the parameter, `invalidArgument` where its
  ///   memory overlaps that of another one.
  public func add(_ parameters: [Parameter], toGroup group: Int = 0) throws(MuonError) {
    try add(parameters.map { ParameterBinding($0) }, toGroup: group)
  }

  /// The same for parameters with state of the caller's.
  package func add(_ bindings: [ParameterBinding], toGroup group: Int = 0) throws(MuonError) {
    let before = (members, written)
    do throws(MuonError) {
      for binding in bindings { try add(binding, toGroup: group) }
    } catch {
      (members, written) = before
      throw error
    }
  }

  private func add(_ binding: ParameterBinding, toGroup group: Int) throws(MuonError) {
    let parameter = binding.parameter
    try requireIndex(group, count: rule.groupCount, "parameter group")
    try rule.check(parameter.layout, of: parameter.owner, group: group)
    var member = Member(parameter: parameter, group: group, state: [])
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
    var ranges = written
    try unsafe claim(parameter.data, .data, of: parameter, in: &ranges)
    for (buffer, memory) in zip(rule.stateBuffers, member.state) {
      try unsafe claim(memory.elements, buffer, of: parameter, in: &ranges)
    }
    if let gradient = unsafe parameter.gradient {
      try unsafe requireApart(gradient, .gradient, of: parameter, from: ranges)
    }
    written = ranges
    members.append(member)
  }

  /// Puts a buffer that a step writes among `ranges`, unless it overlaps one of them or a gradient.
  private func claim(
    _ memory: UnsafeMutableBufferPointer<Float>, _ buffer: ParameterBuffer, of parameter: Parameter,
    in ranges: inout AddressRanges
  ) throws(MuonError) {
    try unsafe requireApart(memory, buffer, of: parameter, from: ranges)
    let range = unsafe AddressRanges.range(memory)
    for other in members.map(\.parameter) + [parameter] {
      if let gradient = unsafe other.gradient, unsafe range.overlaps(AddressRanges.range(gradient))
      {
        throw Optimizer.overlap(buffer, of: parameter, with: "the gradient of \(other.owner)")
      }
    }
    ranges.insert(range, owner: "the \(buffer.name) of \(parameter.owner)")
  }

  private func requireApart(
    _ memory: UnsafeMutableBufferPointer<Float>, _ buffer: ParameterBuffer, of parameter: Parameter,
    from ranges: AddressRanges
  ) throws(MuonError) {
    if let other = unsafe ranges.owner(overlapping: AddressRanges.range(memory)) {
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
        try unsafe requireApart(memory, buffer, of: parameter, from: written)
      }
      unsafe parameter.gradient = memory
      return
    }
    var replacement = unsafe memory
    var state: (slot: Int, memory: StateMemory)? = nil
    if buffer == .data {
      guard unsafe memory != nil || parameter.count == 0 else {
        throw MuonError(.invalidArgument, "the data of \(parameter.owner) cannot be unbound")
      }
    } else {
      let slot = try stateSlot(buffer)
      let present = try unsafe StateMemory(memory, buffer, of: parameter)
      if unsafe memory == nil {
        _ = unsafe present.elements.update(fromContentsOf: members[index].state[slot].elements)
      }
      unsafe replacement = present.elements
      state = (slot, present)
    }
    let target = unsafe replacement ?? UnsafeMutableBufferPointer(start: nil, count: 0)
    var ranges = written
    unsafe ranges.remove(AddressRanges.range(try elements(buffer, ofParameter: index)))
    try unsafe claim(target, buffer, of: parameter, in: &ranges)
    written = ranges
    if let state {
      members[index].state[state.slot] = state.memory
    } else {
      unsafe parameter.data = target
    }
  }
}
