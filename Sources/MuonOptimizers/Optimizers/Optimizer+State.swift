// State in and out, for saving and resuming.
extension Optimizer {
  /// A copy of one buffer of a parameter in float32, row-major; parameters count from 0 as in `parameters`.
  ///
  /// - Throws: `invalidArgument` for a buffer that this kind of optimizer does not have, for a
  ///   gradient that is not there, and where there is no such parameter.
  public func values(
    of buffer: ParameterBuffer, ofParameter index: Int
  ) throws(MuonError) -> [Float] {
    try elements(buffer, ofParameter: index).values
  }

  /// Copies one buffer of a parameter in: as many elements as the buffer has, rounded to its type.
  ///
  /// - Throws: `shape` for another number of elements, `invalidArgument` for integers that are none; otherwise as
  ///   `values(of:ofParameter:)`.
  public func setValues(
    _ values: [Float], of buffer: ParameterBuffer, ofParameter index: Int
  ) throws(MuonError) {
    let target = try elements(buffer, ofParameter: index)
    try shape(of: buffer, ofParameter: index).requireCount(
      values.count, of: "the \(buffer.label) of \(trained[index].parameter.owner)")
    try target.requireIntegers(values, of: "the \(buffer.label) of \(trained[index].owner)")
    target.copy(from: values)
    noteWritten(buffer, ofParameter: index)
  }

  /// The state buffers of a parameter, in the optimizer's order.
  ///
  /// - Throws: `invalidArgument` where there is no such parameter.
  public func stateBuffers(ofParameter index: Int) throws(MuonError) -> [ParameterBuffer] {
    try requireIndex(index, count: trained.count, "parameter")
    return trained[index].state.map(\.buffer)
  }

  /// The extents of a buffer of a parameter: those of the parameter, unless the optimizer says otherwise.
  ///
  /// - Throws: `invalidArgument` for a buffer that this kind of optimizer does not have, and where there is
  ///   no such parameter.
  public func extents(
    of buffer: ParameterBuffer, ofParameter index: Int
  ) throws(MuonError) -> [Int] {
    try shape(of: buffer, ofParameter: index).extents
  }

  /// The bytes of the state of all parameters, wherever it is.
  public var stateBytes: Int {
    trained.reduce(0) { $0 + $1.state.reduce(0) { $0 + $1.bytes } }
  }

  /// The steps a parameter has made: the t of AdamW.
  ///
  /// - Throws: `invalidArgument` where there is no such parameter.
  public func steps(ofParameter index: Int) throws(MuonError) -> Int {
    try requireIndex(index, count: trained.count, "parameter")
    return trained[index].steps
  }

  /// Sets the steps a parameter has made: at least 0, and at most 2^53.
  ///
  /// - Throws: `invalidArgument` for another number, and where there is no such parameter.
  public func setSteps(_ steps: Int, ofParameter index: Int) throws(MuonError) {
    try requireIndex(index, count: trained.count, "parameter")
    try require(steps, in: 0...maximumStep, "the number of steps")
    trained[index].steps = steps
  }

  package func shape(
    of buffer: ParameterBuffer, ofParameter index: Int
  ) throws(MuonError) -> Shape {
    try requireIndex(index, count: trained.count, "parameter")
    switch buffer {
    case .data, .gradient: return trained[index].parameter.layout
    default: return trained[index].state[try stateSlot(buffer, ofParameter: index)].shape
    }
  }

  package func elementType(
    of buffer: ParameterBuffer, ofParameter index: Int
  ) throws(MuonError) -> ElementType {
    try requireIndex(index, count: trained.count, "parameter")
    switch buffer {
    case .data: return trained[index].parameter.storage.elements
    case .gradient: return trained[index].parameter.storage.gradientElements
    default: return trained[index].state[try stateSlot(buffer, ofParameter: index)].elements.type
    }
  }

  /// The rows of the table of state that a parameter has buffers of.
  package func stateRows(ofParameter index: Int) throws(MuonError) -> [StateBuffer] {
    try requireIndex(index, count: trained.count, "parameter")
    return trained[index].state.map(\.row)
  }

  /// The state that a parameter would have in a group: the rows of the table, and the shapes of the buffers.
  package func stateLayout(
    ofGroup group: Int, for parameter: ParameterForm
  ) throws(MuonError) -> [(row: StateBuffer, shape: Shape)] {
    try requireIndex(group, count: groupCount, "parameter group")
    try requireTrainable(parameter, inGroup: group)
    var layout: [(row: StateBuffer, shape: Shape)] = []
    for row in stateTable {
      let shape = try row.shape(for: parameter, groupOptions[group])
      if let shape { layout.append((row, shape)) }
    }
    return layout
  }

  /// What it would cost to orthogonalize a parameter in one step of a group: see `OwnerPlan.cost`. 0 where nothing is.
  package func cost(ofGroup group: Int, for parameter: ParameterForm) throws(MuonError) -> Int {
    try requireIndex(group, count: groupCount, "parameter group")
    try requireTrainable(parameter, inGroup: group)
    return try cost(of: parameter, inGroup: group)
  }

  /// Where a buffer is.
  package func elements(
    _ buffer: ParameterBuffer, ofParameter index: Int
  ) throws(MuonError) -> Numbers {
    try requireIndex(index, count: trained.count, "parameter")
    switch buffer {
    case .data:
      return trained[index].data
    case .gradient:
      guard let gradient = trained[index].gradient else {
        throw MuonError(
          .invalidArgument, "\(trained[index].parameter.owner) has no gradient bound")
      }
      return gradient
    default:
      return trained[index].state[try stateSlot(buffer, ofParameter: index)].elements
    }
  }

  /// Which of the state buffers of a parameter it is.
  func stateSlot(
    _ buffer: ParameterBuffer, ofParameter index: Int
  ) throws(MuonError) -> Int {
    let state = trained[index].state
    guard let slot = state.firstIndex(where: { $0.buffer == buffer }) else {
      let present = ["data", "grad"] + state.map(\.buffer.name)
      throw MuonError(
        .invalidArgument,
        "\(kind.rawValue) has no buffer \(buffer.label); it has "
          + present.joined(separator: ", "))
    }
    return slot
  }
}

/// Steps are counted up to here, where float64 still tells neighbours apart.
let maximumStep = 1 << 53
