/// An array that is trained, and its gradient.
///
/// It either owns its memory, or stands for memory of the caller's, in float32, bfloat16 or float16: see
/// `ParameterStorage`.
public final class Parameter {
  /// For messages.
  public let name: String
  /// Read by the builders: false leaves the parameter out.
  public let requiresGradient: Bool
  package let form: ParameterForm

  package var data: Numbers
  package var gradient: Numbers?
  /// Memory of the parameter's own, where it has some.
  private var dataOwner, gradientOwner: AnyObject?

  package var layout: Shape { form.shape }
  /// How it is seen as matrices; `nil` where it was not said.
  public var view: MatrixView? { form.view }
  /// The types that it is stored in.
  public var storage: ParameterStorage { form.storage }

  /// The extents; row-major. Empty for a scalar.
  public var shape: [Int] { layout.extents }
  /// The number of elements.
  public var count: Int { layout.count }

  /// A parameter with memory of its own.
  ///
  /// - Parameters:
  ///   - name: For messages.
  ///   - shape: At most 8 extents, each at least 0; `Muon` takes 2, or a view.
  ///   - values: As many as the product of the extents, row-major, rounded to its type; `nil` for zeros.
  ///   - requiresGradient: Read by the builders: false leaves the parameter out.
  ///   - view: How `Muon` sees it as matrices; `nil`: as the one that it is. `AdamW` ignores it.
  ///   - storage: The types that it is stored in: float32 unless it says otherwise.
  /// - Throws: `shape` for other extents or another number of values, `shape` and `invalidArgument` for a view that
  ///   does not fit, `elementType` and `unsupported` for types that it cannot be stored in, `outOfMemory`.
  public init(
    _ name: String, shape: [Int], values: [Float]? = nil, requiresGradient: Bool = true,
    view: MatrixView? = nil, storage: ParameterStorage = ParameterStorage()
  ) throws(MuonError) {
    let owner = Parameter.owner(name)
    self.name = name
    self.requiresGradient = requiresGradient
    form = try ParameterForm(name, shape, view: view, storage: storage)
    let layout = form.shape
    if let values { try layout.requireCount(values.count, of: owner) }
    (data, dataOwner) = try Numbers.zeros(storage.elements, count: layout.count)
    gradient = nil
    if let values { data.copy(from: values) }
  }

  /// A parameter in memory of the caller's, which must stay valid as long as the parameter is used.
  ///
  /// - Parameters:
  ///   - name: For messages.
  ///   - shape: At most 8 extents, each at least 0; `Muon` takes 2, or a view.
  ///   - data: As many elements as the product of the extents, row-major.
  ///   - gradient: As many, or `nil`: there is no gradient now.
  ///   - requiresGradient: Read by the builders: false leaves the parameter out.
  ///   - view: How `Muon` sees it as matrices; `nil`: as the one that it is. `AdamW` ignores it.
  /// - Throws: `shape` for other extents or another number of elements, `invalidArgument` for memory
  ///   that is not aligned to its elements, both for a view that does not fit.
  @unsafe
  public convenience init(
    _ name: String, shape: [Int], data: UnsafeMutableBufferPointer<Float>,
    gradient: UnsafeMutableBufferPointer<Float>?, requiresGradient: Bool = true,
    view: MatrixView? = nil
  ) throws(MuonError) {
    try unsafe self.init(
      name, shape: shape, storage: ParameterStorage(), data: UnsafeMutableRawBufferPointer(data),
      gradient: gradient.map(UnsafeMutableRawBufferPointer.init),
      requiresGradient: requiresGradient, view: view)
  }

  /// The same for memory that has elements of any types.
  ///
  /// - Parameters:
  ///   - name: For messages.
  ///   - shape: At most 8 extents, each at least 0; `Muon` takes 2, or a view.
  ///   - storage: The types of the elements.
  ///   - data: As many elements as the product of the extents, row-major.
  ///   - gradient: As many, or `nil`: there is no gradient now.
  ///   - requiresGradient: Read by the builders: false leaves the parameter out.
  ///   - view: How `Muon` sees it as matrices; `nil`: as the one that it is. `AdamW` ignores it.
  /// - Throws: `shape` for other extents or another number of elements, `invalidArgument` for memory
  ///   that is not aligned to its elements, both for a view that does not fit, `elementType` and `unsupported` for
  ///   types that it cannot be stored in.
  @unsafe
  public convenience init(
    _ name: String, shape: [Int], storage: ParameterStorage, data: UnsafeMutableRawBufferPointer,
    gradient: UnsafeMutableRawBufferPointer?, requiresGradient: Bool = true,
    view: MatrixView? = nil
  ) throws(MuonError) {
    let owner = Parameter.owner(name)
    try unsafe self.init(
      name, shape: shape,
      data: Numbers.given(storage.elements, data, of: owner) ?? .none(storage.elements),
      gradient: Numbers.given(storage.gradientElements, gradient, of: owner),
      requiresGradient: requiresGradient, view: view, storage: storage)
  }

