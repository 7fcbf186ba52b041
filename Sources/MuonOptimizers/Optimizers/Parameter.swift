/// An array that is trained, and its gradient.
///
/// It either owns its memory, or stands for memory of the caller's.
@safe
public final class Parameter {
  /// For messages.
  public let name: String
  /// Read by the builders: false leaves the parameter out.
  public let requiresGradient: Bool
  package let layout: Shape

  package var data: UnsafeMutableBufferPointer<Float>
  package var gradient: UnsafeMutableBufferPointer<Float>?
  /// Memory of the parameter's own, where it has some.
  private var ownedData, ownedGradient: Buffer<Float>?

  /// The extents; row-major. Empty for a scalar.
  public var shape: [Int] { layout.extents }
  /// The number of elements.
  public var count: Int { layout.count }

  /// A parameter with memory of its own.
  ///
  /// - Parameters:
  ///   - name: For messages.
  ///   - shape: At most 8 extents, each at least 0; `Muon` takes 2.
  ///   - values: As many as the product of the extents, row-major; `nil` for zeros.
  ///   - requiresGradient: Read by the builders: false leaves the parameter out.
  /// - Throws: `shape` for other extents or another number of values, `outOfMemory`.
  public init(
    _ name: String, shape: [Int], values: [Float]? = nil, requiresGradient: Bool = true
  ) throws(MuonError) {
    let owner = Parameter.owner(name)
    self.name = name
    self.requiresGradient = requiresGradient
    layout = try Shape(shape, of: owner)
    if let values { try layout.requireCount(values.count, of: owner) }
    let memory = try Buffer<Float>(count: layout.count)
    ownedData = memory
    unsafe data = memory.elements
    unsafe gradient = nil
    if let values { _ = unsafe data.update(fromContentsOf: values) }
  }

  /// A parameter in memory of the caller's, which must stay valid as long as the parameter is used.
  ///
  /// - Parameters:
  ///   - name: For messages.
  ///   - shape: At most 8 extents, each at least 0; `Muon` takes 2.
  ///   - data: As many elements as the product of the extents, row-major.
  ///   - gradient: As many, or `nil`: there is no gradient now.
  ///   - requiresGradient: Read by the builders: false leaves the parameter out.
  /// - Throws: `shape` for other extents or another number of elements, `invalidArgument` for memory
  ///   that is not aligned to its elements.
  @unsafe
  public init(
    _ name: String, shape: [Int], data: UnsafeMutableBufferPointer<Float>,
    gradient: UnsafeMutableBufferPointer<Float>?, requiresGradient: Bool = true
  ) throws(MuonError) {
    let owner = Parameter.owner(name)
    self.name = name
    self.requiresGradient = requiresGradient
    layout = try Shape(shape, of: owner)
    try unsafe layout.requireBuffer(data, .data, of: owner)
    if let gradient = unsafe gradient {
      try unsafe layout.requireBuffer(gradient, .gradient, of: owner)
    }
    unsafe self.data = data
    unsafe self.gradient = gradient
  }

  /// How messages name a parameter.
  static func owner(_ name: String) -> String { "parameter \(name)" }
  var owner: String { Parameter.owner(name) }

  /// A copy of the elements.
  public var values: [Float] { unsafe Array(data) }

  /// A copy of the gradient; `nil` if there is none.
  public var gradientValues: [Float]? { unsafe gradient.map { unsafe Array($0) } }

  /// Reads the elements in place.
  public func withData<Result>(_ body: (Span<Float>) throws -> Result) rethrows -> Result {
    try unsafe body(UnsafeBufferPointer(data).span)
  }

  /// Changes the elements in place.
  public func withMutableData<Result>(
    _ body: (inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    var span = unsafe data.mutableSpan
    return try body(&span)
  }

  /// Gives the parameter a gradient if it has none (zeros), and writes it in place.
  ///
  /// - Throws: `outOfMemory`.
  public func withMutableGradient<Result>(
    _ body: (inout MutableSpan<Float>) -> Result
  ) throws(MuonError) -> Result {
    if unsafe gradient == nil {
      let memory = try Buffer<Float>(count: layout.count)
      ownedGradient = memory
      unsafe gradient = memory.elements
    }
    // `body` may remove the gradient.
    let memory = ownedGradient
    defer { withExtendedLifetime(memory) {} }
    var span = unsafe gradient.unsafelyUnwrapped.mutableSpan
    return body(&span)
  }

  /// Copies a gradient in: as many elements as the parameter has, row-major.
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
    unsafe gradient = nil
    ownedGradient = nil
  }
}

extension Shape {
  /// Requires as many elements as the shape has, at an aligned address.
  func requireBuffer(
    _ memory: UnsafeMutableBufferPointer<Float>, _ buffer: ParameterBuffer,
    of owner: @autoclosure () -> String
  ) throws(MuonError) {
    try requireCount(memory.count, of: "the \(buffer.label) of \(owner())")
    let address = UInt(bitPattern: memory.baseAddress)
    let bytes = UInt(memory.count * MemoryLayout<Float>.stride)
    guard address % UInt(MemoryLayout<Float>.alignment) == 0 else {
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
