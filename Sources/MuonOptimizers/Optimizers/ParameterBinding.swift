/// A parameter on its way into an optimizer, with state of the caller's.
package struct ParameterBinding {
  /// Memory of the caller's that a state buffer is in.
  package struct State {
    let buffer: ParameterBuffer
    let memory: NumberMemory

    package init(_ buffer: ParameterBuffer, _ memory: NumberMemory) {
      self.buffer = buffer
      self.memory = memory
    }
  }

  package let parameter: Parameter
  /// The parameter's, or that of the view which a rule of a configuration gives it.
  var form: ParameterForm
  /// Memory to continue from. A state buffer that is not there starts with zeros, in memory of the
  /// optimizer's.
  let state: [State]

  package init(_ parameter: Parameter, state: [State] = []) {
    self.parameter = parameter
    form = parameter.form
    self.state = state
  }

  /// The memory for the rows of an optimizer's table of state that these options need, in their order.
  func stateMemory(
    _ table: [StateBuffer], _ options: any GroupOptions, for kind: OptimizerKind
  ) throws(MuonError) -> [StateMemory] {
    var rows: [(buffer: ParameterBuffer, row: StateBuffer, shape: Shape)] = []
    for row in table {
      let shape = try row.shape(for: form, options)
      if let shape { rows.append((row.buffer, row, shape)) }
    }
    for (index, each) in state.enumerated() {
      guard rows.contains(where: { $0.buffer == each.buffer }) else {
        throw MuonError(
          .invalidArgument,
          "\(parameter.owner) comes with the state buffer \(each.buffer.label); \(kind.rawValue) has "
            + rows.map(\.buffer.label).joined(separator: ", "))
      }
      guard !state[..<index].contains(where: { $0.buffer == each.buffer }) else {
        throw MuonError(
          .invalidArgument,
          "\(parameter.owner) comes with the state buffer \(each.buffer.label) twice")
      }
    }
    var memory: [StateMemory] = []
    for (buffer, row, shape) in rows {
      let given = state.first { $0.buffer == buffer }
      let type = row.elementType(for: parameter.form)
      memory.append(
        try StateMemory(row, shape, of: parameter, given: given?.memory.numbers(of: type)))
    }
    return memory
  }
}
