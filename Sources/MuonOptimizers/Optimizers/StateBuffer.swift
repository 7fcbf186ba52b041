/// A buffer of the state that an optimizer keeps for a parameter: a row of the optimizer's table of state.
///
/// All that handles state follows the table: its memory, checkpoints, the state calls of muon.h, and the state
/// dicts of Python and torch.
package struct StateBuffer: Sendable {
  /// In this interface, in muon.h and in checkpoints.
  package let name: StaticString
  /// In torch's state dicts.
  package let torchKey: StaticString
  /// The type of its elements.
  enum Kind {
    case always(ElementType)
    /// What the parameter says.
    case momentum
  }

  /// Whether it is a part of what the parameter is, which may be anything.
  let isParameter: Bool
  /// Whether it is of squares: a step takes their root, which is NaN of a number below 0.
  let isOfSquares: Bool
  private let elements: Kind
  /// The extents of the buffer of a parameter of this shape; `nil` where it, or the options of its group, need none.
  private let extents: @Sendable (_ parameter: ParameterForm, _ options: any GroupOptions) -> [Int]?

  init(
    _ name: StaticString, torchKey: StaticString? = nil,
    _ elements: Kind = .always(.float32), isParameter: Bool = false, isOfSquares: Bool = false,
    extents: @escaping @Sendable (_ parameter: ParameterForm) -> [Int]? = { $0.shape.extents }
  ) {
    self.name = name
    self.torchKey = torchKey ?? name
    self.elements = elements
    (self.isParameter, self.isOfSquares) = (isParameter, isOfSquares)
    self.extents = { parameter, _ in extents(parameter) }
  }

  /// A buffer that some options need, and others do not.
  init<Options: GroupOptions>(
    _ name: StaticString, torchKey: StaticString? = nil, for options: Options.Type,
    isOfSquares: Bool = false,
    extents: @escaping @Sendable (_ parameter: ParameterForm, _ options: Options) -> [Int]?
  ) {
    self.name = name
    self.torchKey = torchKey ?? name
    elements = .always(.float32)
    (isParameter, self.isOfSquares) = (false, isOfSquares)
    self.extents = { parameter, options in
      (options as? Options).flatMap { extents(parameter, $0) }
    }
  }

  package var buffer: ParameterBuffer { ParameterBuffer("\(name)") }

  package func elementType(for parameter: ParameterForm) -> ElementType {
    switch elements {
    case .always(let type): type
    case .momentum: parameter.storage.momentum
    }
  }

  /// The shape of the buffer of a parameter in a group with these options, `nil` where these need none.
  func shape(
    for parameter: ParameterForm, _ options: any GroupOptions
  ) throws(MuonError) -> Shape? {
    guard let extents = extents(parameter, options) else { return nil }
    return try Shape(extents, of: "the \(name) of \(parameter.owner)")
  }
}