  package init(
    _ name: String, shape: [Int], data: Numbers, gradient: Numbers?,
    requiresGradient: Bool = true,
    view: MatrixView? = nil, storage: ParameterStorage = ParameterStorage()
  ) throws(MuonError) {
    let owner = Parameter.owner(name)
    self.name = name
    self.requiresGradient = requiresGradient
    form = try ParameterForm(name, shape, view: view, storage: storage)
    let layout = form.shape
    try layout.requireBuffer(data, .data, of: owner)
    if let gradient { try layout.requireBuffer(gradient, .gradient, of: owner) }
    self.data = data
    self.gradient = gradient
  }

  /// How messages name a parameter.
  static func owner(_ name: String) -> String { "parameter \(name)" }
  var owner: String { Parameter.owner(name) }

  /// A copy of the elements, in float32.
  public var values: [Float] { data.values }

  /// A copy of the gradient, in float32; `nil` if there is none.
  public var gradientValues: [Float]? { gradient?.values }

  /// Reads the elements: in place, or of a parameter that is not float32 a copy.
  public func withData<Result>(_ body: (Span<Float>) throws -> Result) rethrows -> Result {
    guard let floats = data.floats else { return try body(data.values.span) }
    return try floats.withSpan(body)
  }

  /// Changes the elements: in place, or of a parameter that is not float32 those of a copy, which is rounded back
  /// into it.
  public func withMutableData<Result>(
    _ body: (inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    guard let floats = data.floats else {
      var values = data.values
      defer { data.copy(from: values) }
      var span = values.mutableSpan
      return try body(&span)
    }
    return try floats.withMutableSpan(body)
  }

  /// Gives the parameter a gradient if it has none (zeros), and writes it: in place, or where it is not float32 in a
  /// copy, which is rounded back into it.
  ///
  /// - Throws: `outOfMemory`.
  public func withMutableGradient<Result>(
    _ body: (inout MutableSpan<Float>) -> Result
  ) throws(MuonError) -> Result {
    let present: Numbers
    if let gradient {
      present = gradient
    } else {
      (present, gradientOwner) = try Numbers.zeros(storage.gradientElements, count: layout.count)
      gradient = present
    }
    // `body` may remove the gradient.
    let owner = gradientOwner
    defer { withExtendedLifetime(owner) {} }
    guard let floats = present.floats else {
      var values = present.values
      defer { present.copy(from: values) }
      var span = values.mutableSpan
      return body(&span)
    }
    return floats.withMutableSpan(body)
  }

  /// Copies a gradient in: as many elements as the parameter has, row-major, rounded to its type.
  ///
  /// - Throws: `shape` for another number of elements, `outOfMemory`.
  public func setGradient(_ values: [Float]) throws(MuonError) {
    try layout.requireCount(values.count, of: "the gradient of \(owner)")
    try withMutableGradient { span in
      for i in values.indices { span[i] = values[i] }
    }
  }

  /// From now on there is no gradient: `step` passes the parameter over.
  public func removeGradient() {
    gradient = nil
    gradientOwner = nil
  }
}

extension Shape {
  /// Requires as many elements as the shape has, at an aligned address.
  func requireBuffer(
    _ memory: Numbers, _ buffer: ParameterBuffer,
    of owner: @autoclosure () -> String
  ) throws(MuonError) {
    try requireCount(memory.count, of: "the \(buffer.label) of \(owner())")
    let address = memory.address
    let bytes = UInt(memory.count * memory.type.size)
    guard address % UInt(memory.type.size) == 0 else {
      throw MuonError(
        .invalidArgument, "the \(buffer.label) of \(owner()) is not aligned to its elements")
    }
    guard !address.addingReportingOverflow(bytes).overflow else {
      throw MuonError(
        .invalidArgument,
        "the \(buffer.label) of \(owner()) goes past the end of the address space")
    }
  }
}
