/// A buffer of the state that an optimizer keeps for a parameter: a row of the optimizer's table of state.
///
/// All that handles state follows the table: its memory, checkpoints, the state calls of muon.h, and the state
/// dicts of Python and torch.
package struct StateBuffer: Sendable {
  /// In this interface, in muon.h and in checkpoints.
  package let name: StaticString
  /// In torch's state dicts.
  package let torchKey: StaticString
  package let elementType: ElementType
  /// The extents of the buffer of a parameter of this shape.
  let extents: @Sendable (_ parameter: Shape) -> [Int]

  init(
    _ name: StaticString, torchKey: StaticString? = nil, _ elementType: ElementType = .float32,
    extents: @escaping @Sendable (_ parameter: Shape) -> [Int] = { $0.extents }
  ) {
    self.name = name
    self.torchKey = torchKey ?? name
    self.elementType = elementType
    self.extents = extents
  }

  package var buffer: ParameterBuffer { ParameterBuffer("\(name)") }

  /// The shape of the buffer of a parameter; `owner` is for messages.
  package func shape(for parameter: Shape, of owner: String) throws(MuonError) -> Shape {
    try Shape(extents(parameter), of: "the \(name) of \(owner)")
  }
}

/// The type of the elements of a buffer.
package enum ElementType: Sendable {
  case float32

  package var size: Int {
    switch self {
    case .float32: MemoryLayout<Float>.size
    }
  }
}
