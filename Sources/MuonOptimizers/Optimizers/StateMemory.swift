/// The memory of one state buffer of one parameter: the optimizer's, or the caller's.
struct StateMemory {
  let row: StateBuffer
  let buffer: ParameterBuffer
  let shape: Shape
  let elements: Numbers
  private let owner: AnyObject?

  /// `given` as it is, or zeros where there is none.
  init(
    _ row: StateBuffer, _ shape: Shape, of parameter: Parameter, given: Numbers? = nil
  ) throws(MuonError) {
    (self.row, buffer, self.shape) = (row, row.buffer, shape)
    if let given = given {
      try shape.requireBuffer(given, buffer, of: parameter.owner)
      elements = given
      owner = nil
    } else {
      (elements, owner) = try Numbers.zeros(
        row.elementType(for: parameter.form), count: shape.count,
        companion: parameter.data.addresses.lowerBound)
    }
  }

  /// The same buffer in other memory, whose contents count; in memory of the optimizer's, with the present
  /// values, where none is given.
  func moved(
    to given: Numbers?, of parameter: Parameter
  ) throws(MuonError) -> StateMemory {
    let moved = try StateMemory(row, shape, of: parameter, given: given)
    if given == nil { moved.elements.copy(from: elements) }
    return moved
  }

  /// Of a row whose elements are float32 whatever the parameter is.
  var floats: Floats { elements.floats ?? .none }

  var bytes: Int { shape.count * elements.type.size }
}
