/// The memory of one state buffer of one parameter: the optimizer's, or the caller's.
@safe
struct StateMemory {
  let row: StateBuffer
  let buffer: ParameterBuffer
  let shape: Shape
  let elements: UnsafeMutableBufferPointer<Float>
  private let owned: Buffer<Float>?

  /// `given` as it is, or zeros where there is none.
  init(
    _ row: StateBuffer, of parameter: Parameter, given: UnsafeMutableBufferPointer<Float>? = nil
  ) throws(MuonError) {
    let shape = try row.shape(for: parameter.layout, of: parameter.owner)
    unsafe self = try StateMemory(row, shape, of: parameter, given: given)
  }

  private init(
    _ row: StateBuffer, _ shape: Shape, of parameter: Parameter,
    given: UnsafeMutableBufferPointer<Float>?
  ) throws(MuonError) {
    (self.row, buffer, self.shape) = (row, row.buffer, shape)
    if let given = unsafe given {
      try unsafe shape.requireBuffer(given, buffer, of: parameter.owner)
      unsafe elements = given
      owned = nil
    } else {
      let memory = try Buffer<Float>(
        count: shape.count,
        companion: unsafe UInt(bitPattern: parameter.data.baseAddress))
      unsafe elements = memory.elements
      owned = memory
    }
  }

  /// The same buffer in other memory, whose contents count; in memory of the optimizer's, with the present
  /// values, where none is given.
  func moved(
    to given: UnsafeMutableBufferPointer<Float>?, of parameter: Parameter
  ) throws(MuonError) -> StateMemory {
    let moved = unsafe try StateMemory(row, shape, of: parameter, given: given)
    if unsafe given == nil { _ = unsafe moved.elements.update(fromContentsOf: elements) }
    return moved
  }

  var bytes: Int { shape.count * row.elementType.size }

  /// Where the elements are, of which there is at least one.
  var start: UnsafeMutablePointer<Float>? { unsafe elements.baseAddress }
}
