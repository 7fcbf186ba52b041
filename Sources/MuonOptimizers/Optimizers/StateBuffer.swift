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
  /// The extents of the buffer of a parameter of this shape; `nil` where the options of its group need none.
  private let extents: @Sendable (_ parameter: ParameterForm, _ options: any GroupOptions) -> [Int]?

  init(
    _ name: StaticString, torchKey: StaticString? = nil, _ elementType: ElementType = .float32,
    extents: @escaping @Sendable (_ parameter: Shape) -> [Int] = { $0.extents }
  ) {
    self.name = name
    self.torchKey = torchKey ?? name
    self.elementType = elementType
    self.extents = { parameter, _ in extents(parameter.shape) }
  }

  /// A buffer that some options need, and others do not.
  init<Options: GroupOptions>(
    _ name: StaticString, torchKey: StaticString? = nil, for options: Options.Type,
    extents: @escaping @Sendable (_ parameter: ParameterForm, _ options: Options) -> [Int]?
  ) {
    self.name = name
    self.torchKey = torchKey ?? name
    elementType = .float32
    self.extents = { parameter, options in
      (options as? Options).flatMap { extents(parameter, $0) }
    }
  }

  package var buffer: ParameterBuffer { ParameterBuffer("\(name)") }

  /// The shape of the buffer of a parameter in a group with these options, `nil` where these need none.
  func shape(
    for parameter: ParameterForm, _ options: any GroupOptions
  ) throws(MuonError) -> Shape? {
    guard let extents = extents(parameter, options) else { return nil }
    return try Shape(extents, of: "the \(name) of \(parameter.owner)")
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
