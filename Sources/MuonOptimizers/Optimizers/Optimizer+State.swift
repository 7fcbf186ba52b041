// State in and out, for saving and resuming.
extension Optimizer {
  /// A copy of one buffer of a parameter, row-major; parameters count from 0 as in `parameters`.
  ///
  /// - Throws: `invalidArgument` for a buffer that this kind of optimizer does not have, for a
  ///   gradient that is not there, and where there is no such parameter.
  public func values(
    of buffer: ParameterBuffer, ofParameter index: Int
  ) throws(MuonError) -> [Float] {
    unsafe Array(try elements(buffer, ofParameter: index))
  }

  /// Copies one buffer of a parameter in: as many elements as the parameter has.
  ///
  /// - Throws: `shape` for another number of elements; otherwise as `values(of:ofParameter:)`.
  public func setValues(
    _ values: [Float], of buffer: ParameterBuffer, ofParameter index: Int
  ) throws(MuonError) {
    let target = try unsafe elements(buffer, ofParameter: index)
    try members[index].parameter.layout.requireCount(
      values.count, of: "the \(buffer.name) of \(members[index].parameter.owner)")
    _ = unsafe target.update(fromContentsOf: values)
    noteWritten(buffer, ofParameter: index)
  }

  /// The steps a parameter has made: the t of AdamW.
  ///
  /// - Throws: `invalidArgument` where there is no such parameter.
  public func steps(ofParameter index: Int) throws(MuonError) -> Int {
    try requireIndex(index, count: members.count, "parameter")
    return members[index].steps
  }

  /// Sets the steps a parameter has made: at least 0, and at most 2^53.
  ///
  /// - Throws: `invalidArgument` for another number, and where there is no such parameter.
  public func setSteps(_ steps: Int, ofParameter index: Int) throws(MuonError) {
    try requireIndex(index, count: members.count, "parameter")
    try require(steps, in: 0...maximumStep, "the number of steps")
    members[index].steps = steps
  }

  /// Where a buffer is.
  @unsafe
  package func elements(
    _ buffer: ParameterBuffer, ofParameter index: Int
  ) throws(MuonError) -> UnsafeMutableBufferPointer<Float> {
    try requireIndex(index, count: members.count, "parameter")
    switch buffer {
    case .data:
      return unsafe members[index].parameter.data
    case .gradient:
      guard let gradient = unsafe members[index].parameter.gradient else {
        throw MuonError(
          .invalidArgument, "\(members[index].parameter.owner) has no gradient bound")
      }
      return unsafe gradient
    case .momentum, .meanGradient, .meanSquaredGradient:
      return unsafe members[index].state[try stateSlot(buffer)].elements
    }
  }

  func stateSlot(_ buffer: ParameterBuffer) throws(MuonError) -> Int {
    guard let slot = rule.stateBuffers.firstIndex(of: buffer) else {
      throw MuonError(.invalidArgument, "\(kind.rawValue) has no state buffer \(buffer.name)")
    }
    return slot
  }
}

/// Steps are counted up to here, where float64 still tells neighbours apart.
let maximumStep = 1 << 53
