/// The memory of one state buffer of one parameter: the optimizer's, or the caller's.
struct StateMemory {
  let row: StateBuffer
  let buffer: ParameterBuffer
  let shape: Shape
  let elements: Floats
  private let owned: Buffer<Float>?

  /// `given` as it is, or zeros where there is none.
  init(
    _ row: StateBuffer, _ shape: Shape, of parameter: Parameter, given: Floats? = nil
  ) throws(MuonError) {
    (self.row, buffer, self.shape) = (row, row.buffer, shape)
    if let given = given {
      try shape.requireBuffer(given, buffer, of: parameter.owner)
      elements = given
      owned = nil
    } else {
      let memory = try Buffer<Float>(
        count: shape.count,
        companion: parameter.data.addresses.lowerBound)
      elements = memory.elements
      owned = memory
    }
  }

  /// The same buffer in other memory, whose contents count; in memory of the optimizer's, with the present
  /// values, where none is given.
  func moved(
    to given: Floats?, of parameter: Parameter
  ) throws(MuonError) -> StateMemory {
    let moved = try StateMemory(row, shape, of: parameter, given: given)
    if given == nil { moved.elements.copy(from: elements) }
    return moved
  }

  var bytes: Int { shape.count * row.elementType.size }
}
